"""What the tests of whole files have in common: the commands, databases to use them on, a small disk."""

import contextlib
import hashlib
import http.server
import os
import shutil
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from mounts import mount_tmpfs, unmount  # noqa: E402
from service import PATIENCE_S, POLL_S, REPORT, Connection, Service  # noqa: E402
from session_manager import INSERT as PYTHON_INSERT, SCHEMA as PYTHON_SCHEMA  # noqa: E402

ID = "00000000-0000-4000-8000-{:012d}"


def binary():
    return os.environ.get("SESSIOND_BINARY") or sys.argv[1]


def main():
    """Runs the tests of the calling module; its argument is the binary."""
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], module="__main__")


def start_command(*words):
    return subprocess.Popen([binary(), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end_command(process):
    """(exit status, stdout, stderr). A sanitizer's report is no end."""
    out, err = process.communicate(timeout=PATIENCE_S)
    if REPORT.search(err):
        raise AssertionError(err)
    return process.returncode, out, err


def command(*words):
    return end_command(start_command(*words))


def connect(path):
    """For `with`: a connection that is committed and closed."""
    return contextlib.closing(sqlite3.connect(path, isolation_level=None))


@contextlib.contextmanager
def unnoticed(path):
    """A connection whose changes of sessions do not look like another program's."""
    with connect(path) as database:
        name = "sessions_changed_elsewhere"
        trigger = database.execute("SELECT sql FROM sqlite_schema WHERE name = ?", [name]).fetchone()[0]
        database.execute(f"DROP TRIGGER {name}")
        yield database
        database.execute(trigger)


def ask(path, sql):
    with connect(path) as database:
        return database.execute(sql).fetchall()


def fill(path, count, context_bytes=4000):
    """Adds sessions to a database that no service serves, as another program would."""
    with connect(path) as database:
        database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO sessions (id, project_path, thread_id, status, created_at, updated_at, context) "
            "SELECT printf('00000000-0000-4000-8000-%012d', i), '/filled', 't', 'ACTIVE', "
            "'2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00', "
            "printf('{\"a\":\"%s\"}', hex(randomblob(?))) FROM n", [count, context_bytes // 2])


def make_database(path, count, context_bytes=4000):
    """A database of the service's own with so many adopted sessions, stopped cleanly."""
    service = Service(binary(), database=path).start()
    wrong = service.stop()
    fill(path, count, context_bytes)
    service = Service(binary(), database=path).start()
    wrong += service.stop()
    if wrong:
        raise AssertionError(wrong)


def make_python_file(path, contexts):
    with connect(path) as database:
        database.executescript(PYTHON_SCHEMA)
        for number, context in enumerate(contexts):
            database.execute(PYTHON_INSERT, [ID.format(number), "/p", "t", "CREATED", context,
                                             "2026-01-25T12:00:00+00:00", "2026-01-25T12:00:00+00:00"])


def picture(folder):
    """{name: digest} of all files, to see that nothing was touched."""
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def until(condition, what):
    begin = time.monotonic()
    while not condition():
        if time.monotonic() > begin + PATIENCE_S:
            raise AssertionError(f"{what}: not within {PATIENCE_S} s")
        time.sleep(POLL_S)


class Case(unittest.TestCase):
    """With a folder of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sessiond-whole-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def service(self, database, *flags):
        service = Service(binary(), *flags, database=database)
        self.addCleanup(service.abandon)
        return service.start()

    def stop(self, service):
        self.assertEqual(service.stop(), [])

    def run_well(self, *words):
        status, out, err = command(*words)
        self.assertEqual(status, 0, err)
        return out

    def run_badly(self, wanted, phrase, *words):
        """The command ends with this status and says so on the stream that its help names."""
        status, out, err = command(*words)
        self.assertEqual(status, wanted, out + err)
        self.assertIn(phrase, out + err)


class Answering(socketserver.ThreadingTCPServer):
    """Answers every request with the same bytes."""

    allow_reuse_address = True

    def __init__(self, answer):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                while self.rfile.readline().strip():
                    pass
                self.wfile.write(answer)

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __enter__(self):
        return "127.0.0.1:%d" % self.server_address[1]

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Proxy:
    """Between a command and a service. `before(method, target)` is called for each request; it returns None, or (status, headers, body) to answer."""

    def __init__(self, case, address, before):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, text = before(self.command, self.path) or self.forward(body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def forward(self, body):
                connection = Connection(address)
                wanted = {name: value for name, value in self.headers.items() if name in ("Content-Type", "Accept")}
                response = connection.call(self.command, self.path, body or None, wanted)
                connection.close()
                kept = {name: response.headers[name] for name in ("content-type", "retry-after") if name in response.headers}
                return response.status, kept, response.body

            do_GET = do_PUT = do_POST = pass_on

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # a client that is gone is no news
        threading.Thread(target=server.serve_forever, daemon=True).start()
        case.addCleanup(server.server_close)
        case.addCleanup(server.shutdown)
        self.address = "127.0.0.1:%d" % server.server_address[1]


class SmallDisk:
    """A tmpfs of its own."""

    def __init__(self, case, mib):
        self.folder = mount_tmpfs(mib)
        case.addCleanup(unmount, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def fill(self):
        with open(self.path("ballast"), "ab", buffering=0) as file:
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(1 << 16))
