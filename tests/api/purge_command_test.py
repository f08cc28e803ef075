"""Retention and the limit on the database's size, as an operator sees them.

usage: purge_test.py BINARY [CHECK]…   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from checks import check, run, under_test  # noqa: E402
from service import Service  # noqa: E402

JSON = {"Content-Type": "application/json"}
TOKEN = "a-token-of-scope-admin"


class Case:
    """A service for one check, and the command beside it."""

    def __init__(self, binary, *flags, environment=None):
        self.binary = binary
        self.service = Service(binary, *flags, environment=environment).start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        wrong = self.service.stop()
        if kind is None:
            check(not wrong, "\n".join(wrong))

    def call(self, status, method, path, body=None, **headers):
        body = None if body is None else json.dumps(body).encode()
        answer = self.service.call(method, path, body, {**JSON, **headers} if body else headers)
        check(answer.status == status, f"{method} {path}: {answer.status}, not {status}: {answer.body[:300]!r}")
        return answer

    def create(self, **members):
        body = {"project_path": "/p", "thread_id": "t", **members}
        return self.call(201, "POST", "/sessions", body).json()["id"]

    def status(self, session, *statuses):
        for status in statuses:
            self.call(200, "PATCH", f"/sessions/{session}", {"status": status})
        return session

    def terminated(self, **members):
        return self.status(self.create(**members), "TERMINATED")

    def paused(self, **members):
        return self.status(self.create(**members), "ACTIVE", "PAUSED")

    def ids(self):
        return {one["id"] for one in self.call(200, "GET", "/sessions?limit=1000").json()["sessions"]}

    def command(self, status, *words, **environment):
        done = subprocess.run([self.binary, "purge", "--listen", self.service.address, *words],
                              capture_output=True, text=True, env={**os.environ, **environment})
        check(done.returncode == status, f"purge {words}: exit {done.returncode}, not {status}: {done.stdout}{done.stderr}")
        check(bool(done.stderr) == (status != 0), f"purge {words}: stderr is {done.stderr!r}")
        return done.stdout + done.stderr

    def metric(self, name):
        text = self.call(200, "GET", "/metrics").body.decode()
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M).group(1))


def off(binary):
    """Without flags nothing is ever deleted, and the command says why."""
    with Case(binary) as case:
        case.terminated()
        case.paused()
        said = case.command(0, "--dry-run")
        check("--retain-terminated is off" in said and "--retain-idle is off" in said, said)
        said = case.command(0)
        check(said == "no session was deleted: --retain-terminated and --retain-idle of the service are off\n", said)
        check(len(case.ids()) == 2, "a session is gone")
        told = case.call(200, "GET", "/admin/retention").json()
        check(told["terminated"]["retain_seconds"] is None, f"{told}")


def told_and_done(binary):
    """--dry-run says what goes and changes nothing; without it just that goes."""
    with Case(binary, "--retain-terminated", "1s", "--retain-idle", "1s") as case:
        stay = {case.create(), case.status(case.create(), "ACTIVE")}
        leased = case.create()
        token = case.call(200, "PUT", f"/sessions/{leased}/lease", {"owner": "d", "ttl_seconds": 3600}).json()["token"]
        case.call(200, "PATCH", f"/sessions/{leased}", {"status": "PAUSED"}, **{"Lease-Token": str(token)})
        stay.add(leased)
        over = [case.terminated(context={"n": n}) for n in range(3)]
        idle = case.paused()
        time.sleep(1.1)
        said = case.command(0, "--dry-run")
        check("TERMINATED: 3 sessions (24 bytes) without" in said and "PAUSED: 1 sessions (2 bytes) without" in said, said)
        check(all(f"  {one}\n" in said for one in [*over, idle]), said)
        check(said.index(over[0]) < said.index(over[1]) < said.index(over[2]), f"not the oldest first: {said}")
        check(case.ids() == stay | {*over, idle}, "a dry run changed something")
        check("3 TERMINATED, 1 PAUSED; 26 bytes" in case.command(0), "not those were deleted")
        check(case.ids() == stay, "others are left")
        check(case.metric('sessiond_sessions_purged_total{reason="terminated"}') == 3, "the metric of terminated")
        check(case.metric('sessiond_sessions_purged_total{reason="idle"}') == 1, "the metric of idle")


def told_in_pages(binary):
    """--dry-run goes on by the cursor behind sessions that are passed over."""
    with Case(binary, "--retain-idle", "1h") as case:
        case.create()
        database = sqlite3.connect(case.service.database, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        database.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20001) INSERT INTO sessions"
                         " (seq, id, project_path, thread_id, status, created_at, updated_at, context_bytes, context, lease_owner, lease_token,"
                         " lease_ttl_ms, lease_deadline_us) SELECT i, printf('b0a4c7de-0000-4000-8000-%012d', i), '/p', 't', 'PAUSED', created_at,"
                         " '2025-01-01T00:00:00.000000+00:00', 2, '{}', iif(i < 20000, 'd', NULL), 1, iif(i < 20000, 3600000, NULL),"
                         " iif(i < 20000, 9000000000000000000, NULL) FROM n, sessions")
        database.execute("COMMIT")
        database.execute("BEGIN IMMEDIATE")  # the service itself deletes nothing meanwhile
        told = case.call(200, "GET", "/admin/retention").json()
        check(told["idle"]["sessions"] == 0 and told["idle"]["more"] and told["next_cursor"], f"{told}")
        said = case.command(0, "--dry-run")
        check("PAUSED: 2 sessions (4 bytes) without" in said and said.count("  b0a4c7de-") == 2, said)
        check("the last change of the oldest was at 2025-01-01T00:00:00.000000Z" in said, said)
        database.close()


def by_itself(binary):
    """The service deletes by itself, and says in the log how many."""
    with Case(binary, "--retain-terminated", "1s") as case:
        kept = case.create()
        for _ in range(40):
            case.terminated()
        until = time.monotonic() + 30
        while case.ids() != {kept} and time.monotonic() < until:
            time.sleep(0.2)
        check(case.ids() == {kept}, "old sessions are left")
        time.sleep(0.5)
        details = " ".join(event["detail"] for event in case.service.events("sessions_purged"))
        check(sum(map(int, re.findall(r"(\d+) TERMINATED", details))) == 40, f"the log says {details}")


def in_steps(binary):
    """More than one step's worth: the command goes on by the cursor until nothing is left."""
    with Case(binary, "--retain-terminated", "1s") as case:
        for _ in range(150):
            case.terminated()
        time.sleep(1.1)
        first = case.call(200, "POST", "/admin/purge").json()
        check(0 < first["purged"]["terminated"] <= 64, f"{first}")
        case.command(0)
        check(case.ids() == set(), "sessions are left")


def revived(binary):
    """A session that is made ACTIVE again is not deleted, however close the purge is."""
    with Case(binary, "--retain-idle", "1s") as case:
        lost = []
        stop = threading.Event()

        def live(session):
            while not stop.is_set():
                answer = case.service.call("PATCH", f"/sessions/{session}", b'{"status":"ACTIVE"}', JSON)
                if answer.status == 404:
                    session = case.status(case.create(), "ACTIVE")
                for _ in range(3):
                    if case.service.call("GET", f"/sessions/{session}").status != 200:
                        lost.append(session)
                case.status(session, "PAUSED")
                time.sleep(1.0)  # as long as the purge waits

        def purge():
            while not stop.is_set():
                case.call(200, "POST", "/admin/purge")

        threads = [threading.Thread(target=live, args=[case.status(case.create(), "ACTIVE", "PAUSED")])
                   for _ in range(8)]
        threads += [threading.Thread(target=purge) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(6)
        stop.set()
        for thread in threads:
            thread.join()
        check(not lost, f"ACTIVE sessions were deleted: {lost}")
        check(case.metric('sessiond_sessions_purged_total{reason="idle"}') > 0, "nothing was deleted at all")


def refused(binary):
    """What cannot be done ends with 3 and says why; wrong usage with 2."""
    tokens = {"SESSIOND_TOKEN": TOKEN}
    with Case(binary, environment=tokens) as case:
        check("returned status 401: set SESSIOND_TOKEN" in case.command(3), "without a token")
        check("SESSIOND_TOKEN is set, but it is not" in case.command(3, SESSIOND_TOKEN="another-token-entirely"), "wrong token")
        case.command(0, **tokens)
        check('takes no argument "now"' in case.command(2, "now"), "a word")
        check("unknown flag --dry;" in case.command(2, "--dry"), "a flag")
        done = subprocess.run([binary, "purge", "--help"], capture_output=True, text=True)
        check("Exit codes:" in done.stdout and "[--dry-run]" in done.stdout, done.stdout)
    done = subprocess.run([binary, "purge", "--listen", "127.0.0.1:1"], capture_output=True, text=True)
    check(done.returncode == 3 and "cannot connect to a service" in done.stderr, done.stderr)


def flags(binary):
    """An age that is none is refused at the start, with what would be right."""
    for flag, value in (("--retain-terminated", "soon"), ("--retain-terminated", "0s"), ("--retain-terminated", "-1"), ("--retain-terminated", "30"), ("--retain-terminated", "500ms"), ("--retain-idle", "1w"),
                        ("--retain-idle", "1 d"), ("--retain-terminated", ""), ("--retain-terminated", "99999999999"), ("--retain-terminated", "d")):
        done = subprocess.run([binary, f"{flag}={value}"], capture_output=True, text=True)
        check(done.returncode == 2 and any(words in done.stderr for words in ("in whole d, h, m or s, or off", "needs a unit", "needs a value")), f"{flag} {value}: {done.stderr}")
    with Case(binary, "--retain-terminated", "30d", "--retain-idle", "12h") as case:
        told = case.call(200, "GET", "/admin/retention").json()
        check([told[name]["retain_seconds"] for name in ("terminated", "idle")] == [2592000, 43200], f"{told}")


def full(binary):
    """At the limit what grows is 507 database-full; everything else goes on, and so does growth once there is room."""
    with Case(binary, "--max-db-size", "2000000") as case:
        large = {"text": "x" * 100000}
        made = []
        while True:
            answer = case.service.call("POST", "/sessions", json.dumps(
                {"project_path": "/p", "thread_id": "t", "context": large}).encode(), JSON)
            if answer.status != 201:
                break
            made.append(answer.json()["id"])
        check((answer.status, answer.problem()) == (507, "database-full"), f"{answer.status} {answer.body!r}")
        check("--max-db-size (2000000)" in answer.json()["detail"], f"{answer.json()}")
        check(len(made) > 10, f"only {len(made)} fitted")
        check(case.metric("sessiond_database_max_bytes") == 2000000, "the limit's metric")
        check(1900000 < case.metric("sessiond_database_bytes") <= 2000000, "the size's metric")
        check(case.metric("sessiond_database_nearly_full") == 1, "nearly full")
        check(len(case.service.events("database_nearly_full")) == 1, "the log's warning")
        here = f"/sessions/{made[0]}"
        more = {"context": {"text": "x" * 100000, "more": "y" * 100000}}
        case.call(200, "GET", here)
        check(case.call(507, "PATCH", here, more).problem() == "database-full", "a PATCH that grows")
        put = case.call(507, "PUT", "/sessions/00000000-0000-4000-8000-000000000001",
                        {"project_path": "/p", "thread_id": "t", "context": large})
        check(put.problem() == "database-full", "a PUT that creates")
        entries = case.call(507, "POST", f"{here}/entries", [{"text": "x" * 100000}])
        check(entries.problem() == "database-full", "an append")
        case.call(200, "PUT", here, {"project_path": "/p", "thread_id": "t"})
        case.call(200, "PATCH", here, {"status": "ACTIVE"})
        case.call(200, "PATCH", here, {"context": {"text": "y" * 100000}})
        token = case.call(200, "PUT", f"{here}/lease", {"owner": "d", "ttl_seconds": 60}).json()["token"]
        case.call(204, "DELETE", f"{here}/lease", **{"Lease-Token": str(token)})
        case.call(200, "GET", "/readyz")
        case.call(200, "POST", "/admin/purge")
        for session in made[:5]:
            case.call(204, "DELETE", f"/sessions/{session}")
        check(case.metric("sessiond_database_nearly_full") == 0, "still nearly full")
        check(len(case.service.events("database_size_ok")) == 1, "the log's relief")
        case.create(context=large)


def given_back(binary):
    """What was deleted makes the file shorter, also while somebody writes now and then."""
    with Case(binary) as case:
        size = lambda: os.path.getsize(case.service.database)  # noqa: E731
        made = [case.create(context={"text": "x" * 1000000}) for _ in range(30)]
        case.service.call("GET", "/readyz")
        for session in made:
            case.call(204, "DELETE", f"/sessions/{session}")
        kept = {case.create()}
        until = time.monotonic() + 60
        while time.monotonic() < until and (case.metric("sessiond_database_free_bytes") > 1100000):
            kept.add(case.create())
            time.sleep(0.3)
        check(case.metric("sessiond_database_free_bytes") <= 1100000, "pages were not given back")
        while time.monotonic() < until and size() > 4000000:
            time.sleep(0.3)
        check(size() <= 4000000, f"the file has {size()} bytes")
        check(case.ids() == kept, "not the same sessions")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(run([off, told_and_done, told_in_pages, by_itself, in_steps, revived, refused, flags, full, given_back],
                 under_test(sys.argv[1])))
