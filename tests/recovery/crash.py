"""What the crash tests share: arguments, a database made beforehand, the check of a file, a verdict."""

import argparse
import contextlib
import datetime
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import uuid

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from ledger import State, compare_with_gets, list_all, sealed  # noqa: E402
from service import Connection  # noqa: E402

SHOWN_FAILURES = 12
MICROSECOND = datetime.timedelta(microseconds=1)
FIRST = datetime.datetime(2026, 1, 25, 12, tzinfo=datetime.timezone.utc)


def arguments(description, cycles=None):
    """A parser of what every crash test takes; `description` is the test's own."""
    parser = argparse.ArgumentParser(description=description.split("\n\n")[0])
    parser.add_argument("binary", help="sessiond; SESSIOND_BINARY, where set, goes before it")
    parser.add_argument("--faulty-disk", help="the library made of faulty_disk.c")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), help="of the random choices")
    if cycles is not None:
        parser.add_argument("--cycles", type=int, default=cycles)
    return parser


def parse(parser):
    options = parser.parse_args()
    options.binary = os.path.abspath(os.environ.get("SESSIOND_BINARY") or options.binary)
    print(f"seed {options.seed}")
    return options


def preloaded(library, **variables):
    """The environment of a process with the faulty disk. A sanitizer's runtime wants to be loaded
    first, which it need not be: the library replaces nothing that the runtime depends on."""
    options = os.environ.get("ASAN_OPTIONS")
    return {"LD_PRELOAD": os.path.abspath(library),
            "ASAN_OPTIONS": ":".join(filter(None, [options, "verify_asan_link_order=0"])), **variables}


def seed_rows(service, ledger, count, choices):
    """Fills a new file with `count` sessions, past the service, which has made the tables."""
    service.start()
    if service.terminate() != 0:
        raise SystemExit("the service did not end well:\n" + service.log())
    rows = []
    for number in range(count):
        id = str(uuid.UUID(int=choices.getrandbits(128), version=4))
        context = sealed({"token": id, "parts": {"0": choices.randbytes(choices.randrange(200)).hex()}})
        ledger.states[id] = State(f"/seed/{number % 1000}", f"thread {number % 5000}", "CREATED", context, 1)
        rows.append((FIRST + number * MICROSECOND, id, ledger.states[id]))
    insert(service.database, rows)


def insert(path, rows):
    """Into the schema of sessiond; `rows` are (time, id, State)."""
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    db = sqlite3.connect(path)
    with db:
        for time, id, state in rows:
            text, stamp = json.dumps(state.context), time.isoformat(timespec="microseconds")
            db.execute("INSERT INTO sessions (seq, id, project_path, thread_id, status, created_at, updated_at,"
                       " context_bytes, context) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       ((time - epoch) // MICROSECOND, id, state.project_path, state.thread_id, state.status,
                        stamp, stamp, len(text.encode()), text))
    db.close()


@contextlib.contextmanager
def copy_of(path):
    """A connection to a copy of the file and its log, as a crash left them."""
    with tempfile.TemporaryDirectory(prefix="sessiond-copy-") as folder:
        copy = os.path.join(folder, "sessions.db")
        for suffix in ("", "-wal"):
            if os.path.exists(path + suffix):
                shutil.copyfile(path + suffix, copy + suffix)
        db = sqlite3.connect(copy)
        yield db
        db.close()


def faults_of_file(path):
    """What integrity_check finds in the file as a crash left it."""
    with copy_of(path) as db:
        return [f"integrity_check: {row[0]}" for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]


# What has happened to a session, as its events have it: each version once, and a deletion at the end. Neither a
# deletion nor an append makes a version.
EVENTS = """
SELECT session_id, min(version), max(version), count(*) FILTER (WHERE type NOT IN (4, 7)), max(id), type
FROM events GROUP BY session_id
"""


def faults_of_events(path):
    """Whether the events are what happened to the sessions, no more and no less, in a file without old events."""
    faults = []
    with copy_of(path) as db:
        versions = dict(db.execute("SELECT id, version FROM sessions"))
        told = set()
        for name, first, last, changes, _, newest_type in db.execute(EVENTS):
            told.add(name)
            if changes != last - first + 1:
                faults.append(f"session {name}: {changes} events for the versions {first} to {last}")
            if versions.get(name, last) != last:
                faults.append(f"session {name}: its version is {versions[name]}, its newest event's {last}")
            if (newest_type == 4) != (name not in versions):
                there = "there" if name in versions else "gone"
                faults.append(f"session {name} is {there}, its newest event is of type {newest_type}")
        faults += [f"session {name}: no event of version {version}" for name, version in versions.items()
                   if version > 1 and name not in told]
    return faults


def versions_in_file(path):
    """What SQLite alone makes of it: the version of each session by id."""
    with copy_of(path) as db:
        return dict(db.execute("SELECT id, version FROM sessions"))


def verify(service, ledger, versions=None):
    """The verdict on a running service: all sessions against the ledger, the list against GET, and
    against what versions_in_file() found before the start."""
    sessions = list_all(service)
    touched, ledger.touched = ledger.touched | {doubt.id for doubt in ledger.doubts if doubt.id}, set()
    verdict = ledger.verify(sessions)
    connection = Connection(service.address)
    compare_with_gets(connection, sessions, touched | ledger.touched | set(ledger.shared), verdict)
    connection.close()
    ledger.touched = set()
    if versions not in (None, {id: session["version"] for id, session in sessions.items()}):
        verdict.unequal.append("the service shows other sessions than SQLite finds in the file")
    return verdict


def table(rows):
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")


def finish(failures):
    """Prints what is wrong; the exit status."""
    for failure in failures[:SHOWN_FAILURES]:
        print(f"FAILED {failure}")
    if len(failures) > SHOWN_FAILURES:
        print(f"and {len(failures) - SHOWN_FAILURES} more")
    print("failed" if failures else "passed")
    return 1 if failures else 0
