"""A database that was damaged, or is none: the service refuses it, says why and leaves it as it was; or it
serves, and every answer is well formed. It never crashes and never hangs.

SQLite keeps no checksums of a database's pages. So a flip in the text of a row is not noticed by anyone, and
one in an index may hide a row; what is held against the service is that it answers, in the form that it
promises. The log has checksums: what is served of a damaged one is whole.
"""

import json
import os
import random
import shutil
import socket
import sqlite3
import stat
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

from crash import arguments, faults_of_file, parse, seed_rows, verify  # noqa: E402
from ledger import Ledger, checksum, list_all  # noqa: E402
from service import Connection, Refused, Service, Unanswered  # noqa: E402

PAGE = 4096
ROWS = 3000
EXIT_REFUSED, EXIT_DISK = 1, 74
ANSWER_S = 20
JSON = "application/json"
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "instance", "request_id"}
options = None
original = None


class Original:
    """A database with every kind of page, and the same with a log that a kill left."""

    def __init__(self, binary, seed):
        self.folder = tempfile.TemporaryDirectory(prefix="sessiond-damage-")
        self.ledger = Ledger()
        self.path = os.path.join(self.folder.name, "stopped", "sessions.db")
        self.killed = os.path.join(self.folder.name, "killed", "sessions.db")
        os.mkdir(os.path.dirname(self.path))
        service = Service(binary, "--log-level", "warning", database=self.path)
        seed_rows(service, self.ledger, ROWS, random.Random(seed))
        service.start()
        self.fill(service)
        service.terminate()
        shutil.copytree(os.path.dirname(self.path), os.path.dirname(self.killed))
        self.leave_log(Service(binary, "--log-level", "warning", database=self.killed))
        self.ids = list(self.ledger.states)
        self.pages = self.kinds_of_pages()

    @staticmethod
    def create(service, key, size):
        body = {"project_path": "/long", "thread_id": key, "context": {"text": "x" * size}}
        response = service.call("POST", "/sessions", json.dumps(body).encode(),
                                {"Content-Type": JSON, "Idempotency-Key": f'"{key}"'})
        return response.json()["id"]

    def fill(self, service):
        """Answers that are kept, overflow pages, and pages that are free again."""
        ids = [self.create(service, f"key-{number}", 20000 if number % 10 == 0 else 100) for number in range(300)]
        for id in ids[::20]:
            service.call("DELETE", f"/sessions/{id}")

    def leave_log(self, service):
        service.start()
        self.commits = [len(list_all(service))]
        for number in range(30):
            self.create(service, f"later-{number}", 9000)
        service.kill()

    def kinds_of_pages(self):
        """The numbers of the pages of each table and index, by name and kind."""
        db = sqlite3.connect(self.path)
        pages = {}
        for name, kind, number in db.execute("SELECT name, pagetype, pageno FROM dbstat"):
            pages.setdefault((name, kind), []).append(number)
        count = db.execute("PRAGMA page_count").fetchone()[0]
        db.close()
        used = {number for numbers in pages.values() for number in numbers}
        pages["freelist", "free"] = [number for number in range(1, count + 1) if number not in used]
        return pages


def flip(data, offset, count, choices):
    for _ in range(count):
        at = offset + choices.randrange(PAGE)
        data[at] ^= 1 << choices.randrange(8)


def flip_head(data, offset, choices):
    """The page's own header and the first of its cells' offsets."""
    skip = 100 if offset == 0 else 0
    for _ in range(2):
        data[offset + skip + choices.randrange(24)] = choices.randrange(256)


# How a page is damaged: a function of the file's bytes, the page's offset and the random choices.
DAMAGES = {
    "a bit": lambda data, at, choices: flip(data, at, 1, choices),
    "32 bits": lambda data, at, choices: flip(data, at, 32, choices),
    "its head": flip_head,
    "noise": lambda data, at, choices: data.__setitem__(slice(at, at + PAGE), choices.randbytes(PAGE)),
    "zeros": lambda data, at, choices: data.__setitem__(slice(at, at + PAGE), bytes(PAGE)),
}


# Where the texts of clients are kept, which SQLite has no checksum of.
TEXTS = {("sessions", "leaf"), ("sessions", "overflow"), ("idempotency_keys", "leaf"), ("idempotency_keys", "overflow")}


class Damage(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(options.seed)
        self.outcomes = {}
        self.texts_are_damaged = False

    def tearDown(self):
        for outcome, count in sorted(self.outcomes.items()):
            print(f"    {outcome}: {count}")

    def count(self, outcome):
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    def service_on(self, source):
        """On a copy of the database, its log and nothing else."""
        service = Service(options.binary, "--log-level", "warning")
        self.addCleanup(service.folder.cleanup)
        self.addCleanup(service.abandon)
        os.mkdir(os.path.join(service.folder.name, "data"))
        service.database = os.path.join(service.folder.name, "data", "sessions.db")
        service.command[service.command.index("--db") + 1] = service.database
        for suffix in ("", "-wal"):
            if source is not None and os.path.exists(source + suffix):
                shutil.copyfile(source + suffix, service.database + suffix)
        return service

    @staticmethod
    def bytes_of(service):
        """What must not change: the database and its log."""
        found = {}
        for suffix in ("", "-wal", "-journal"):
            try:
                with open(service.database + suffix, "rb") as file:
                    found[suffix] = file.read()
            except FileNotFoundError:
                found[suffix] = b""  # a log that is made, with nothing in it, changes nothing
            except OSError as error:
                found[suffix] = type(error).__name__
        return found

    # What the service may do

    def serve_or_refuse(self, service, exercise=True):
        """Whether it serves."""
        before = self.bytes_of(service)
        service.launch()
        if not service.await_listening():
            self.check_refused(service, before)
            return False
        self.count("served")
        if exercise:
            self.exercise(service)
        return True

    def check_refused(self, service, before):
        status = service.await_end(ANSWER_S)
        self.assertEqual(status, EXIT_REFUSED, f"ended with {status}: {service.log()[-3000:]}")
        said = service.events("cannot_start")
        self.assertTrue(len(said) == 1 and len(said[0]["detail"]) > 10, service.log())
        after = self.bytes_of(service)
        changed = [suffix or "the file" for suffix in before if after[suffix] != before[suffix]]
        self.assertEqual(changed, [], f"refused, but it changed: {said[0]['detail']}")
        self.assertEqual(service.reports(), [])
        self.count("refused")

    def refuse(self, service, *words):
        self.assertFalse(self.serve_or_refuse(service, exercise=False), service.log())
        detail = service.events("cannot_start")[0]["detail"]
        for word in words:
            self.assertIn(word, detail)
        print(f"    says: {detail}")

    def exercise(self, service):
        """Everything that a client may ask for; then a stop."""
        connection = Connection(service.address)
        connection.http.timeout = ANSWER_S
        try:
            for request in self.requests():
                self.ask(connection, *request)
        except Ended:
            status = service.await_end(ANSWER_S)
            self.assertEqual(status, EXIT_DISK, f"ended with {status}: {service.log()[-3000:]}")
            self.count("ended with 74 while it served")
        else:
            self.assertIn(service.terminate(), (0, EXIT_DISK), service.log()[-3000:])
        finally:
            connection.close()
        self.assertEqual(service.reports(), [])

    def requests(self):
        new = {"project_path": "/new", "thread_id": "new", "context": {"text": "x" * 3000}}
        for id in self.random.sample(original.ids, 12):
            yield "GET", f"/sessions/{id}", None
        for target in ("?limit=1000", "?limit=1000&order=asc&include=context", "?status=CREATED&limit=500",
                       "?thread_id=thread%207", "?project_path=/seed/7", "?limit=1000&include=context&status=CREATED"):
            yield "GET", f"/sessions{target}", None
        for number in range(4):
            yield "POST", "/sessions", {**new, "thread_id": f"new {number}"}
        yield "POST", "/sessions", {**new, "context": {"text": "y" * 60000}}
        for number in (7, 10, 20):
            body = {"project_path": "/long", "thread_id": f"key-{number}",
                    "context": {"text": "x" * (100 if number % 10 else 20000)}}
            yield "POST", "/sessions", body, {"Idempotency-Key": f'"key-{number}"'}
        for id in self.random.sample(original.ids, 6):
            yield "PATCH", f"/sessions/{id}", {"status": "ACTIVE"}
            yield "PATCH", f"/sessions/{id}", {"context": {"z": "z" * 5000}}
            yield "DELETE", f"/sessions/{id}", None
        yield "POST", "/admin/backup", None
        for target in ("/healthz", "/readyz", "/metrics"):
            yield "GET", target, None

    def ask(self, connection, method, target, body, headers=()):
        try:
            response = connection.call(method, target, None if body is None else json.dumps(body).encode(),
                                       {**({} if body is None else {"Content-Type": JSON}), **dict(headers)})
        except (Refused, Unanswered) as error:
            self.assertNotIn("imed out", str(error), f"{method} {target}")
            raise Ended(str(error)) from error
        self.check_form(f"{method} {target}", response)

    def check_form(self, request, response):
        kind = response.headers.get("content-type")
        if response.status >= 400:
            self.assertEqual(kind, "application/problem+json", f"{request}: {response.status} {response.body[:300]!r}")
            self.assertLessEqual(PROBLEM_MEMBERS, set(response.json()))
            self.count(f"answers of {response.status}")
        elif kind == "application/json" and response.body:
            try:
                response.json()
            except ValueError as error:
                if self.texts_are_damaged:
                    self.count("answers with a damaged text in them")
                    return
                self.fail(f"{request}: {response.status}, and no JSON: {error}: {response.body[:300]!r}")

    # Pages

    def test_pages(self):
        """Every table and index, every kind of page, in every way; or a sample of them. Half of the files have a
        log beside them."""
        cases = [(kind, how) for kind, numbers in sorted(original.pages.items()) if numbers
                 for how in DAMAGES for _ in range(options.repeat)]
        if options.pages is not None:
            cases = self.random.sample(cases, options.pages)
        for kind, how in cases:
            number = self.random.choice(original.pages[kind])
            with self.subTest(kind=kind, number=number, how=how):
                self.texts_are_damaged = kind in TEXTS
                service = self.service_on(self.random.choice([original.path, original.killed]))
                with open(service.database, "r+b") as file:
                    data = bytearray(file.read())
                    DAMAGES[how](data, (number - 1) * PAGE, self.random)
                    file.seek(0)
                    file.write(data)
                self.serve_or_refuse(service)
                service.abandon()
        print(f"    pages damaged: {len(cases)}")

    def test_the_kinds_of_pages_are_all_there(self):
        kinds = set(original.pages)
        for wanted in (("sessions", "internal"), ("sessions", "leaf"), ("sessions", "overflow"),
                       ("idempotency_keys", "leaf"), ("idempotency_keys", "internal"),
                       ("idx_sessions_status", "internal"), ("idx_sessions_status", "leaf"),
                       ("sqlite_schema", "leaf"), ("freelist", "free")):
            self.assertIn(wanted, kinds)
            self.assertTrue(original.pages[wanted], wanted)

    # The length and the header

    def test_less_than_a_header(self):
        for length in (1, 15, 99):
            with self.subTest(length=length):
                service = self.service_on(original.path)
                os.truncate(service.database, length)
                self.refuse(service, "not a database", "100 bytes")

    def test_truncated(self):
        size = os.path.getsize(original.path)
        for length in (100, 511, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, size // 2, size // 2 // PAGE * PAGE,
                       size - PAGE, size - 1):
            with self.subTest(length=length):
                service = self.service_on(original.path)
                os.truncate(service.database, length)
                self.serve_or_refuse(service)
                service.abandon()

    def header(self, offset, form, value):
        service = self.service_on(original.path)
        with open(service.database, "r+b") as file:
            file.seek(offset)
            file.write(struct.pack(form, value))
        return service

    def test_header_fields_that_are_refused(self):
        for name, offset, form, value, *words in (
                ("magic", 0, "16s", b"SQLite format 4\0", "not a database"),
                ("page size", 16, ">H", 4097, "not a database"),
                ("page size 0", 16, ">H", 0, "not a database"),
                ("read version", 19, "B", 9, "not a database"),
                ("schema format", 44, ">I", 9, "unsupported file format"),
                ("user_version, newer", 60, ">I", 1000, "newer"),
                ("user_version, far newer", 60, ">I", 0x7fffffff, "newer"),
                ("user_version, below zero", 60, ">i", -1, "schema version")):
            with self.subTest(name=name):
                self.refuse(self.header(offset, form, value), *words)

    def test_other_header_fields(self):
        for name, offset, form, value in (
                ("page size of another", 16, ">H", 8192), ("write version", 18, "B", 9),
                ("reserved bytes", 20, "B", 32),
                ("payload fraction", 21, "B", 1), ("page count", 28, ">I", 3), ("page count, huge", 28, ">I", 1 << 30),
                ("first free page", 32, ">I", 2), ("first free page, beyond", 32, ">I", 1 << 30),
                ("free pages", 36, ">I", 1 << 30), ("schema cookie", 40, ">I", 99), ("cache size", 48, ">I", 1),
                ("largest root", 52, ">I", 7), ("text encoding, UTF-16", 56, ">I", 2),
                ("text encoding, none", 56, ">I", 9), ("user_version 0", 60, ">I", 0),
                ("application_id", 68, ">I", 0x47504B47)):
            with self.subTest(name=name):
                service = self.header(offset, form, value)
                self.serve_or_refuse(service)
                service.abandon()

    # The log and its index

    def check_whole(self, service):
        """What is served of a damaged log is an instant that there was."""
        sessions = list_all(service)
        later = [session for session in sessions.values() if session["thread_id"].startswith("later-")]
        self.assertEqual({session["thread_id"] for session in later}, {f"later-{i}" for i in range(len(later))})
        for id, state in original.ledger.states.items():
            self.assertEqual(sessions[id]["context"], state.context)
            self.assertEqual(sessions[id]["context"]["sum"], checksum(state.context))
        self.count(f"served with {len(later)} of 30 commits of the log")
        self.assertEqual(service.terminate(), 0, service.log())
        self.assertEqual(faults_of_file(service.database), [])

    def serve_whole(self, service):
        if self.serve_or_refuse(service, exercise=False):
            self.check_whole(service)
        service.abandon()

    def test_log_truncated(self):
        size = os.path.getsize(original.killed + "-wal")
        frame = PAGE + 24
        for length in [0, 1, 31, 32, 33, 32 + frame - 1, 32 + frame, size - 1, size - frame,
                       *self.random.sample(range(size), 3 * options.repeat)]:
            with self.subTest(length=length):
                service = self.service_on(original.killed)
                os.truncate(service.database + "-wal", length)
                self.serve_whole(service)

    def test_log_garbled(self):
        size = os.path.getsize(original.killed + "-wal")
        for offset in [*range(0, 32, 4), *range(32, 56, 4), *self.random.sample(range(size), 6 * options.repeat)]:
            with self.subTest(offset=offset):
                service = self.service_on(original.killed)
                with open(service.database + "-wal", "r+b") as file:
                    file.seek(offset)
                    byte = file.read(1)[0]
                    file.seek(offset)
                    file.write(bytes([byte ^ 1 << self.random.randrange(8)]))
                self.serve_whole(service)

    def test_log_of_noise(self):
        for length in (1, 32, 5000, 200000):
            with self.subTest(length=length):
                service = self.service_on(original.path)
                with open(service.database + "-wal", "wb") as file:
                    file.write(self.random.randbytes(length))
                self.serve_whole(service)

    def test_index_of_noise(self):
        for length in (1, 100, 32768, 70000):
            with self.subTest(length=length):
                service = self.service_on(original.killed)
                with open(service.database + "-shm", "wb") as file:
                    file.write(self.random.randbytes(length))
                self.serve_whole(service)

    def test_journal_of_noise(self):
        service = self.service_on(original.path)
        with open(service.database + "-journal", "wb") as file:
            file.write(self.random.randbytes(5000))
        self.serve_or_refuse(service)

    # Something else in its place

    def test_a_folder_in_its_place(self):
        for suffix in ("", "-wal", "-shm", ".lock"):
            with self.subTest(suffix=suffix):
                service = self.service_on(original.path)
                if suffix == "":
                    os.remove(service.database)
                os.mkdir(service.database + suffix)
                self.refuse(service, f"sessions.db{suffix}", "not a regular file" if suffix != ".lock" else "directory")
                self.assertEqual(os.listdir(service.database + suffix), [])

    def test_something_else_in_its_place(self):
        def device(path):
            os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))

        def unix_socket(path):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)

        makers = {"FIFO": os.mkfifo, "socket": unix_socket, "link to itself": lambda path: os.symlink(path, path)}
        if os.geteuid() == 0:
            makers["device"] = device
        for name, make in makers.items():
            with self.subTest(name=name):
                service = self.service_on(None)
                make(service.database)
                before = os.lstat(service.database)
                service.launch()
                self.assertFalse(service.await_listening())
                self.assertEqual(service.await_end(ANSWER_S), EXIT_REFUSED, service.log())
                print(f"    {name}: {service.events('cannot_start')[0]['detail']}")
                after = os.lstat(service.database)
                self.assertEqual((before.st_mode, before.st_ino, before.st_size),
                                 (after.st_mode, after.st_ino, after.st_size))

    def test_a_file_of_another_program(self):
        for name, text in (("text", b"Dear diary, nothing happened today either.\n" * 300), ("zeros", bytes(3 * PAGE)),
                           ("noise", self.random.randbytes(3 * PAGE)), ("a PNG", b"\x89PNG\r\n\x1a\n" + bytes(9000))):
            with self.subTest(name=name):
                service = self.service_on(None)
                with open(service.database, "wb") as file:
                    file.write(text)
                self.refuse(service)
        for schema in ("CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT)",
                       "CREATE TABLE sessions (id TEXT PRIMARY KEY, cookie TEXT)",
                       "CREATE VIEW sessions AS SELECT 1 AS id"):
            with self.subTest(schema=schema):
                service = self.service_on(None)
                db = sqlite3.connect(service.database)
                db.executescript(schema)
                db.close()
                self.refuse(service, "another program")

    # Rights

    def as_nobody(self, service):
        """The service has no rights but those that the file's modes give to all."""
        if os.geteuid() == 0:
            service.drop_privileges()
            os.chmod(os.path.dirname(service.database), 0o777)
        return service

    def test_without_rights(self):
        for name, of_folder, mode, suffix in (
                ("a file that cannot be read", False, 0o000, ""), ("a file that cannot be written", False, 0o444, ""),
                ("a log that cannot be written", False, 0o444, "-wal"),
                ("a folder that cannot be written", True, 0o555, ""),
                ("a folder that cannot be entered", True, 0o000, "")):
            for source in (original.path, original.killed):
                for locked in (False, True):
                    with self.subTest(name=name, source=source, locked=locked):
                        service = self.as_nobody(self.service_on(source))
                        self.take_rights(service, of_folder, mode, suffix, locked)
                        self.refuse_without_rights(service, name)

    def take_rights(self, service, of_folder, mode, suffix, locked):
        """`locked`: the lock file of an earlier life is there."""
        for name in [suffix, ".lock"] if locked else [suffix]:
            open(service.database + name, "ab").close()
        self.before = self.bytes_of(service)
        for name in os.listdir(os.path.dirname(service.database)):
            os.chmod(os.path.join(os.path.dirname(service.database), name), 0o666)
        os.chmod(os.path.dirname(service.database) if of_folder else service.database + suffix, mode)

    def refuse_without_rights(self, service, name):
        service.launch()
        self.assertFalse(service.await_listening(), service.log())
        self.assertEqual(service.await_end(ANSWER_S), EXIT_REFUSED, service.log())
        detail = service.events("cannot_start")[0]["detail"]
        print(f"    {name}: {detail}")
        folder = os.path.dirname(service.database)
        os.chmod(folder, 0o777)
        for file in os.listdir(folder):
            os.chmod(os.path.join(folder, file), 0o666)
        self.assertEqual(self.bytes_of(service), self.before)
        self.assertIn("ermission denied", detail)
        self.assertIn(folder, detail)


class Ended(Exception):
    """The connection ended: the process is no more, or is about to end."""


def main():
    global options, original
    parser = arguments(__doc__)
    parser.add_argument("--repeat", type=int, default=1, help="times that each page is damaged in each way")
    parser.add_argument("--pages", type=int, help="damage so many pages, not all kinds in all ways")
    parser.add_argument("--test", action="append", default=[], help="this one alone, as test_pages")
    options = parse(parser)
    original = Original(options.binary, options.seed)
    unittest.main(argv=[sys.argv[0], *(f"Damage.{name}" for name in options.test)], verbosity=2)


if __name__ == "__main__":
    main()
