"""A token that is removed, or whose scope is reduced, loses what it has under way: SIGHUP ends its streams and long polls.

usage: revoked_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import hashlib
import json
import os
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "http")]

import checks  # noqa: E402
import raw  # noqa: E402
from checks import check  # noqa: E402
from service import Service  # noqa: E402

MIB = 1 << 20
# Less than the time between two comments of an event stream: without a wake-up a stream ends with the next comment.
PROMPT_S = 10
LAST_CHUNK = b"0\r\n\r\n"
EVENTS = "Accept: text/event-stream"
JSON = {"Content-Type": "application/json"}


def bearer(name):
    return f"Authorization: Bearer token-of-{name}"


class Tokens:
    """The service and its token file."""

    def __init__(self, binary, **scopes):
        self.service = Service(binary)
        self.path = os.path.join(self.service.folder.name, "tokens")
        self.write(scopes)
        self.service.start("--token-file", self.path)
        self.reloads = 0

    def write(self, scopes):
        with open(self.path, "w", encoding="ascii") as file:
            for name, scope in scopes.items():
                file.write(f"{name}:{scope}:{hashlib.sha256(f'token-of-{name}'.encode()).hexdigest()}\n")

    def change(self, **scopes):
        self.write(scopes)
        self.reloads += 1
        self.service.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + raw.PATIENCE_S
        while len(self.service.events("tokens_loaded")) < self.reloads:
            check(time.monotonic() < until, "the tokens are not read again")
            time.sleep(0.01)

    def call(self, method, target, body=None, name="keeper"):
        return self.service.call(method, target, body, {"Authorization": f"Bearer token-of-{name}", **JSON})

    def begin(self, method, target, name, *headers, buffer_bytes=None):
        """A connection whose response has begun, and what has come of it."""
        connection = socket.socket()
        if buffer_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        connection.settimeout(raw.PATIENCE_S)
        host, port = self.service.address.rsplit(":", 1)
        connection.connect((host, int(port)))
        raw.send(connection, raw.request(method, target, bearer(name), *headers))
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(1000)
        check(received.startswith(b"HTTP/1.1 200 "), f"{method} {target}: {received[:200]}")
        return connection, received

    def make_session(self, bytes_of_context=10):
        body = json.dumps({"project_path": "/p", "thread_id": "t", "context": {"a": "x" * bytes_of_context}})
        made = self.call("POST", "/sessions", body.encode())
        check(made.status == 201, f"a session: {made.status}")
        return made.headers["location"]


def drain(connection, received):
    """How many bytes come until the connection ends, and the last of them."""
    length, end = len(received), received
    try:
        while chunk := connection.recv(1 << 20):
            length, end = length + len(chunk), (end + chunk)[-20:]
    except ConnectionResetError:
        pass
    connection.close()
    return length, end


def read_rest(connection):
    """What comes until the connection ends, which takes less than PROMPT_S."""
    began = time.monotonic()
    rest = raw.read_all(connection)
    check(time.monotonic() - began < PROMPT_S, "the response ended late")
    return rest


def check_ended(rest):
    """The rest of an event stream without events, which has its last chunk."""
    check(rest.endswith(LAST_CHUNK), f"the stream is cut: {rest[-100:]}")
    check(b"session.created" not in rest, "an event came after the token was removed")


def requests_beside_a_reload(binary):
    """Requests that the service receives, authorizes or suspends while it reads the tokens again."""
    tokens = Tokens(binary, gone="read", keeper="admin")
    where = tokens.make_session()
    for _ in range(10):
        streams, polls = ([raw.connect(tokens.service) for _ in range(8)] for _ in range(2))
        for stream, poll in zip(streams, polls):
            raw.send(stream, raw.request("GET", "/events", bearer("gone"), EVENTS, "Connection: close"))
            raw.send(poll, raw.request("GET", f"{where}/entries?wait=60", bearer("gone"), "Connection: close"))
        tokens.change(keeper="admin")
        for stream in streams:
            received = read_rest(stream)
            if not received.startswith(b"HTTP/1.1 401 "):
                check(received.startswith(b"HTTP/1.1 200 "), f"a stream: {received[:100]}")
                check_ended(received)
        for poll in polls:
            received = read_rest(poll)
            check(received.startswith(b"HTTP/1.1 401 "), f"a long poll: {received[:100]}")
        for connection in (*streams, *polls):
            connection.close()
        tokens.change(gone="read", keeper="admin")
    return tokens.service.stop()


def event_streams(binary):
    tokens = Tokens(binary, gone="read", keeper="admin", less="admin")
    ends = [tokens.begin("GET", "/events", "gone", EVENTS, "Connection: close")[0] for _ in range(3)]
    stays = [tokens.begin("GET", "/events", name, EVENTS)[0] for name in ("keeper", "less")]
    tokens.change(keeper="admin", less="read")
    for connection in ends:
        check_ended(read_rest(connection))
    where = tokens.make_session()
    for connection in stays:
        received = b""
        while where.rsplit("/", 1)[1].encode() not in received:
            chunk = connection.recv(65536)
            check(chunk, "the stream of a token that stays has ended")
            received += chunk
    for connection in (*ends, *stays):
        connection.close()
    check(tokens.call("GET", "/events", name="gone").status == 401, "the token is gone")
    return tokens.service.stop()


def long_polls(binary):
    tokens = Tokens(binary, gone="read", keeper="admin")
    where = tokens.make_session()
    waiting = []
    for name in ("gone", "keeper"):
        waiting.append(raw.connect(tokens.service))
        raw.send(waiting[-1], raw.request("GET", f"{where}/entries?wait=60", bearer(name)))
    until = time.monotonic() + raw.PATIENCE_S
    while b"\nsessiond_waiting 2\n" not in tokens.call("GET", "/metrics").body:
        check(time.monotonic() < until, "nobody waits")
        time.sleep(0.01)
    tokens.change(keeper="admin")
    answer = raw.read_response(waiting[0])
    check(answer[0] == 401 and "www-authenticate" in answer[1], f"the long poll of the removed token: {answer}")
    check(tokens.call("POST", f"{where}/entries", b'[{"n":1}]').status in (200, 201), "an entry")
    answer = raw.read_response(waiting[1])
    check(answer[0] == 200 and len(json.loads(answer[2])["entries"]) == 1, f"the other long poll: {answer}")
    for connection in waiting:
        connection.close()
    return tokens.service.stop()


def downloads(binary):
    """Responses with an end of their own are cut, so that nobody takes a part for the whole."""
    tokens = Tokens(binary, gone="admin", less="admin", keeper="admin")
    where = tokens.make_session(8 * MIB)
    tokens.make_session(8 * MIB)
    for _ in range(2):
        text = json.dumps([{"text": "x" * (8 * MIB)}])
        check(tokens.call("POST", f"{where}/entries", text.encode()).status in (200, 201), "entries")
    kinds = (("GET", "/admin/export", "*/*"), ("GET", f"{where}/entries", "application/x-ndjson"),
             ("POST", "/admin/backup", "*/*"))
    for method, target, accept in kinds:
        begun = [tokens.begin(method, target, "gone", f"Accept: {accept}", "Connection: close", buffer_bytes=65536)]
        if target.startswith("/admin/export"):
            begun.append(tokens.begin(method, target, "less", f"Accept: {accept}", "Connection: close", buffer_bytes=65536))
        tokens.change(less="write", keeper="admin")
        for connection, received in begun:
            length, end = drain(connection, received)
            check(length < 15 * MIB and not end.endswith(b"0\r\n\r\n"), f"{target}: {length} bytes came, and the end {end[-20:]}")
        connection, received = tokens.begin(method, target, "keeper", f"Accept: {accept}", "Connection: close")
        length, _ = drain(connection, received)
        check(length > 15 * MIB, f"{target}: {length} bytes for a token that stays")
        tokens.change(gone="admin", less="admin", keeper="admin")
    return tokens.service.stop()


CASES = [event_streams, long_polls, requests_beside_a_reload, downloads]

if __name__ == "__main__":
    sys.exit(checks.run(CASES, checks.under_test(sys.argv[1])))
