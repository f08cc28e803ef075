"""Forks of a long log: whole or not there, whatever else goes on, and nobody else waits for them.

usage: fork_test.py BINARY [CHECK...]   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import json
import os
import sqlite3
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from checks import Failed, check, run, under_test  # noqa: E402
from service import Connection, Service, Unanswered  # noqa: E402

JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
ENTRIES = int(os.environ.get("FORK_ENTRIES", "100000"))
# Under a sanitizer, on a machine that others use.
CREATE_P99_S = 0.1


def post(connection, target, body, status, headers=JSON):
    response = connection.call("POST", target, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)
    check(response.status == status, f"POST {target}: {response.status}, not {status}: {response.body[:300]}")
    return response


def new_session(connection, **more):
    return post(connection, "/sessions", {"project_path": "/p", "thread_id": "t", **more}, 201).json()["id"]


def fill(connection, session, count, stream="main"):
    for first in range(1, count + 1, 1000):
        lines = "".join(f'{{"uuid":"{stream}-{n}","text":"entry {n} {"x" * 200}"}}\n'
                        for n in range(first, min(first + 1000, count + 1)))
        post(connection, f"/sessions/{session}/entries?stream={stream}", lines.encode(), 200, LINES)


def entries(connection, session, stream="main"):
    """All of them, as (seq, created_at, entry)."""
    found, after = [], 0
    while True:
        page = connection.call("GET", f"/sessions/{session}/entries?stream={stream}&limit=1000&after={after}").json()
        if not page["entries"]:
            return found
        found += [(entry["seq"], entry["created_at"], json.dumps(entry["entry"])) for entry in page["entries"]]
        after = page["next_after"]


class Creators:
    """Clients that create sessions; how long each creation took."""

    def __init__(self, address, count=4):
        self.seconds, self.faults, self.stopping = [], [], False
        self.threads = [threading.Thread(target=self.create, args=(address,), daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def create(self, address):
        connection = Connection(address)
        while not self.stopping:
            began = time.monotonic()
            try:
                new_session(connection)
            except (Failed, Unanswered) as fault:
                self.faults.append(str(fault))
                return
            self.seconds.append(time.monotonic() - began)

    def end(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()
        check(not self.faults, f"a creation failed: {self.faults[:1]}")
        return sorted(self.seconds)


def p99(seconds):
    return seconds[len(seconds) * 99 // 100]


def started(binary):
    service = Service(binary, "--log-level", "warning").start()
    return service, Connection(service.address)


def what_a_request_gets(binary):
    service, connection = started(binary)
    parent = new_session(connection, context={"a": 1})
    fill(connection, parent, 10)
    fork = f"/sessions/{parent}/fork"
    response = post(connection, fork, {"at_seq": 4, "thread_id": "u"}, 201)
    made = response.json()
    check(response.headers["location"] == f"/sessions/{made['id']}", "the Location is another")
    check(response.headers["etag"] == '"1"', "the ETag is another")
    check((made["parent_id"], made["thread_id"], made["project_path"], made["status"], made["context"],
           made["entry_count"]) == (parent, "u", "/p", "CREATED", {"a": 1}, 4), made)
    check(connection.call("GET", f"/sessions/{made['id']}").json() == made, "what is read is not what was answered")
    check(entries(connection, made["id"]) == entries(connection, parent)[:4], "its entries are others")
    check(post(connection, fork, {"project_path": "/q"}, 201).json()["entry_count"] == 10, "not all were copied")
    check(post(connection, fork, {"at_seq": 0}, 201).json()["entry_count"] == 0, "at_seq 0 is no empty log")
    check(connection.call("GET", f"/sessions/{parent}").json()["parent_id"] is None, "a session has a parent")
    for body in ({"at_seq": 11}, {"at_seq": -1}, {"at_seq": "4"}, {"thread_id": ""}, {"context": {}}):
        check(post(connection, fork, body, 422).problem() == "invalid-payload", body)
    post(connection, "/sessions/11111111-1111-4111-8111-111111111111/fork", {}, 404)
    keyed = {**JSON, "Idempotency-Key": '"once"'}
    first = post(connection, fork, {}, 201, keyed)
    again = post(connection, fork, {}, 201, keyed)
    check(first.body == again.body, "sent again, it is another")
    check(again.headers.get("idempotency-replayed") == "true", "it is no replay")
    return service.stop()


def nobody_waits_for_a_long_one(binary):
    service, connection = started(binary)
    parent = new_session(connection)
    fill(connection, parent, ENTRIES)
    fill(connection, parent, 50, "subagents/agent-1")
    before = Creators(service.address)
    time.sleep(2)
    alone = before.end()
    beside = Creators(service.address)
    began = time.monotonic()
    made = post(connection, f"/sessions/{parent}/fork", {}, 201).json()
    took = time.monotonic() - began
    seconds = beside.end()
    print(f"       {ENTRIES} entries in {took:.2f} s; creations p99 {p99(seconds) * 1000:.1f} ms, longest "
          f"{seconds[-1] * 1000:.1f} ms of {len(seconds)}; without {p99(alone) * 1000:.1f} ms, of {len(alone)} in 2 s")
    check(p99(seconds) <= CREATE_P99_S, f"creations waited {p99(seconds):.3f} s")
    check(made["entry_count"] == ENTRIES + 50, made)
    check(entries(connection, made["id"]) == entries(connection, parent), "its entries are others")
    post(connection, f"/sessions/{made['id']}/entries", [{"uuid": f"main-{ENTRIES}", "text": "another"}], 409)
    post(connection, f"/sessions/{made['id']}/entries", [{"uuid": "new"}], 200)
    check(len(entries(connection, parent)) == ENTRIES, "what the fork gets, the parent has")
    return service.stop()


def fork_in_background(address, parent):
    """The thread, and a list that gets what became of it."""
    outcome = []

    def ask():
        try:
            response = Connection(address).call("POST", f"/sessions/{parent}/fork", b"{}", JSON)
            outcome.append((response.status, response.problem()))
        except Unanswered:
            outcome.append(None)
    thread = threading.Thread(target=ask)
    thread.start()
    return thread, outcome


def rows(service, sql):
    database = sqlite3.connect(service.database)
    (found,) = database.execute(sql).fetchone()
    database.close()
    return found


def until_copying(service):
    while not rows(service, "SELECT count(*) FROM discarded_streams"):
        time.sleep(0.001)
    time.sleep(0.02)


def until_clean(service, count):
    """What is left is removed within seconds."""
    give_up = time.monotonic() + 60
    while rows(service, "SELECT (SELECT count(*) FROM entries) + (SELECT count(*) FROM entry_uuids)"
                        " + (SELECT count(*) FROM discarded_streams)") != count:
        check(time.monotonic() < give_up, "something of the fork is left")
        time.sleep(0.2)


def a_kill_in_the_middle_leaves_no_trace(binary):
    service, connection = started(binary)
    parent = new_session(connection)
    fill(connection, parent, 20000)
    thread, outcome = fork_in_background(service.address, parent)
    until_copying(service)
    service.kill()
    thread.join()
    check(outcome == [None], f"the fork was too quick: {outcome}")
    service.start()
    connection = Connection(service.address)
    listed = connection.call("GET", "/sessions").json()["sessions"]
    check([session["id"] for session in listed] == [parent], listed)
    until_clean(service, 40000)
    check(post(connection, f"/sessions/{parent}/fork", {}, 201).json()["entry_count"] == 20000, "it is not whole")
    return service.stop()


def a_parent_that_goes_takes_the_fork_along(binary):
    service, connection = started(binary)
    parent = new_session(connection)
    fill(connection, parent, 20000)
    thread, outcome = fork_in_background(service.address, parent)
    until_copying(service)
    check(connection.call("DELETE", f"/sessions/{parent}").status == 204, "it was not deleted")
    thread.join()
    check(outcome == [(404, "not-found")], outcome)
    check(connection.call("GET", "/sessions").json()["sessions"] == [], "there is a session")
    until_clean(service, 0)
    return service.stop()


def a_stop_does_not_wait_for_it(binary):
    service, connection = started(binary)
    parent = new_session(connection)
    fill(connection, parent, 20000)
    thread, outcome = fork_in_background(service.address, parent)
    until_copying(service)
    check(service.terminate() == 0, "the stop went wrong")
    thread.join()
    check(outcome == [(503, "stopping")], outcome)
    return service.reports()


if __name__ == "__main__":
    sys.exit(run((what_a_request_gets, nobody_waits_for_a_long_one, a_kill_in_the_middle_leaves_no_trace,
                  a_parent_that_goes_takes_the_fork_along, a_stop_does_not_wait_for_it),
                 under_test(sys.argv[1])))
