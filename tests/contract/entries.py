"""Checks of a session's log: appending, reading, streams."""

import json

from contract import JSON, MAX_JSON_DEPTH, MISSING

LINES = "application/x-ndjson"

# Bodies, and whether their schema takes them; the service has to agree.
BATCHES = [
    (True, []),
    (True, [{}]),
    (True, [{"a": [1e300, "\u0000", None]}, {"uuid": "a"}, {"uuid": 7}]),
    (False, {}),
    (False, [[]]),
    (False, [{}, None]),
    (False, "x"),
    (False, None),
]
# What no schema tells.
BAD_UUIDS = ["", "u" * 129, "a\u0000", "a\u0085", "\ud800"]
MALFORMED = [b"", b"[", b"[{}] x", b"[{'a':1}]", b'[{"a":1,"a":2}]', b'[{"a":"\xff"}]', b"\xef\xbb\xbf[]",
             b"[" + b'{"a":' * MAX_JSON_DEPTH + b"1" + b"}" * MAX_JSON_DEPTH + b"]"]
BAD_APPENDS = ["stream=", "stream=" + "s" * 257, "stream=%00", "stream=%C2%85", "stream=a&stream=a",
               "expect_last_seq=", "expect_last_seq=-1", "expect_last_seq=x", "limit=1"]
BAD_READS = ["stream=", "after=-1", "after=x", "before=0", "before=", "order=up", "limit=0", "limit=1001",
             "limit=1&limit=1", "cursor=1", "wait=0", "wait=61", "wait=x", "wait=1&order=desc"]
BAD_LISTS = ["after=", "after=" + "s" * 257, "limit=0", "limit=1001", "stream=a"]


def append(contract, target, entries, query="", **more):
    return contract.call(200, "POST", f"{target}/entries{query}", entries, **more).json()


def appends(contract):
    target = contract.create().headers["location"]
    for fits, batch in BATCHES:
        contract.schema_agrees("NewEntries", fits, batch)
        text = json.dumps(batch).encode()
        if fits:
            contract.call(200, "POST", f"{target}/entries", text)
        else:
            contract.problem("invalid-payload", 422, "POST", f"{target}/entries", text)
    for uuid in BAD_UUIDS:
        contract.problem("invalid-payload", 422, "POST", f"{target}/entries", [{"uuid": uuid}])
    for body in MALFORMED:
        contract.problem("malformed-json", 400, "POST", f"{target}/entries", body)
    contract.problem("malformed-json", 400, "POST", f"{target}/entries", b"{}\n{\n}", LINES)
    contract.problem("unsupported-media-type", 415, "POST", f"{target}/entries", b"{}", "text/plain")
    contract.problem("not-found", 404, "POST", f"{MISSING}/entries", [{}])
    contract.problem("body-too-large", 413, "POST", f"{target}/entries", [{}] * 1001)
    for query in BAD_APPENDS:
        contract.problem("invalid-query", 400, "POST", f"{target}/entries?{query}", [{}])


def conflicts(contract):
    target = contract.create().headers["location"]
    first = append(contract, target, [{"uuid": "a"}, {"uuid": "b"}], "?expect_last_seq=0")
    contract.equal(first, {"appended": 2, "duplicates": 0, "last_seq": 2}, "the first append")
    again = append(contract, target, b'{"uuid":"b"}\n{"uuid":"c"}\n', content_type=LINES)
    contract.equal(again, {"appended": 1, "duplicates": 1, "last_seq": 3}, "an append with a duplicate")
    refused = contract.problem("entry-conflict", 409, "POST", f"{target}/entries",
                               [{"uuid": "d"}, {}, {"uuid": "a", "n": 1}])
    contract.equal(refused.json()["index"], 2, "the index of the conflict")
    refused = contract.problem("precondition-failed", 412, "POST", f"{target}/entries?expect_last_seq=2", [{}])
    contract.equal(refused.json()["last_seq"], 3, "last_seq of a refused append")
    contract.equal(contract.call(200, "GET", f"{target}/entries").json()["last_seq"], 3, "last_seq after both")


def fences(contract):
    target = contract.create().headers["location"]
    token = contract.lease(target)
    contract.problem("lease-held", 409, "POST", f"{target}/entries", [{}])
    contract.problem("lease-lost", 409, "POST", f"{target}/entries", [{}], headers={"Lease-Token": str(token + 1)})
    append(contract, target, [{}], headers={"Lease-Token": str(token)})
    contract.problem("invalid-header", 400, "POST", f"{target}/entries", [{}], headers={"Lease-Token": "x"})


def reads(contract):
    target = contract.create().headers["location"]
    append(contract, target, [{"n": n} for n in range(1, 6)])
    seen, after = [], 0
    while True:
        page = contract.call(200, "GET", f"{target}/entries?limit=2&after={after}").json()
        seen += [entry["entry"]["n"] for entry in page["entries"]]
        after = page["next_after"]
        if after == page["last_seq"]:
            break
    contract.equal(seen, [1, 2, 3, 4, 5], "upwards")
    seen, before = [], 6
    while before is not None:
        page = contract.call(200, "GET", f"{target}/entries?limit=2&order=desc&before={before}").json()
        seen += [entry["seq"] for entry in page["entries"]]
        before = page["next_before"]
    contract.equal(seen, [5, 4, 3, 2, 1], "downwards")
    lines = contract.call(200, "GET", f"{target}/entries", headers={"Accept": LINES})
    contract.equal([json.loads(line)["entry"]["n"] for line in lines.body.splitlines()], [1, 2, 3, 4, 5], "lines")
    contract.problem("invalid-query", 400, "GET", f"{target}/entries?wait=1", headers={"Accept": LINES})
    waited = contract.call(200, "GET", f"{target}/entries?after=5&wait=1").json()
    contract.equal(waited, {"entries": [], "next_after": 5, "last_seq": 5}, "what came within a second")
    for query in BAD_READS:
        contract.problem("invalid-query", 400, "GET", f"{target}/entries?{query}")
    contract.problem("not-found", 404, "GET", f"{MISSING}/entries")
    session = contract.call(200, "GET", target).json()
    contract.equal((session["entry_count"], session["entry_bytes"]), (5, 35), "a session's sums")
    contract.call(200, "GET", target, headers={"If-None-Match": '"1"'})


def streams(contract):
    target = contract.create().headers["location"]
    contract.equal(contract.call(200, "GET", f"{target}/streams").json()["streams"], [], "the streams of a new session")
    for name in ("b", "a%2F%C3%A4", "c"):
        append(contract, target, [{}], f"?stream={name}")
    names, after = [], ""
    while after is not None:
        page = contract.call(200, "GET", f"{target}/streams?limit=2" + (f"&after={after}" if after else "")).json()
        names += [stream["stream"] for stream in page["streams"]]
        after = page["next_after"]
    contract.equal(names, ["a/ä", "b", "c"], "streams by name")
    for query in BAD_LISTS:
        contract.problem("invalid-query", 400, "GET", f"{target}/streams?{query}")
    contract.problem("not-found", 404, "GET", f"{MISSING}/streams")
    contract.problem("not-found", 404, "GET", "/sessions/x/streams")


def once(contract):
    target = contract.create().headers["location"]
    for media_type, body in ((JSON, b"[{}]"), (LINES, b"{}\n")):
        headers = {"Idempotency-Key": f'"entries {media_type}"'}
        first = contract.call(200, "POST", f"{target}/entries", body, media_type, headers=headers)
        again = contract.call(200, "POST", f"{target}/entries", body, media_type, headers=headers)
        contract.equal(again.body, first.body, "the answer to an append that is sent again")
        contract.equal(again.headers.get("idempotency-replayed"), "true", "Idempotency-Replayed")
        contract.problem("idempotency-key-reused", 422, "POST", f"{target}/entries", body + b" ", media_type,
                         headers=headers)
    contract.equal(contract.call(200, "GET", f"{target}/entries").json()["last_seq"], 2, "appended once each")


CHECKS = [appends, conflicts, fences, reads, streams, once]
