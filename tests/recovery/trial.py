"""One fault in one operation: what the service made of it, and what the next start finds.

A trial begins with a copy of a database whose sessions are known. While the operation runs, calls
fail. After it the service has to answer, or to have ended in a way that it promises; once the calls
succeed again it has to write again; and after a kill and a start without faults everything that was
acknowledged is there, nothing is torn, and nothing is there that was refused.
"""

import copy
import json
import os
import shutil
import signal
import sqlite3
import sys
import time
import typing
import uuid

sys.dont_write_bytecode = True

from crash import faults_of_file, preloaded, verify  # noqa: E402
from ledger import Ledger, State, sealed  # noqa: E402
from service import Connection, Refused, Service, Unanswered  # noqa: E402

EXIT_REFUSED, EXIT_DISK = 1, 74
MEMORY = "malloc"
# How long a request and an end may take, and how soon writes succeed once the calls do.
ANSWER_S, END_S, RECOVERY_S = 20, 20, 5
# How long faults may meet the maintenance tasks, and how soon all tasks succeed once the calls do. Their retries have
# grown apart by then.
MAINTENANCE_FAULTY_S, MAINTENANCE_RECOVERY_S = 0.6, 15
OUTCOMES = ("unaffected", "problem", "fail-stop", "refused", "abort", "no answer")
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "request_id"}
JSON, MERGE, LINES = "application/json", "application/merge-patch+json", "application/x-ndjson"


class Fault(typing.NamedTuple):
    call: str
    error: str
    forever: bool
    nth: int = 1

    def __str__(self):
        return f"{self.call} {self.error} {'from' if self.forever else 'at'} {self.nth}"

    def environment(self, libraries, trigger, trace):
        count = "" if self.forever else ":1"
        # A confined process may neither see that trigger nor write that trace.
        where = {"SESSIOND_TEST_FAULT_TRIGGER": trigger, "SESSIOND_TEST_FAULT_TRACE": trace, "SESSIOND_SANDBOX": "off"}
        if self.call == MEMORY:
            return preloaded(libraries.memory, SESSIOND_TEST_MEMORY=f"{self.nth}{count}", **where)
        return preloaded(libraries.disk, SESSIOND_TEST_FAULT=f"{self.call}:/data*:{self.error}:{self.nth}{count}",
                         **where)


class Libraries(typing.NamedTuple):
    disk: str
    memory: str


class Template:
    """A database in a folder, as a stop or a kill left it, and what it holds."""

    def __init__(self, folder, ledger, logs=None):
        self.folder = folder
        self.ledger = ledger
        self.logs = logs or {}  # id -> the entries of a session


# Work for each maintenance task of a start with retention and search on. The lease ends soon after the start.
WORK = """
UPDATE sessions SET status = 'ACTIVE', version = version + 1, lease_owner = 'd', lease_token = 1, lease_ttl_ms = 20,
    lease_deadline_us = 1 WHERE id = '{leased}';
UPDATE sessions SET status = 'TERMINATED', version = version + 1 WHERE id = '{over}';
INSERT INTO idempotency_keys (created_us, key, digest, answer) VALUES (1, 'old', zeroblob(32), 'old');
INSERT INTO events (id, type, version, session_id, thread_id, project_path) VALUES (1, 1, 1, '{over}', 't', '/sweep');
INSERT INTO discarded_streams VALUES (900);
INSERT INTO entries (key, created_us, entry) VALUES ((900 << 32) + 1, 1, '{{"text":"orphaned"}}');
CREATE TABLE room (bytes BLOB);
INSERT INTO room VALUES (zeroblob(4 << 20));
DROP TABLE room;
"""
WORK_LEFT = """
SELECT 'lease_expiry' FROM sessions WHERE lease_owner IS NOT NULL
UNION ALL SELECT 'retention' FROM sessions WHERE status = 'TERMINATED'
UNION ALL SELECT 'idempotency_keys' FROM idempotency_keys WHERE created_us = 1
UNION ALL SELECT 'events' FROM events WHERE id = 1
UNION ALL SELECT 'orphaned_entries' FROM discarded_streams
UNION ALL SELECT 'search_index' FROM search_backlog
UNION ALL SELECT 'vacuum' FROM pragma_freelist_count WHERE freelist_count > 768
"""


def work_left(database):
    """The maintenance tasks that have not done their work yet."""
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=ANSWER_S)
    try:
        return [row[0] for row in db.execute(WORK_LEFT)]
    except sqlite3.OperationalError as error:  # a start that did not come so far
        return [str(error)]
    finally:
        db.close()


class Ended(Exception):
    """The process is no more, or is about to end."""


def new_state(bytes_of_context):
    token = str(uuid.uuid4())
    return State("/sweep", token, "CREATED", sealed({"token": token, "text": "x" * bytes_of_context}), 1)


def new_entries(count):
    return [{"uuid": str(uuid.uuid4()), "text": "an entry " + "x" * 1000} for _ in range(count)]


def payload(state):
    return {name: getattr(state, name) for name in ("project_path", "thread_id", "context")}


class Trial:
    """`operation` is a function of the trial; `at_start`: the fault is armed before the process is there."""

    def __init__(self, service, template, libraries, fault):
        self.service = service
        self.fault = fault
        self.ledger = copy.deepcopy(template.ledger)
        self.logs = copy.deepcopy(template.logs)
        self.doubted_logs = {}  # id -> the entries that it may have in place of those
        self.violations = []
        self.outcome = "unaffected"
        self.trigger = os.path.join(service.folder.name, "trigger")
        self.trace = os.path.join(service.folder.name, "trace")
        self.environment = fault.environment(libraries, self.trigger, self.trace)
        self.lay_out(template)

    def lay_out(self, template):
        data = os.path.dirname(self.service.database)
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(template.folder, data)
        for path in (self.trigger, self.trace, self.service.log_path):
            if os.path.exists(path):
                os.remove(path)

    def wrong(self, sentence):
        self.violations.append(sentence)

    def is_hit(self):
        return os.path.exists(self.trace)

    def arm(self):
        open(self.trigger, "w").close()

    def disarm(self):
        if os.path.exists(self.trigger):
            os.remove(self.trigger)

    def known(self):
        return next(iter(self.ledger.states))

    def raise_outcome(self, outcome):
        """The gravest is what counts."""
        if OUTCOMES.index(outcome) > OUTCOMES.index(self.outcome):
            self.outcome = outcome

    # Requests

    def ask(self, method, target, body=None, media_type=JSON):
        """The response when it is a success; None when it is a clean problem, "unknown" when the
        outcome is not known. Raises Ended."""
        connection = Connection(self.service.address)
        connection.http.timeout = ANSWER_S
        headers = {} if body is None else {"Content-Type": media_type}
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            response = connection.call(method, target, data, headers)
        except (Refused, Unanswered) as error:
            return self.without_answer(f"{method} {target}: {error}")
        finally:
            connection.close()
        if response.status < 300:
            return response
        return self.judge_problem(method, target, response)

    def judge_problem(self, method, target, response):
        name = response.problem()
        if name is None or not PROBLEM_MEMBERS <= set(response.json()):
            self.wrong(f"{method} {target}: {response.status} {response.body[:200]!r} is no problem document")
        self.raise_outcome("problem")
        return "unknown" if name == "outcome-unknown" else None

    def without_answer(self, sentence):
        """The process has ended, or only the connection did."""
        if "imed out" in sentence or "Timeout" in sentence:
            self.wrong(f"no answer within {ANSWER_S} s: {sentence}")
            raise Ended(sentence)
        if self.service.await_end(1) is not None:
            raise Ended(sentence)
        if self.fault.call != MEMORY:
            self.wrong(f"the service lives and did not answer: {sentence}")
        self.raise_outcome("no answer")
        return "unknown"

    def create(self, size=100):
        """Whether it was acknowledged."""
        after = new_state(size)
        try:
            response = self.ask("POST", "/sessions", payload(after))
        except Ended:
            self.ledger.doubt(None, None, after)
            raise
        if response == "unknown":
            self.ledger.doubt(None, None, after)
        if response in ("unknown", None):
            return False
        session = response.json()
        self.expect("the new session", State.of(session), after)
        self.ledger.settle(session["id"], after)
        return True

    def patch(self):
        id = self.known()
        before = self.ledger.states[id]
        context = sealed({**before.context, "more": "y" * 6000})
        after = before._replace(context=context, version=before.version + 1)
        body = {"context": {"more": context["more"], "sum": context["sum"]}}
        try:
            response = self.ask("PATCH", f"/sessions/{id}", body, MERGE)
        except Ended:
            self.ledger.doubt(id, before, after)
            raise
        if response == "unknown":
            self.ledger.doubt(id, before, after)
        elif response is not None:
            self.expect("the changed session", State.of(response.json()), after)
            self.ledger.settle(id, after)

    def append(self):
        id = self.known()
        log = self.logs[id] + new_entries(3)
        try:
            response = self.ask("POST", f"/sessions/{id}/entries", log[-3:])
        except Ended:
            self.doubted_logs[id] = log
            raise
        if response == "unknown":
            self.doubted_logs[id] = log
        elif response is not None:
            self.expect("the append", response.json(), {"appended": 3, "duplicates": 0, "last_seq": len(log)})
            self.logs[id] = log

    def fork(self):
        id = self.known()
        after = self.ledger.states[id]._replace(thread_id=str(uuid.uuid4()), status="CREATED", version=1)
        try:
            response = self.ask("POST", f"/sessions/{id}/fork", {"thread_id": after.thread_id})
        except Ended:
            self.ledger.doubt(None, None, after)
            raise
        if response == "unknown":
            self.ledger.doubt(None, None, after)
        elif response is not None:
            self.expect("the fork", State.of(response.json()), after)
            self.ledger.settle(response.json()["id"], after)

    def bring(self):
        """An import of a session with entries."""
        id, after, log = str(uuid.uuid4()), new_state(100), new_entries(3)
        times = {"created_at": "2026-01-01T00:00:00.000001Z", "updated_at": "2026-01-01T00:00:00.000001Z"}
        lines = [{"type": "session", "id": id, **after._asdict(), **times, "recovered_at": None, "parent_id": None,
                  "lease_token": 0}]
        lines += [{"type": "entry", "session_id": id, "stream": "main", "seq": seq, "entry": entry,
                   "created_at": times["created_at"]} for seq, entry in enumerate(log, 1)]
        self.doubted_logs[id] = log
        try:
            response = self.ask("POST", "/admin/import", b"".join(json.dumps(line).encode() + b"\n" for line in lines),
                                LINES)
        except Ended:
            self.ledger.doubt(id, None, after)
            raise
        if response == "unknown":
            self.ledger.doubt(id, None, after)
        elif response is not None:
            self.expect("the import", response.json()["entries"], {"created": 3, "present": 0})
            self.ledger.settle(id, after)
            self.logs[id] = self.doubted_logs.pop(id)

    def expect(self, what, found, wanted):
        if found != wanted:
            self.wrong(f"wrong answer: {what} is {str(found)[:200]}, not {str(wanted)[:200]}")

    def get(self):
        if not self.ledger.states:
            return
        id = self.known()
        response = self.ask("GET", f"/sessions/{id}")
        if response in (None, "unknown"):
            return
        states = [self.ledger.states[id], *(doubt.after for doubt in self.ledger.doubts if doubt.id == id)]
        if State.of(response.json()) not in states:
            self.wrong(f"wrong answer: GET {id}: {response.body[:200]!r}")

    def list(self):
        """Pages of each kind that the service makes."""
        for target in ("/sessions?limit=1000&include=context", "/sessions?limit=100", "/sessions?status=CREATED"):
            response = self.ask("GET", target)
            if response in (None, "unknown"):
                continue
            found = {session["id"]: session["version"] for session in response.json()["sessions"]}
            self.expect(f"the list {target}", found, {id: state.version for id, state in self.ledger.states.items()})

    def checkpoint(self):
        """A write that makes one due, and one that comes behind it."""
        self.create(100000)
        self.create()

    def backup(self):
        response = self.ask("POST", "/admin/backup")
        if response in (None, "unknown"):
            return
        path = os.path.join(self.service.folder.name, "backup")
        with open(path, "wb") as file:
            file.write(response.body)
        found = faults_of_file(path)
        if not found:
            db = sqlite3.connect(path)
            versions = dict(db.execute("SELECT id, version FROM sessions"))
            db.close()
            self.expect("the backup", versions, {id: state.version for id, state in self.ledger.states.items()})
        for fault in found:
            self.wrong(f"wrong answer: the backup: {fault}")

    def maintain(self):
        """The maintenance tasks run at the start, and again while they fail."""
        self.await_maintenance(MAINTENANCE_FAULTY_S)

    def await_maintenance(self, patience_s):
        """The tasks that are not done in time."""
        until = time.monotonic() + patience_s
        while (left := work_left(self.service.database)) and time.monotonic() < until:
            if self.service.await_end(0.02) is not None:
                raise Ended("during maintenance")
        return left

    def require_maintenance(self):
        left = self.await_maintenance(MAINTENANCE_RECOVERY_S)
        if left:
            self.wrong(f"tasks that are not done: {left}; {self.service.log()[-600:]}")

    def stop(self):
        self.service.process.send_signal(signal.SIGTERM)
        if self.service.await_end(END_S) is None:
            self.wrong(f"does not stop within {END_S} s")
        raise Ended("stopped")

    # The course of a trial

    def run(self, operation, at_start, flags=()):
        try:
            self.begin(at_start, flags)
            operation(self)
            self.get()
            self.disarm()
            self.recover()
            if operation is Trial.maintain:
                self.require_maintenance()
        except Ended:
            self.judge_end(at_start, operation is Trial.stop)
        self.disarm()
        self.service.kill()
        self.restart(flags, operation is Trial.maintain)
        return self

    def begin(self, at_start, flags):
        if at_start:
            self.arm()
        self.service.launch(*flags, environment=self.environment)
        if not self.service.await_listening():
            raise Ended("did not start")
        if not at_start:
            self.create()
            self.arm()

    def recover(self):
        until = time.monotonic() + RECOVERY_S
        while not self.create():
            if time.monotonic() > until:
                self.wrong("does not write again, though the calls succeed")
                return
            time.sleep(0.05)

    def judge_end(self, at_start, stopping):
        status = self.service.await_end(END_S)
        memory = self.fault.call == MEMORY
        if status == 0 and stopping:
            return
        if status is None:
            self.wrong("neither answers nor ends")
        elif status == EXIT_DISK:
            self.raise_outcome("fail-stop")
        elif status == EXIT_REFUSED and at_start and (memory or self.service.events("cannot_start")):
            self.raise_outcome("refused")
        elif status == -signal.SIGABRT and memory:
            self.raise_outcome("abort")
        else:
            self.wrong(f"ended with {status}: {self.service.log()[-600:]}")

    def restart(self, flags, maintains):
        """Without faults, and held against the ledger."""
        database = self.service.database
        if os.path.exists(database):
            self.violations += faults_of_file(database)
        try:
            self.service.start(*flags)
            if maintains:
                self.require_maintenance()
            self.violations += verify(self.service, self.ledger).failures()
            self.verify_logs()
        except SystemExit as error:
            self.wrong(f"after the fault: {str(error)[:600]}")
        self.service.kill()


    def verify_logs(self):
        """Of every session. A fork has what its parent had, which nothing is appended to in the same trial."""
        sessions = self.service.call("GET", "/sessions?limit=1000").json()["sessions"]
        for session in sessions:
            id = session["id"]
            acknowledged = self.logs.get(session["parent_id"] or id, [])
            response = self.service.call("GET", f"/sessions/{id}/entries", headers={"Accept": LINES})
            found = [json.loads(line)["entry"] for line in response.body.splitlines()]
            if found not in (acknowledged, self.doubted_logs.get(id, acknowledged)):
                self.wrong(f"the log of {id} has {len(found)} entries, of {len(acknowledged)} that were acknowledged")
            elif session["entry_count"] != len(found):
                self.wrong(f"{id} shows {session['entry_count']} entries and has {len(found)}")


def make_due_template(folder, binary, template):
    """The template of a stopped service with work for each maintenance task."""
    data = os.path.join(folder, "template-due")
    shutil.copytree(template.folder, data)
    database = os.path.join(data, "sessions.db")
    service = Service(binary, "--search", "off", database=database)  # so that the next start indexes everything
    service.start()
    service.terminate()
    ledger = copy.deepcopy(template.ledger)
    leased, over = list(ledger.states)[-2:]
    db = sqlite3.connect(database)
    db.executescript(WORK.format(leased=leased, over=over))
    db.close()
    state = ledger.states[leased]
    ledger.settle(leased, state._replace(status="ACTIVE", version=state.version + 1))
    ledger.doubt(leased, ledger.states[leased], state._replace(status="PAUSED", version=state.version + 2))
    state = ledger.states[over]
    ledger.settle(over, state._replace(status="TERMINATED", version=state.version + 1))
    ledger.doubt(over, ledger.states[over], None)
    time.sleep(1.1)  # until retention deletes what is over
    return Template(data, ledger, template.logs)


def make_template(folder, binary, stopped, sessions, entries):
    """Of a service that was stopped or killed; the first of `sessions` has `entries`."""
    data = os.path.join(folder, "template-stopped" if stopped else "template-killed")
    os.mkdir(data)
    ledger = Ledger()
    service = Service(binary, database=os.path.join(data, "sessions.db"))
    service.start()
    for number in range(sessions):
        state = new_state(number % 3 * 3000)
        response = service.call("POST", "/sessions", json.dumps(payload(state)).encode(), {"Content-Type": JSON})
        ledger.settle(response.json()["id"], state)
    known = next(iter(ledger.states))
    logs = {known: new_entries(entries)}
    service.call("POST", f"/sessions/{known}/entries", json.dumps(logs[known]).encode(), {"Content-Type": JSON})
    if stopped:
        service.terminate()
    else:
        service.kill()
    return Template(data, ledger, logs)
