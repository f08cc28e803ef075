"""One hostile client at full speed beside a good one: the good client is not refused, and does not wait.

usage: neighbour_test.py BINARY [--full] [--seconds S] [--sessions N] [ATTACK …]

For each attack of attacks.py a service of its own starts on a copy of one database, and a process attacks it with a
token of its own. Meanwhile a good client creates, reads, appends, lists, searches and asks for readiness, a request
every 10 ms. No request of it may fail; the database may not outgrow --max-db-size; the service takes at most 256 MiB
of memory, unless a sanitizer is built in. With --full: 100,000 sessions, and a p99 of at most 100 ms, of all requests
and of the searches. The first row, no_attack, shows what the machine gives without an attack. "slowest p99" is that of
the kind of request that has the longest: a write shares the disk with all that the machine does.
(SESSIOND_BINARY, where set, goes before BINARY)
"""

import argparse
import hashlib
import json
import math
import multiprocessing
import os
import re
import resource
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from attacks import ATTACKS  # noqa: E402
from service import Connection, Service, Unanswered  # noqa: E402

MIB = 1 << 20
P99_MS = 100
MEMORY_MIB = 256
MAX_DB_BYTES = 400 * MIB
# The write-ahead log may be as long as --checkpoint-pages and what one transaction adds.
LOG_BYTES = 200 * MIB
GOOD = {"Authorization": "Bearer token-of-the-good-client", "Content-Type": "application/json"}
WORDS_OF_AN_ENTRY = 7000
NO_ATTACK = "no_attack"


def token_file(folder, scope):
    path = os.path.join(folder, "tokens")
    with open(path, "w", encoding="ascii") as file:
        os.chmod(path, 0o600)
        for name, its_scope, token in (("good", "write", "token-of-the-good-client"),
                                       ("hostile", scope, "token-of-the-hostile-client")):
            file.write(f"{name}:{its_scope}:{hashlib.sha256(token.encode()).hexdigest()}\n")
    return path


def make_sessions(path, count):
    """Sessions of two threads and projects, in turns, so that the thread of one and the project of another never meet."""
    database = sqlite3.connect(path)
    began_us = 1764000000000000
    database.executemany(
        "INSERT INTO sessions(seq, id, project_path, thread_id, status, created_at, updated_at, context_bytes, context) "
        "VALUES(?, ?, ?, ?, 'ACTIVE', '2025-11-24T16:00:00.000000+00:00', '2025-11-24T16:00:00.000000+00:00', 2, '{}')",
        ((began_us + i, str(uuid.uuid4()), "/odd" if i % 2 else "/even", "odd" if i % 2 else "even") for i in range(count)))
    database.commit()
    database.close()


def make_words(service, entries):
    """Entries of words that all begin alike and are all different."""
    made = service.call("POST", "/sessions", b'{"project_path":"/words","thread_id":"words"}', GOOD)
    target = f"/sessions/{made.json()['id']}/entries"
    for i in range(entries):
        words = " ".join(f"aaa{i * WORDS_OF_AN_ENTRY + j:x}" for j in range(WORDS_OF_AN_ENTRY))
        service.call("POST", target, json.dumps([{"text": words}]).encode(), GOOD)
    for _ in range(1200):
        if service.call("GET", "/search?q=aaa0", None, GOOD).json()["complete"]:
            return
        time.sleep(0.1)
    raise SystemExit("the index was not complete after two minutes")


def make_database(options, folder):
    """A database with sessions and words, whose service is stopped."""
    path = os.path.join(folder, "made.db")
    flags = ["--token-file", token_file(folder, "read")]
    service = Service(options.binary, *flags, database=path).start()
    service.terminate()
    make_sessions(path, options.sessions)
    service.start()
    make_words(service, options.words)
    service.terminate()
    return path


def attack_process(name, address, stop):
    if name == NO_ATTACK:
        return
    os.nice(5)  # elsewhere, a hostile client would not take the processors away from the service
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    one, _, count = ATTACKS[name]
    threads = [threading.Thread(target=one, args=(address, "token-of-the-hostile-client", stop, i), daemon=True)
               for i in range(count)]
    for thread in threads:
        thread.start()
    stop.wait()


def memory_mib(service):
    with open(f"/proc/{service.process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"(?m)^VmHWM:\s+(\d+) kB", file.read())[1]) / 1024


class Good:
    """The good client: a request every 10 ms."""

    def __init__(self, service):
        self.durations = {}  # in milliseconds, by kind of request
        self.failures = []
        self.connection = Connection(service.address)
        self.session = None

    def one(self, kind, method, target, body, status):
        began = time.monotonic()
        try:
            response = self.connection.call(method, target, body, GOOD)
            if response.status != status:
                self.failures.append(f"{method} {target}: {response.status} {response.body[:200]}")
        except (Unanswered, OSError) as error:
            response = None
            self.failures.append(f"{method} {target}: {error}")
        self.durations.setdefault(kind, []).append((time.monotonic() - began) * 1000)
        time.sleep(0.01)
        return response

    def turn(self):
        made = self.one("create", "POST", "/sessions", b'{"project_path":"/good","thread_id":"good"}', 201)
        if made is not None and made.status == 201:
            self.session = made.headers["location"]
        if self.session:
            self.one("read", "GET", self.session, None, 200)
            self.one("append", "POST", self.session + "/entries", b'[{"text":"good words"}]', 200)
        self.one("list", "GET", "/sessions?thread_id=good&project_path=%2Fgood&limit=5", None, 200)
        self.one("search", "GET", "/search?q=victim&limit=5", None, 200)
        self.one("ready", "GET", "/readyz", None, 200)

    def all(self):
        return [one for of_kind in self.durations.values() for one in of_kind]

    def slowest(self):
        """The kind of request with the longest p99, and that p99."""
        return max(((kind, quantile(of_kind, 0.99)) for kind, of_kind in self.durations.items()), key=lambda one: one[1])


def quantile(durations, part):
    ordered = sorted(durations)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def stored_bytes(database):
    return {end or "db": os.path.getsize(database + end) for end in ("", "-wal") if os.path.exists(database + end)}


def withstand(options, made, name):
    """A row of the table, and what was wrong."""
    folder = tempfile.mkdtemp(prefix="sessiond-neighbour-")
    database = os.path.join(folder, "sessions.db")
    shutil.copy(made, database)
    flags = ["--token-file", token_file(folder, "read" if name == NO_ATTACK else ATTACKS[name][1]), "--max-db-size", str(MAX_DB_BYTES)]
    service = Service(options.binary, *flags, database=database).start()
    before = stored_bytes(database)["db"]
    stop = multiprocessing.Event()
    process = multiprocessing.Process(target=attack_process, args=(name, service.address, stop), daemon=True)
    process.start()
    good = Good(service)
    until = time.monotonic() + options.seconds
    while time.monotonic() < until:
        good.turn()
    # A sanitizer keeps memory that is freed.
    limit_mib = math.inf if service.is_checked() else MEMORY_MIB
    memory = memory_mib(service)
    stored = stored_bytes(database)
    stop.set()
    process.join(2)
    process.kill()
    wrong = [f"{name}: {sentence}" for sentence in judge(options, good, memory, limit_mib, stored) + service.stop()]
    durations = good.all()
    kind, kind_ms = good.slowest()
    print(f"{name:20} {len(durations):8} {len(good.failures):6} {quantile(durations, 0.5):7.1f} "
          f"{quantile(durations, 0.99):7.1f} {max(durations):8.1f} {kind_ms:7.1f} {kind:7} {memory:7.0f} "
          f"{(stored['db'] - before) / MIB:9.1f} {stored.get('-wal', 0) / MIB:7.1f}", flush=True)
    shutil.rmtree(folder)
    return wrong


def judge(options, good, memory, limit_mib, stored):
    wrong = []
    if good.failures:
        wrong.append(f"{len(good.failures)} requests of the good client failed, first {good.failures[:3]}")
    if stored["db"] > MAX_DB_BYTES * 1.1 or stored.get("-wal", 0) > LOG_BYTES:
        wrong.append(f"the files have grown to {stored}")
    for what, durations in (("all requests", good.all()), ("searches", good.durations["search"])):
        if options.full and quantile(durations, 0.99) > P99_MS:
            wrong.append(f"the good client's p99 of {what} is {quantile(durations, 0.99):.0f} ms")
    if memory > limit_mib:
        wrong.append(f"the service took {memory:.0f} MiB")
    return wrong


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("attacks", nargs="*", default=[])
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seconds", type=float, help="of each attack; default 1, full 20")
    parser.add_argument("--sessions", type=int, help="default 2000, full 100000")
    parser.add_argument("--words", type=int, help=f"entries of {WORDS_OF_AN_ENTRY} words; default 4, full 300")
    options = parser.parse_intermixed_args()
    options.binary = os.environ.get("SESSIOND_BINARY") or options.binary
    for name, few, many in (("seconds", 1, 20), ("sessions", 2000, 100000), ("words", 4, 300)):
        if getattr(options, name) is None:
            setattr(options, name, (few, many)[options.full])
    return options


def main():
    options = read_options()
    folder = tempfile.mkdtemp(prefix="sessiond-neighbour-")
    made = make_database(options, folder)
    print(f"{'attack':20} {'requests':>8} {'failed':>6} {'p50 ms':>7} {'p99 ms':>7} {'most ms':>8} {'slowest p99 ms':15} "
          f"{'RSS MiB':>7} {'grown MiB':>9} {'WAL MiB':>7}", flush=True)
    wrong = []
    for name in options.attacks or (NO_ATTACK, *ATTACKS):
        wrong += withstand(options, made, name)
    shutil.rmtree(folder)
    for sentence in wrong:
        print(f"not ok - {sentence[:1500]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
