"""Checks of who may write a session: transitions, leases, recovery, moves."""

import json
import time

from contract import JSON, MISSING, NEW

SPAN_S = 60

# Request bodies, and whether their schema takes them; the service has to agree.
LEASES = [
    (True, {"owner": "d", "ttl_seconds": 1}),
    (True, {"owner": "d" * 256, "ttl_seconds": 86400, "steal": False}),
    (True, {"owner": "dämon \U0001f600", "ttl_seconds": 60, "steal": True}),
    (True, {"owner": "d", "ttl_seconds": 30.0}),
    (True, {"owner": "d", "ttl_seconds": 3.0e1}),
    (False, {"owner": "d"}),
    (False, {"ttl_seconds": 1}),
    (False, {"owner": "", "ttl_seconds": 1}),
    (False, {"owner": "d" * 257, "ttl_seconds": 1}),
    (False, {"owner": "a\nb", "ttl_seconds": 1}),
    (False, {"owner": 1, "ttl_seconds": 1}),
    (False, {"owner": "d", "ttl_seconds": 0}),
    (False, {"owner": "d", "ttl_seconds": 86401}),
    (False, {"owner": "d", "ttl_seconds": 1.5}),
    (False, {"owner": "d", "ttl_seconds": "1"}),
    (False, {"owner": "d", "ttl_seconds": None}),
    (False, {"owner": "d", "ttl_seconds": 0.999}),
    (False, {"owner": "d", "ttl_seconds": 10 ** 30}),
    (False, {"owner": "d", "ttl_seconds": 1e300}),
    (False, {"owner": "d", "ttl_seconds": 1, "steal": 1}),
    (False, {"owner": "d", "ttl_seconds": 1, "steal": None}),
    (False, {"owner": "d", "ttl_seconds": 1, "token": 1}),
    (False, []),
]
TRANSITIONS = [
    (True, {"from": "CREATED", "to": "ACTIVE"}),
    (True, {"from": "ACTIVE", "to": "ACTIVE"}),
    (False, {"from": "ACTIVE"}),
    (False, {"to": "ACTIVE"}),
    (False, {"from": "active", "to": "PAUSED"}),
    (False, {"from": "ACTIVE", "to": None}),
    (False, {"from": "ACTIVE", "to": "PAUSED", "status": "PAUSED"}),
    (False, None),
]
RECOVERIES = [
    (True, {}),
    (True, {"owner": "nobody"}),
    (False, {"owner": ""}),
    (False, {"owner": None}),
    (False, {"owner": "x" * 257}),
    (False, {"all": True}),
    (False, []),
]
RELOCATIONS = [
    (True, {"from": "/nowhere", "to": "/elsewhere"}),
    (True, {"from": "/nowhere", "to": "/elsewhere", "dry_run": True}),
    (True, {"from": "n" * 4096, "to": "t" * 4096}),
    (False, {"from": "/nowhere"}),
    (False, {"to": "/elsewhere"}),
    (False, {"from": "", "to": "/elsewhere"}),
    (False, {"from": "/nowhere", "to": ""}),
    (False, {"from": "n" * 4097, "to": "/elsewhere"}),
    (False, {"from": "/now\there", "to": "/elsewhere"}),
    (False, {"from": "/nowhere", "to": "/elsewhere", "dry_run": "no"}),
    (False, {"from": "/nowhere", "to": "/elsewhere", "dry_run": None}),
    (False, {"from": "/nowhere", "to": "/elsewhere", "force": True}),
]
BAD_TOKENS = ["0", "-1", "+1", "1.0", "x", "0x1", "1 2", "1, 1", '"1"', "1" * 19]


def bodies(contract):
    for name, method, pattern, cases in (
            ("LeaseRequest", "PUT", "{session}/lease", LEASES),
            ("Transition", "POST", "{session}/transition", TRANSITIONS),
            ("RecoveryRequest", "POST", "/sessions/recover", RECOVERIES),
            ("RelocationRequest", "POST", "/sessions/relocate", RELOCATIONS)):
        for fits, body in cases:
            contract.schema_agrees(name, fits, body)
            session = contract.create().headers["location"]
            text = json.dumps(body).encode()
            if not fits:
                contract.problem("invalid-payload", 422, method, pattern.format(session=session), text)
                continue
            if body.get("from") == "ACTIVE":
                contract.call(200, "PATCH", session, {"status": "ACTIVE"})
            contract.call(200, method, pattern.format(session=session), text)


def transitions(contract):
    target = contract.create().headers["location"]
    where = f"{target}/transition"
    moved = contract.call(200, "POST", where, {"from": "CREATED", "to": "ACTIVE"})
    contract.equal((moved.json()["status"], moved.headers["etag"]), ("ACTIVE", '"2"'), "what a transition answers")
    contract.equal(contract.call(200, "GET", target).json(), moved.json(), "what GET answers after a transition")
    target = contract.create().headers["location"]
    where = f"{target}/transition"
    problem = contract.problem("status-mismatch", 409, "POST", where, {"from": "ACTIVE", "to": "PAUSED"}).json()
    contract.equal((problem["current_status"], problem["expected_status"]), ("CREATED", "ACTIVE"), "both statuses")
    problem = contract.problem("invalid-transition", 409, "POST", where, {"from": "CREATED", "to": "PAUSED"}).json()
    contract.equal(problem["allowed"], ["ACTIVE", "TERMINATED"], "allowed")
    for body in ({"from": "CREATED", "to": "ACTIVE"}, {"from": "ACTIVE", "to": "PAUSED"},
                 {"from": "CREATED", "to": "PAUSED"}):  # conditions come before what the body asks for
        contract.problem("precondition-failed", 412, "POST", where, body, headers={"If-Match": '"9"'})
    contract.problem("precondition-failed", 412, "POST", where, {"from": "CREATED", "to": "ACTIVE"},
                     headers={"If-None-Match": 'W/"1"'})
    contract.equal(contract.call(200, "GET", target).headers["etag"], '"1"', "ETag after refused transitions")
    contract.problem("not-found", 404, "POST", f"{MISSING}/transition", {"from": "CREATED", "to": "ACTIVE"})
    contract.problem("not-found", 404, "POST", "/sessions/x/transition", {"from": "CREATED", "to": "ACTIVE"})


def leases(contract):
    """Grant, renewal, another owner, a steal, a new incarnation."""
    target = contract.create().headers["location"]
    contract.equal(contract.call(200, "GET", target).json()["lease"], None, "the lease of a new session")
    granted = contract.call(200, "PUT", f"{target}/lease", {"owner": "daemon-1", "ttl_seconds": SPAN_S})
    token = granted.json()["token"]
    contract.equal(granted.headers["etag"], '"2"', "ETag of a grant")
    session = contract.call(200, "GET", target).json()
    contract.equal((session["status"], session["version"]), ("ACTIVE", 2), "status and version after a grant")
    contract.equal(session["lease"], granted.json(), "the session's lease")
    renewed = contract.call(200, "PUT", f"{target}/lease", {"owner": "daemon-1", "ttl_seconds": 2 * SPAN_S},
                            headers={"Lease-Token": str(token)})
    contract.equal((renewed.json()["token"], renewed.headers["etag"]), (token, '"2"'), "what a renewal changes")
    contract.check(renewed.json()["expires_at"] > granted.json()["expires_at"], "a renewal does not prolong")

    held = contract.problem("lease-held", 409, "PUT", f"{target}/lease", {"owner": "daemon-2", "ttl_seconds": SPAN_S})
    contract.equal(held.json()["owner"], "daemon-1", "whose lease it is")
    contract.check(SPAN_S < int(held.headers["retry-after"]) <= 2 * SPAN_S, f"Retry-After {held.headers}")
    contract.problem("lease-held", 409, "PUT", f"{target}/lease", {"owner": "daemon-2", "ttl_seconds": SPAN_S},
                     headers={"Lease-Token": str(token)})
    contract.problem("lease-held", 409, "PUT", f"{target}/lease",
                     {"owner": "daemon-2", "ttl_seconds": SPAN_S, "steal": True}, headers={"Lease-Token": str(token)})
    contract.equal(contract.lease(target, "daemon-2", steal=True), token + 1, "the token of a steal")
    for owner in ("daemon-1", "daemon-2"):
        for steal in (False, True):
            contract.problem("lease-lost", 409, "PUT", f"{target}/lease",
                             {"owner": owner, "ttl_seconds": SPAN_S, "steal": steal},
                             headers={"Lease-Token": str(token)})
    contract.equal(contract.lease(target, "daemon-2"), token + 2, "the token of a new incarnation")
    contract.problem("not-found", 404, "PUT", f"{MISSING}/lease", {"owner": "daemon-1", "ttl_seconds": 1})
    contract.problem("not-found", 404, "PUT", "/sessions/x/lease", {"owner": "daemon-1", "ttl_seconds": 1})


def tokens_over_deletion(contract):
    """A session that is put again under its id fences off the tokens of the one that was deleted."""
    target = contract.create().headers["location"]
    last = contract.lease(target, "daemon-1")
    contract.call(204, "DELETE", target, headers={"Lease-Token": str(last)})
    contract.call(201, "PUT", target, {"project_path": "/again", "thread_id": "t"})
    writes = [("PATCH", target, {"context": {"n": 1}}), ("POST", f"{target}/entries", [{}]),
              ("PUT", f"{target}/lease", {"owner": "daemon-1", "ttl_seconds": SPAN_S, "steal": True}),
              ("DELETE", f"{target}/lease", None), ("DELETE", target, None)]
    for method, where, body in writes:
        contract.problem("lease-lost", 409, method, where, body, headers={"Lease-Token": str(last)})
    contract.check(contract.lease(target, "daemon-2") > last, "a token comes twice for an id")
    for method, where, body in writes:
        contract.problem("lease-lost", 409, method, where, body, headers={"Lease-Token": str(last)})


def fencing(contract):
    """While a lease is held, its token alone writes; and conditions come after it."""
    target = contract.create().headers["location"]
    contract.lease(target)
    token = contract.lease(target, steal=True)
    writes = [("PATCH", target, {"context": {"n": 1}}), ("DELETE", target, None),
              ("POST", f"{target}/transition", {"from": "ACTIVE", "to": "PAUSED"})]
    for method, where, body in writes:
        held = contract.problem("lease-held", 409, method, where, body, headers={"If-Match": '"99"'})
        contract.check("retry-after" in held.headers, f"{method}: no Retry-After")
        for wrong in (token - 1, token + 1):
            lost = contract.problem("lease-lost", 409, method, where, body, headers={"Lease-Token": str(wrong)})
            contract.check("retry-after" not in lost.headers, f"{method}: Retry-After where waiting does not help")
        contract.problem("precondition-failed", 412, method, where, body,
                         headers={"Lease-Token": str(token), "If-Match": '"99"'})
    for method, where, body in (writes[0], writes[2], writes[1]):
        contract.call(204 if method == "DELETE" else 200, method, where, body, headers={"Lease-Token": str(token)})
    target = contract.create().headers["location"]
    contract.problem("lease-lost", 409, "PATCH", target, {}, headers={"Lease-Token": "1"})


def releases(contract):
    target = contract.create().headers["location"]
    where = f"{target}/lease"
    contract.problem("no-lease", 404, "DELETE", where)
    contract.problem("not-found", 404, "DELETE", f"{MISSING}/lease")
    contract.problem("not-found", 404, "DELETE", "/sessions/x/lease")
    token = str(contract.lease(target))
    contract.problem("lease-held", 409, "DELETE", where)
    contract.problem("lease-lost", 409, "DELETE", where, headers={"Lease-Token": "9"})
    for _ in range(2):
        contract.call(204, "DELETE", where, headers={"Lease-Token": token})
    session = contract.call(200, "GET", target).json()
    contract.equal((session["status"], session["lease"], session["recovered_at"]), ("PAUSED", None, None),
                   "status, lease and recovered_at after a release")
    contract.equal(contract.lease(target, "daemon-2"), int(token) + 1, "the token after a release")


def lease_ends(contract):
    """With the session, and by itself."""
    target = contract.create().headers["location"]
    token = str(contract.lease(target))
    ended = contract.call(200, "PATCH", target, {"status": "TERMINATED"}, headers={"Lease-Token": token})
    contract.equal(ended.json()["lease"], None, "the lease of what is TERMINATED")
    contract.problem("invalid-transition", 409, "PUT", f"{target}/lease", {"owner": "daemon-1", "ttl_seconds": 1})
    target = contract.create().headers["location"]
    token = str(contract.lease(target, ttl_seconds=1))
    give_up = time.monotonic() + SPAN_S
    while contract.service.call("GET", target).json()["lease"] is not None and time.monotonic() < give_up:
        time.sleep(0.02)
    session = contract.call(200, "GET", target).json()
    contract.equal((session["status"], session["version"]), ("PAUSED", 3), "status and version after an expiry")
    contract.equal(session["recovered_at"], session["updated_at"], "recovered_at")
    contract.problem("lease-lost", 409, "PATCH", target, {"context": {}}, headers={"Lease-Token": token})


def lease_headers(contract):
    target = contract.create().headers["location"]
    schema = {"$ref": "#/components/schemas/LeaseToken"}
    for token in BAD_TOKENS:
        value = int(token) if token.lstrip("-").isdigit() else token
        contract.check(contract.document.faults(schema, value), f"LeaseToken takes {token}")
        for method, where, body in (("PATCH", target, {}), ("DELETE", target, None), ("DELETE", f"{target}/lease", None),
                                    ("PUT", f"{target}/lease", {"owner": "d", "ttl_seconds": 1}),
                                    ("POST", f"{target}/transition", {"from": "CREATED", "to": "ACTIVE"})):
            contract.problem("invalid-header", 400, method, where, body, headers={"Lease-Token": token})


def leased_reads(contract):
    """A renewal changes what is shown and not the version: no 304 while a lease is held."""
    target = contract.create().headers["location"]
    token = contract.lease(target)
    for method in ("GET", "HEAD"):
        for tag in ('"2"', "*"):
            contract.call(200, method, target, headers={"If-None-Match": tag})
    contract.call(204, "DELETE", f"{target}/lease", headers={"Lease-Token": str(token)})
    contract.call(304, "GET", target, headers={"If-None-Match": '"3"'})
    token = contract.lease(target)
    listed = contract.call(200, "GET", f"/sessions?status=ACTIVE&thread_id={NEW['thread_id']}&limit=1").json()
    contract.equal(listed["sessions"][0]["lease"]["token"], token, "the lease in a list")


def recoveries(contract):
    owned, active, other = (contract.create().headers["location"] for _ in range(3))
    contract.call(200, "POST", "/sessions/recover", {})
    contract.call(200, "PATCH", active, {"status": "ACTIVE"})
    token = contract.lease(owned, "daemon-7")
    contract.lease(other, "daemon-8")
    for body, target in (({}, active), ({"owner": "daemon-7"}, owned)):
        found = contract.call(200, "POST", "/sessions/recover", body).json()
        contract.equal(found["recovered"], [target.split("/")[-1]], f"recovered by {body}")
        session = contract.call(200, "GET", target).json()
        contract.equal((session["status"], session["lease"], session["recovered_at"]),
                       ("PAUSED", None, found["recovered_at"]), f"a session recovered by {body}")
        again = contract.call(200, "POST", "/sessions/recover", body).json()
        contract.equal(again, {"recovered": [], "recovered_at": None, "next_cursor": None}, f"the second recovery by {body}")
    contract.problem("lease-lost", 409, "PATCH", owned, {"context": {}}, headers={"Lease-Token": str(token)})
    contract.equal(contract.call(200, "GET", other).json()["lease"]["owner"], "daemon-8", "who is not recovered")


def relocations(contract):
    paths = ["/move/a", "/move/a/b", "/move/ab", "/move/a-b"]
    targets = [contract.create(project_path=path).headers["location"] for path in paths]
    names = [target.split("/")[-1] for target in targets]
    moved = [{"id": names[0], "project_path": "/moved"}, {"id": names[1], "project_path": "/moved/b"}]
    body = {"from": "/move/a/", "to": "/moved"}
    shown = contract.call(200, "POST", "/sessions/relocate", {**body, "dry_run": True}).json()
    contract.equal(shown, {"relocated": moved, "dry_run": True, "next_cursor": None}, "a dry run")
    contract.equal(contract.call(200, "GET", targets[0]).json()["version"], 1, "the version after a dry run")
    contract.lease(targets[0])
    done = contract.call(200, "POST", "/sessions/relocate", body).json()
    contract.equal(done, {"relocated": moved, "dry_run": False, "next_cursor": None}, "a move")
    now = [contract.call(200, "GET", target).json() for target in targets]
    contract.equal([s["project_path"] for s in now], ["/moved", "/moved/b", *paths[2:]], "the paths after a move")
    contract.equal([s["version"] for s in now], [3, 2, 1, 1], "the versions after a move")
    contract.equal(contract.call(200, "POST", "/sessions/relocate", body).json()["relocated"], [], "a second move")
    contract.create(project_path="/move/long" + "/x" * 2000)
    contract.problem("invalid-payload", 422, "POST", "/sessions/relocate", {"from": "/move/long", "to": "/" + "y" * 200})


def all_pages(contract, target, body, member):
    """Follows next_cursor; returns the items and the answers."""
    answers, cursor = [], ""
    while cursor is not None:
        answers.append(contract.call(200, "POST", f"{target}?limit=2{cursor and '&cursor=' + cursor}", body).json())
        cursor = answers[-1]["next_cursor"]
    return [item for answer in answers for item in answer[member]], answers


def pages(contract):
    targets = [contract.create(project_path=f"/pages/{i}").headers["location"] for i in range(5)]
    names = [target.split("/")[-1] for target in targets]
    contract.call(200, "POST", "/sessions/recover", {})
    for target in targets:
        contract.call(200, "PATCH", target, {"status": "ACTIVE"})
    recovered, answers = all_pages(contract, "/sessions/recover", {}, "recovered")
    contract.equal(recovered, names, "the recovered sessions of all pages")
    times = {answer["recovered_at"] for answer in answers if answer["recovered"]}
    contract.equal(len(times), 1, "the values of recovered_at of all pages")
    for dry_run in (True, False):
        body = {"from": "/pages", "to": "/pages/inside", "dry_run": dry_run}
        moved, _ = all_pages(contract, "/sessions/relocate", body, "relocated")
        contract.equal([item["id"] for item in moved], names, f"the moved sessions of all pages, dry_run {dry_run}")
    for path in ("/sessions/recover", "/sessions/relocate"):
        for query in ("limit=0", "limit=1001", "limit=x", "cursor=", "cursor=x", "cursor=1", "cursor=1.x", "cursor=1.2.",
                      "cursor=1.2.4.2f", "cursor=1.2.1.2", "cursor=1.2.1.2F", "cursor=1.2.1.00", "cursor=-1.2", "other=1",
                      f"cursor={2**63}.1", f"cursor={2**63 - 1}.1", f"cursor={2**63 - 1}.1.1.2f"):
            body = {} if path.endswith("recover") else {"from": "/pages", "to": "/elsewhere"}
            contract.problem("invalid-query", 400, "POST", f"{path}?{query}", body)


def media_types(contract):
    target = contract.create().headers["location"]
    for method, where in (("PUT", f"{target}/lease"), ("POST", f"{target}/transition"),
                          ("POST", "/sessions/recover"), ("POST", "/sessions/relocate")):
        contract.problem("unsupported-media-type", 415, method, where, {}, "application/merge-patch+json")
        contract.problem("malformed-json", 400, method, where, b"{", JSON)


CHECKS = [bodies, transitions, leases, tokens_over_deletion, fencing, releases, lease_ends, lease_headers, leased_reads, recoveries,
          pages, relocations, media_types]
