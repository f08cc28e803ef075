"""A sessiond of the test's own, on a free port, that can be killed and started again on its file."""

import atexit
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

# Long enough for a service under valgrind.
PATIENCE_S = 60
POLL_S = 0.001
NOBODY = 65534
REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:")


class Refused(Exception):
    """Nobody listens: nothing of the request was sent."""


class Unanswered(Exception):
    """The connection ended before the whole response was there."""


class Response:
    def __init__(self, answer):
        self.status = answer.status
        self.headers = {}
        for name, value in answer.getheaders():
            # A repeated header becomes a list of texts, which no schema fits.
            before = self.headers.get(name.lower())
            self.headers[name.lower()] = value if before is None else [before, value]
        self.body = answer.read()

    def json(self):
        return json.loads(self.body)

    def problem(self):
        """The name of the problem that the response is; None when it is none."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        return self.json()["type"].removeprefix("urn:sessiond:problem:")


class FileConnection(http.client.HTTPConnection):
    """HTTP over a socket that is a file."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self.path)
        except OSError:
            self.close()
            raise


class Connection:
    """A keep-alive connection to HOST:PORT or unix:PATH, opened by the first call and after each end."""

    def __init__(self, address):
        path = address.removeprefix("unix:")
        self.http = (FileConnection(path) if path != address
                     else http.client.HTTPConnection(address, timeout=PATIENCE_S))

    def call(self, method, target, body=None, headers=None, chunked=False, version=None):
        """One request. `body` is bytes; `headers` a dictionary; `version` HTTP/1.1 where it is None."""
        try:
            if self.http.sock is None:
                self.http.connect()
        except OSError as error:
            raise Refused(str(error)) from error
        self.http._http_vsn_str = version or "HTTP/1.1"  # pylint: disable=protected-access
        try:
            try:
                self.http.request(method, target, body=iter([body]) if chunked else body,
                                  headers=headers or {}, encode_chunked=chunked)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a body that is refused need not be read; the answer is there all the same
            return Response(self.http.getresponse())
        except (OSError, http.client.HTTPException) as error:
            self.http.close()
            raise Unanswered(f"{type(error).__name__}: {error}") from error

    def close(self):
        self.http.close()


class Service:
    """`flags` and `environment` are for every start; start() takes more for one."""

    def __init__(self, binary, *flags, database=None, environment=None):
        self.folder = tempfile.TemporaryDirectory(prefix="sessiond-test-")
        self.database = database or os.path.join(self.folder.name, "sessions.db")
        self.command = [binary, "--listen", "127.0.0.1:0", "--db", self.database, *flags]
        self.environment = {**os.environ, **(environment or {})}
        self.log_path = os.path.join(self.folder.name, "log")
        self.log_begin = 0  # of the present life
        self.process = None
        self.pass_fds = ()
        self.address = None
        self.launched_s = 0.0
        atexit.register(self.abandon)

    def is_checked(self):
        """Whether the process that runs has a sanitizer, which keeps memory that is freed."""
        with open(f"/proc/{self.process.pid}/maps", encoding="ascii") as file:
            maps = file.read()
        return "libasan" in maps or "libtsan" in maps

    def abandon(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def drop_privileges(self):
        """Under root: later starts have no rights but those that modes give to others, or to this user."""
        binary = shutil.copy(self.command[0], self.folder.name)  # where that user may get at it
        os.chmod(self.folder.name, 0o755)
        self.command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", binary, *self.command[1:]]

    def launch(self, *flags, environment=None):
        """Starts the process and does not wait for it."""
        with open(self.log_path, "ab") as log:
            self.log_begin = log.tell()
            self.address = None
            self.launched_s = time.monotonic()
            self.process = subprocess.Popen(
                [*self.command, *flags], stdin=subprocess.DEVNULL, stderr=log, pass_fds=self.pass_fds,
                env={**self.environment, **(environment or {})})
        return self

    def start(self, *flags, environment=None):
        """Returns when the service listens."""
        self.launch(*flags, environment=environment)
        if not self.await_listening():
            self.kill()
            raise SystemExit("the service did not start:\n" + self.log())
        return self

    def await_listening(self):
        """False when the process ended instead, or was too slow."""
        while time.monotonic() < self.launched_s + PATIENCE_S:
            ended = self.process.poll() is not None
            for event in self.events("listening"):
                self.address = event["address"]
                return True
            if ended:
                return False
            time.sleep(POLL_S)
        return False

    def await_ready(self):
        """Seconds from the start of the process to the first 200 of /readyz."""
        connection = Connection(self.address)
        while connection.call("GET", "/readyz").status != 200:
            if time.monotonic() > self.launched_s + PATIENCE_S:
                raise SystemExit("the service did not become ready:\n" + self.log())
            time.sleep(POLL_S)
        connection.close()
        return time.monotonic() - self.launched_s

    def call(self, method, target, body=None, headers=None, chunked=False, version=None):
        """One request on a connection of its own."""
        connection = Connection(self.address)
        try:
            return connection.call(method, target, body, headers, chunked, version)
        finally:
            connection.close()

    def log(self, whole=False):
        """What the present life wrote to its log, or all lives."""
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            file.seek(0 if whole else self.log_begin)
            return file.read()

    def events(self, name):
        """The log lines of the present life with this event, parsed."""
        lines = (line for line in self.log().splitlines(keepends=True) if f'"event":"{name}"' in line)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def await_end(self, patience_s=PATIENCE_S):
        """The exit status, negative for a signal; None when the process is still there."""
        try:
            return self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        self.process.kill()
        return self.process.wait()

    def terminate(self):
        """SIGTERM. Returns the exit status, None when it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        status = self.await_end()
        if status is None:
            self.kill()
        return status

    def reports(self):
        """What sanitizers wrote in any life, as a list of sentences."""
        text = self.log(whole=True)
        return [f"the log has a sanitizer's report:\n{text[-20000:]}"] if REPORT.search(text) else []

    def stop(self):
        """Ends the service for good. What was wrong with its end or its log, as a list of sentences."""
        status = self.terminate()
        wrong = self.reports()
        if status != 0:
            wrong.append(f"the exit status is {status}, not 0:\n{self.log()[-20000:]}")
        self.folder.cleanup()
        atexit.unregister(self.abandon)
        return wrong
