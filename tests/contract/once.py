"""Checks of what is safe to send again: Idempotency-Key, and getting or creating."""

import uuid

from contract import MISSING, NEW

# Values of Idempotency-Key, and whether the schema takes them; the service has to agree.
KEYS = [
    (True, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'),
    (True, "8e03978e-40d5-43dd-bc93-6894a57f9324"),
    (True, "!#$%&'()*+-./0:<=>?@[]^_`{|}~"),
    (True, '"a b,c;d"'),
    (True, r'"a \"b\" \\ c"'),
    (True, '"' + "k" * 255 + '"'),
    (True, "k" * 255),
    (False, '""'),
    (False, '"'),
    (False, '"a'),
    (False, 'a"'),
    (False, '"a"b'),
    (False, r'"a\b"'),
    (False, '"a\\"'),
    (False, '"a", "b"'),
    (False, "a b"),
    (False, "a,b"),
    (False, "a;b"),
    (False, '"' + "k" * 256 + '"'),
    (False, "k" * 256),
    (False, '"\u00e4"'),
    (False, "\u00e4"),
]


def kept(response):
    """What a response to a repeated request has to have in common with the first."""
    return response.status, response.body, response.headers.get("location"), response.headers.get("etag")


def requests(contract):
    """One request of each POST that changes something: status, target, body."""
    contract.create(project_path="/once/get", thread_id="once")
    target = contract.create(project_path="/once/old/a").headers["location"]
    contract.call(200, "PATCH", target, {"status": "ACTIVE"})
    return [
        (201, "/sessions", {**NEW, "context": {"once": 1e2}}),
        (201, "/sessions", {**NEW, "thread_id": "nobody", "if_exists": "return"}),
        (200, "/sessions", {"project_path": "/once/get", "thread_id": "once", "if_exists": "return"}),
        (200, f"{contract.create().headers['location']}/transition", {"from": "CREATED", "to": "ACTIVE"}),
        (201, f"{contract.create().headers['location']}/fork", {"thread_id": "other"}),
        (200, "/sessions/recover", {}),
        (200, "/sessions/relocate", {"from": "/once/old", "to": "/once/new"}),
    ]


def once_repeated(contract):
    """The second of two equal requests under a key gets the first answer."""
    for status, target, body in requests(contract):
        key = str(uuid.uuid4())
        first = contract.call(status, "POST", target, body, headers={"Idempotency-Key": f'"{key}"'})
        contract.check("idempotency-replayed" not in first.headers, f"{target}: the first answer says it is replayed")
        for spelling in (f'"{key}"', key):
            again = contract.call(status, "POST", target, body, headers={"Idempotency-Key": spelling})
            contract.equal(kept(again), kept(first), f"{target}: the answer to the second request")
            contract.equal(again.headers.get("idempotency-replayed"), "true", f"{target}: Idempotency-Replayed")


def once_large(contract):
    """A response with a large session is not stored: a replay shows the session as it is now."""
    large = {**NEW, "context": {"text": "x" * 20000}}
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    first = contract.call(201, "POST", "/sessions", large, headers=key)
    target = first.headers["location"]
    again = contract.call(201, "POST", "/sessions", large, headers=key)
    contract.equal(kept(again), kept(first), "the replay of an unchanged large session")
    contract.equal(again.headers.get("idempotency-replayed"), "true", "Idempotency-Replayed")
    activate = {"from": "CREATED", "to": "ACTIVE"}
    moved = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    contract.call(200, "POST", f"{target}/transition", activate, headers=moved)
    now = contract.call(200, "PATCH", target, {"context": {"text": "changed"}})
    again = contract.call(200, "POST", f"{target}/transition", activate, headers=moved)
    contract.equal((again.json(), again.headers["etag"]), (now.json(), now.headers["etag"]),
                   "the replay of a large session that was changed since")
    again = contract.call(201, "POST", "/sessions", large, headers=key)
    contract.equal((again.json(), again.headers["location"]), (now.json(), target), "the replay of its creation")
    contract.call(204, "DELETE", target)
    contract.problem("not-found", 404, "POST", f"{target}/transition", activate, headers=moved)
    contract.problem("not-found", 404, "POST", "/sessions", large, headers=key)


def once_per_request(contract):
    """A key belongs to one request, whatever differs in another."""
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    target = contract.create().headers["location"]
    contract.call(201, "POST", "/sessions", NEW, headers=key)
    contract.problem("idempotency-key-reused", 422, "POST", "/sessions", {**NEW, "thread_id": "other"}, headers=key)
    contract.problem("idempotency-key-reused", 422, "POST", f"{target}/transition", {"from": "CREATED", "to": "ACTIVE"},
                     headers=key)
    contract.problem("idempotency-key-reused", 422, "POST", "/sessions/recover", {}, headers=key)
    contract.problem("idempotency-key-reused", 422, "POST", "/sessions/relocate", {"from": "/x", "to": "/y"},
                     headers=key)


def once_refused(contract):
    """A request that was refused may be tried again under its key."""
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    target = contract.create().headers["location"]
    pause = {"from": "ACTIVE", "to": "PAUSED"}
    for _ in range(2):
        contract.problem("status-mismatch", 409, "POST", f"{target}/transition", pause, headers=key)
    contract.call(200, "PATCH", target, {"status": "ACTIVE"})
    done = contract.call(200, "POST", f"{target}/transition", pause, headers=key)
    contract.check("idempotency-replayed" not in done.headers, "what was refused was kept")
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    contract.problem("not-found", 404, "POST", f"{MISSING}/transition", pause, headers=key)
    contract.problem("invalid-payload", 422, "POST", "/sessions", {}, headers=key)
    contract.call(201, "POST", "/sessions", NEW, headers=key)


def once_keys(contract):
    """The header's syntax; methods that may be repeated anyway take no notice of it."""
    schema = contract.document.parameters("createSession")["header", "Idempotency-Key"]["schema"]
    for fits, key in KEYS:
        contract.equal(not contract.document.faults(schema, key), fits, f"the schema takes the key {key[:60]}")
        headers = {"Idempotency-Key": key}
        if fits:
            contract.call(201, "POST", "/sessions", NEW, headers=headers)
            continue
        for target in ("/sessions", f"{MISSING}/transition", "/sessions/recover", "/sessions/relocate"):
            contract.problem("invalid-header", 400, "POST", target, {}, headers=headers)
    contract.call(201, "PUT", f"/sessions/{uuid.uuid4()}", NEW, headers={"Idempotency-Key": '"'})


def get_or_create(contract):
    pair = {"project_path": "/get/or/create", "thread_id": str(uuid.uuid4())}
    wanted = {**pair, "context": {"n": 2}, "if_exists": "return"}
    first = contract.call(201, "POST", "/sessions", {**wanted, "context": {"n": 1}})
    again = contract.call(200, "POST", "/sessions", wanted)
    contract.equal(again.json(), first.json(), "what get-or-create answers the second time")
    contract.equal(again.headers["etag"], '"1"', "ETag of get-or-create")
    contract.check("location" not in again.headers, "a 200 has a Location")
    newer = contract.call(201, "POST", "/sessions", pair)
    contract.equal(contract.call(200, "POST", "/sessions", wanted).json(), newer.json(), "the newest one")
    for session in (newer, first):
        contract.call(200, "PATCH", session.headers["location"], {"status": "TERMINATED"})
    contract.equal(contract.call(201, "POST", "/sessions", wanted).json()["context"], {"n": 2}, "the new context")


CHECKS = [once_repeated, once_large, once_per_request, once_refused, once_keys, get_or_create]
