"""A sessiond of the test's own, on a free port with a database in a new folder, and calls to it."""

import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import threading

# Long enough for a service under valgrind.
START_TIMEOUT_S = 60
REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:")


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


class Service:
    def __init__(self, binary, *flags):
        self.folder = tempfile.TemporaryDirectory(prefix="sessiond-contract-")
        database = os.path.join(self.folder.name, "sessions.db")
        self.process = subprocess.Popen(
            [binary, "--listen", "127.0.0.1:0", "--db", database, *flags],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
        self.log = []
        self._listening = threading.Event()
        self.address = None
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        if not self._listening.wait(START_TIMEOUT_S) or self.address is None:
            self.process.kill()
            self._reader.join()
            raise SystemExit("the service did not start:\n" + "".join(self.log))

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line)
            if self.address is None and '"event":"listening"' in line.replace(" ", ""):
                self.address = json.loads(line)["address"]
                self._listening.set()
        self._listening.set()

    def call(self, method, target, body=None, headers=None, chunked=False):
        """One request on a connection of its own. `body` is bytes; `headers` a dictionary."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            try:
                connection.request(method, target, body=iter([body]) if chunked else body,
                                   headers=headers or {}, encode_chunked=chunked)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a body that is refused need not be read; the answer is there all the same
            return Response(connection.getresponse())
        finally:
            connection.close()

    def stop(self):
        """Ends the service. What was wrong with its end or its log, as a list of sentences."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "none after 30 s"
            self.process.wait()
        self._reader.join()
        self.folder.cleanup()
        text = "".join(self.log)
        wrong = [f"the exit status is {status}, not 0"] if status != 0 else []
        wrong += ["the log has a sanitizer's report"] if REPORT.search(text) else []
        return [f"{sentence}:\n{text[-20000:]}" for sentence in wrong]
