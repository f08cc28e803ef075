"""Checks of export and import."""

import json
import uuid

from contract import MISSING

NDJSON = "application/x-ndjson"
# Changes to a line of a session and of an entry that make it one that is refused.
BAD_SESSIONS = [{"type": "x"}, {"id": "x"}, {"project_path": ""}, {"thread_id": 1}, {"status": "active"}, {"version": 0},
                {"version": "1"}, {"created_at": "now"}, {"updated_at": None}, {"recovered_at": 1}, {"parent_id": "x"},
                {"lease_token": -1}, {"context": []}, {"seq": 1}, {"else": 1}]
BAD_ENTRIES = [{"session_id": "x"}, {"stream": ""}, {"seq": 0}, {"seq": 4294967296}, {"created_at": ""}, {"entry": 1},
               {"version": 1}]


def lines(*objects):
    return "".join(json.dumps(one) + "\n" for one in objects).encode()


def exported(contract, target):
    """The lines of one session of the export, parsed."""
    body = contract.call(200, "GET", "/admin/export").body.decode()
    name = target.removeprefix("/sessions/")
    return [json.loads(line) for line in body.splitlines() if name in line]


def exports(contract):
    target = contract.create(context={"a": 1}).headers["location"]
    contract.call(200, "POST", f"{target}/entries", [{"uuid": "a"}, {"n": 1}])
    session, *entries = exported(contract, target)
    contract.equal((session["type"], session["context"], session["version"]), ("session", {"a": 1}, 1), "a session's line")
    contract.equal([(one["type"], one["stream"], one["seq"], one["entry"]) for one in entries],
                   [("entry", "main", 1, {"uuid": "a"}), ("entry", "main", 2, {"n": 1})], "the lines of its entries")
    rest = contract.call(200, "GET", f"/admin/export?after={target.removeprefix('/sessions/')}")
    contract.equal(rest.body, b"", "what is exported behind the newest session")
    contract.problem("not-found", 404, "GET", f"/admin/export?after={MISSING.removeprefix('/sessions/')}")
    for query in ("after=", "after=x", "before=x"):
        contract.problem("invalid-query", 400, "GET", f"/admin/export?{query}")


def imports(contract):
    target = contract.create(context={"a": 1}).headers["location"]
    contract.call(200, "POST", f"{target}/entries", [{"uuid": "a"}, {"n": 1}])
    session, *entries = exported(contract, target)
    name = str(uuid.uuid4())
    session["id"] = name
    for entry in entries:
        entry["session_id"] = name

    def bring(*objects):
        return contract.call(200, "POST", "/admin/import", lines(*objects), NDJSON).json()

    none = {"created": 0, "present": 0}
    contract.equal(bring(session, *entries), {"sessions": {"created": 1, "present": 0}, "entries": {"created": 2, "present": 0},
                                             "conflicts": []}, "the first import")
    contract.equal(bring(session, *entries), {"sessions": {"created": 0, "present": 1}, "entries": {"created": 0, "present": 2},
                                             "conflicts": []}, "the second import")
    contract.equal([one for one in exported(contract, f"/sessions/{name}")], [session, *entries], "what is exported then")
    contract.equal(bring({**entries[1], "seq": 4}), {"sessions": none, "entries": none, "conflicts": [
        {"session_id": name, "stream": "main", "seq": 4, "detail": "the previous entry is missing"}]}, "a gap")
    contract.equal(bring({**session, "version": 2}), {"sessions": none, "entries": none, "conflicts": [
        {"session_id": name, "detail": "the session exists with another version"}]}, "another version")
    for line, changes in ((session, BAD_SESSIONS), (entries[0], BAD_ENTRIES)):
        for change in changes:
            problem = contract.problem("invalid-payload", 422, "POST", "/admin/import", lines(session, {**line, **change}), NDJSON)
            contract.check(problem.json()["errors"][0]["pointer"].startswith("#/1"), f"{change}: the pointer")
        for member in line:
            missing = {key: value for key, value in line.items() if key != member}
            contract.problem("invalid-payload", 422, "POST", "/admin/import", lines(missing), NDJSON)
    contract.equal(contract.call(200, "POST", "/admin/import", lines(session), "application/json").json()["sessions"]["present"], 1,
                   "a line of the type application/json")
    contract.problem("malformed-json", 400, "POST", "/admin/import", b"{", NDJSON)
    contract.problem("unsupported-media-type", 415, "POST", "/admin/import", lines(session), "text/plain")


CHECKS = [exports, imports]
