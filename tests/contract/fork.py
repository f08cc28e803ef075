"""Checks of forks: what their payload takes, and what is answered."""

from contract import MISSING

# Payloads of a fork of a session with two entries, and whether the schema takes them.
FORKS = [
    (True, {}),
    (True, {"at_seq": 0}),
    (True, {"at_seq": 2, "thread_id": "t" * 512, "project_path": "p" * 4096}),
    (False, {"at_seq": -1}),
    (False, {"at_seq": 4294967296}),
    (False, {"at_seq": "2"}),
    (False, {"at_seq": 1.5}),
    (False, {"at_seq": None}),
    (False, {"thread_id": ""}),
    (False, {"thread_id": None}),
    (False, {"thread_id": "t" * 513}),
    (False, {"project_path": "p" * 4097}),
    (False, {"context": {}}),
    (False, []),
]


def forks(contract):
    parent = contract.create(context={"a": 1}).headers["location"]
    contract.call(200, "POST", f"{parent}/entries", [{"n": 1}, {"n": 2}])
    for fits, body in FORKS:
        contract.schema_agrees("Fork", fits, body)
        if not fits:
            contract.problem("invalid-payload", 422, "POST", f"{parent}/fork", body)
            continue
        made = contract.call(201, "POST", f"{parent}/fork", body)
        session = made.json()
        contract.equal(made.headers["location"], f"/sessions/{session['id']}", "Location of a fork")
        contract.equal(f"/sessions/{session['parent_id']}", parent, "parent_id")
        contract.equal(session["entry_count"], body.get("at_seq", 2), "entry_count of a fork")
        contract.equal(contract.call(200, "GET", made.headers["location"]).json(), session, "what GET answers after a fork")
    problem = contract.problem("invalid-payload", 422, "POST", f"{parent}/fork", {"at_seq": 3}).json()
    contract.equal(problem["errors"][0]["pointer"], "#/at_seq", "what is at fault")
    contract.problem("unsupported-media-type", 415, "POST", f"{parent}/fork", {}, "application/merge-patch+json")
    contract.problem("not-found", 404, "POST", f"{MISSING}/fork", {})
    contract.problem("not-found", 404, "POST", "/sessions/x/fork", {})


CHECKS = [forks]
