"""Checks of what has happened, and of who has read how much of it."""

from contract import MISSING, NEW

PLACES = [
    (True, {"after": 0}),
    (True, {"after": 253402300799999999}),
    (False, {"after": 253402300800000000}),
    (False, {"after": -1}),
    (False, {"after": 1.5}),
    (False, {"after": "1"}),
    (False, {"after": None}),
    (False, {}),
    (False, {"after": 1, "name": "reader"}),
    (False, []),
]

NAMES = [
    (True, "a"), (True, "7"), (True, "a.b_c~d:e@f-g"), (True, "x" * 128), (False, "x" * 129),
    (False, "."), (False, ".."), (False, "-a"), (False, "a+b"), (False, "a%20b"),
]

BAD_QUERIES = [
    "after=-1", "after=x", "after=", "after=1&after=1", "after=253402300800000000", "limit=0", "limit=1001", "type=",
    "type=session", "session_id=x", "thread_id=", "project_path=", "consumer=-", "consumer=a&after=1", "before=1",
]


def newest(contract):
    """Where the events end now."""
    after, more = 0, True
    while more:
        page = contract.call(200, "GET", f"/events?limit=1000&after={after}").json()
        after, more = page["next_after"], page["more"]
    return after


def changes_are_events(contract):
    """Each change of a session is one event, with its version and its time."""
    after = newest(contract)
    target = contract.create().headers["location"]
    token = contract.lease(target, owner="daemon-1")
    with_token = {"Lease-Token": str(token)}
    contract.call(200, "PATCH", target, {"context": {"a": 1}}, headers=with_token)
    contract.call(200, "PATCH", target, {"status": "PAUSED", "context": {}}, headers=with_token)
    contract.call(204, "DELETE", f"{target}/lease", headers=with_token)
    contract.call(200, "POST", "/sessions/relocate", {"from": NEW["project_path"], "to": "/moved"})
    contract.call(200, "POST", "/sessions/relocate", {"from": "/moved", "to": NEW["project_path"]})
    session = contract.call(200, "GET", target).json()
    contract.call(204, "DELETE", target)
    page = contract.call(200, "GET", f"/events?after={after}&session_id={session['id']}&limit=1000").json()
    contract.equal([(event["type"], event["version"]) for event in page["events"]],
                   [("session.created", 1), ("lease.granted", 2), ("session.updated", 3), ("session.transitioned", 4),
                    ("lease.released", 5), ("session.relocated", 6), ("session.relocated", 7), ("session.deleted", 7)],
                   "what happened")
    contract.equal(page["events"][0]["time"], session["created_at"], "the time of the creation")
    contract.equal(page["events"][-2]["time"], session["updated_at"], "the time of the last change")
    contract.equal(page["events"][-2]["from_path"], "/moved", "from_path")


def renewals_and_refusals_are_none(contract):
    target = contract.create().headers["location"]
    token = contract.lease(target)
    after = newest(contract)
    contract.call(200, "PUT", f"{target}/lease", {"owner": "daemon-1", "ttl_seconds": 60},
                  headers={"Lease-Token": str(token)})
    contract.problem("lease-held", 409, "PATCH", target, {"status": "PAUSED"})
    contract.call(200, "PUT", target, NEW)
    contract.call(200, "PATCH", target, {}, headers={"Lease-Token": str(token)})
    contract.equal(newest(contract), after, "the newest event")


def pages(contract):
    after = newest(contract)
    names = [contract.create(thread_id="events").json()["id"] for _ in range(3)]
    seen = []
    while page := contract.call(200, "GET", f"/events?limit=1&after={after}").json():
        seen += [event["session_id"] for event in page["events"]]
        after = page["next_after"]
        if not page["more"]:
            break
    contract.equal(seen, names, "the sessions, one a page")
    page = contract.call(200, "GET", "/events?thread_id=events&type=session.created&type=session.deleted").json()
    contract.equal([event["session_id"] for event in page["events"]], names, "a thread's creations")
    for query in BAD_QUERIES:
        problem = contract.problem("invalid-query", 400, "GET", f"/events?{query}").json()
        contract.check("parameter" in problem.get("errors", [{}])[0], f"?{query}: errors name no parameter")


def a_place_that_is_none(contract):
    """Behind the newest event there is nothing that anybody could have seen."""
    end = newest(contract)
    gone = contract.problem("events-gone", 410, "GET", f"/events?after={end + 1}").json()
    contract.equal(gone["newest"], end, "newest")


def timelines(contract):
    target = contract.create().headers["location"]
    contract.call(200, "PATCH", target, {"status": "ACTIVE"})
    page = contract.call(200, "GET", f"{target}/events").json()
    contract.equal([event["version"] for event in page["events"]], [2, 1], "the versions, newest first")
    contract.equal(page["next_before"], None, "next_before of the last page")
    page = contract.call(200, "GET", f"{target}/events?limit=1").json()
    page = contract.call(200, "GET", f"{target}/events?before={page['next_before']}").json()
    contract.equal([event["version"] for event in page["events"]], [1], "what is before")
    contract.problem("not-found", 404, "GET", f"{MISSING}/events")
    contract.problem("not-found", 404, "GET", "/sessions/mine/events")
    for query in ("before=0", "before=x", "after=1", "limit=0", "type=x"):
        contract.problem("invalid-query", 400, "GET", f"{target}/events?{query}")


def consumers(contract):
    for method, body in (("GET", None), ("DELETE", None)):
        contract.problem("not-found", 404, method, "/consumers/nobody", body)
    contract.problem("not-found", 404, "GET", "/events?consumer=nobody")
    after = newest(contract)
    contract.create()
    contract.call(201, "PUT", "/consumers/worker", {"after": after})
    for _ in range(2):
        page = contract.call(200, "GET", "/events?consumer=worker").json()
        contract.equal(len(page["events"]), 1, "events behind the place, which reading does not move")
    contract.call(200, "PUT", "/consumers/worker", {"after": page["next_after"]})
    contract.equal(contract.call(200, "GET", "/events?consumer=worker").json()["events"], [], "what is left")
    contract.equal(contract.call(200, "GET", "/consumers/worker").json()["after"], page["next_after"], "after")
    contract.call(204, "DELETE", "/consumers/worker")


def forms(contract):
    for fits, body in PLACES:
        contract.schema_agrees("ConsumerPlace", fits, body)
        if not fits:
            contract.problem("invalid-payload", 422, "PUT", "/consumers/form", body)
    for fits, name in NAMES:
        contract.schema_agrees("ConsumerName", fits, name)
        contract.call(201 if fits else 404, "PUT", f"/consumers/{name}", {"after": 0})
    contract.problem("malformed-json", 400, "PUT", "/consumers/form", b"{")
    contract.problem("unsupported-media-type", 415, "PUT", "/consumers/form", {"after": 0}, "text/plain")


CHECKS = [changes_are_events, renewals_and_refusals_are_none, pages, a_place_that_is_none, timelines, consumers, forms]
