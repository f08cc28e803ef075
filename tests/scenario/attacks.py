"""What one hostile client does at full speed, each as a function of (address, token, stop, number of the thread).

`token` is the client's own; the attacks of clients without one do not send it. Each returns when `stop` is set.
"""

import json
import random
import socket
import time

TIMEOUT_S = 5
LARGE = 16 << 20
LARGE_BATCH = [{"text": "x" * 100000}] * 100
FORK_ENTRIES = 500
FLOOD_CONNECTIONS = 4400  # of one address; two addresses together are more than the service has


def connect(address, source=None):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), TIMEOUT_S, source and (source, 0))


def head(method, target, token=None, *headers, length=None):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += ["Content-Type: application/json", f"Content-Length: {length}"] if length is not None else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def post(target, token, body, *headers, method="POST"):
    data = json.dumps(body).encode()
    return head(method, target, token, *headers, length=len(data)) + data


def repeat(stop, attempt):
    """Attempts until `stop`; a refused or ended connection is no reason to give up."""
    while not stop.is_set():
        try:
            attempt()
        except (OSError, ValueError, IndexError, KeyError):
            time.sleep(0.01)


class Caller:
    """One keep-alive connection that sends requests and reads responses."""

    def __init__(self, address):
        self.address, self.connection, self.file = address, None, None

    def call(self, data):
        try:
            if self.connection is None:
                self.connection = connect(self.address)
                self.file = self.connection.makefile("rb")
            self.connection.sendall(data)
            return self.read()
        except (OSError, ValueError, IndexError):
            self.close()
            raise

    def read(self):
        status = int(self.file.readline().split()[1])
        headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self.file.read(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        return status, body

    def close(self):
        if self.connection is not None:
            self.file.close()
            self.connection.close()
            self.connection = None


def announce_bodies(address, _token, stop, _number):
    """Announces a body of 16 MiB to a route that takes none, and sends nothing of it."""
    def attempt():
        with connect(address) as connection:
            connection.sendall(head("GET", "/healthz", length=LARGE))
            connection.recv(1000)
            stop.wait(0.02)
    repeat(stop, attempt)


def announce_batches(address, token, stop, _number):
    """Announces a body of 16 MiB to a route that takes one, and sends nothing of it."""
    def attempt():
        with connect(address) as connection:
            connection.sendall(head("POST", "/sessions", token, length=LARGE))
            connection.recv(1000)
    repeat(stop, attempt)


def relocate_unread(address, token, stop, _number):
    """Asks for a relocation of everything again and again, and reads nothing of the response."""
    def attempt():
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(TIMEOUT_S)
        host, port = address.rsplit(":", 1)
        with connection:
            connection.connect((host, int(port)))
            connection.sendall(post("/sessions/relocate", token, {"from": "/", "to": "/z", "dry_run": True}))
            stop.wait(2)
    repeat(stop, attempt)


def recover_all(address, token, stop, _number):
    """Recovers sessions without an end."""
    caller = Caller(address)
    repeat(stop, lambda: caller.call(post("/sessions/recover", token, {})))


def keep_answers(address, token, stop, number):
    """Sends small changes of a large session, each with an idempotency key of its own."""
    caller = Caller(address)
    body = {"project_path": "/keys", "thread_id": "keys", "context": {"text": "y" * (1 << 20)}}
    state = {"count": 0, "id": None}

    def attempt():
        if state["id"] is None:
            id = json.loads(caller.call(post("/sessions", token, body))[1])["id"]
            caller.call(post(f"/sessions/{id}/transition", token, {"from": "CREATED", "to": "ACTIVE"}))
            state["id"] = id
        state["count"] += 1
        change = [{"from": "ACTIVE", "to": "PAUSED"}, {"from": "PAUSED", "to": "ACTIVE"}][state["count"] % 2]
        key = f'Idempotency-Key: "k{number}-{state["count"]}"'
        caller.call(post(f"/sessions/{state['id']}/transition", token, change, key))
    repeat(stop, attempt)


def make_consumers(address, token, stop, number):
    """Stores offsets under ever new names."""
    caller = Caller(address)
    state = {"count": 0}

    def attempt():
        state["count"] += 1
        name = f"c{number}-{state['count']}-{'z' * 100}"
        caller.call(post(f"/consumers/{name}", token, {"after": 0}, method="PUT"))
    repeat(stop, attempt)


def append_large(address, token, stop, number):
    """Appends entries of 10 MB at a time until the database is full, and goes on."""
    caller = Caller(address)
    state = {"data": None}

    def attempt():
        if state["data"] is None:
            made = caller.call(post("/sessions", token, {"project_path": "/large", "thread_id": f"large{number}"}))
            state["data"] = post(f"/sessions/{json.loads(made[1])['id']}/entries", token, LARGE_BATCH)
        caller.call(state["data"])
    repeat(stop, attempt)


def abandon_forks(address, token, stop, number):
    """Asks for forks of a long session, which the first thread makes, and leaves at once."""
    caller = Caller(address)
    parent = {"id": None, "entries": 0}

    def make():
        if parent["id"] is None:
            made = caller.call(post("/sessions", token, {"project_path": "/forks", "thread_id": "forks"}))
            parent["id"] = json.loads(made[1])["id"]
        if caller.call(post(f"/sessions/{parent['id']}/entries", token, LARGE_BATCH))[0] == 200:
            parent["entries"] += len(LARGE_BATCH)

    def find():
        time.sleep(0.05)
        found = caller.call(head("GET", "/sessions?thread_id=forks&project_path=%2Fforks&limit=1", token))
        parent["id"], parent["entries"] = (json.loads(found[1])["sessions"][0][name] for name in ("id", "entry_count"))

    def attempt():
        if parent["entries"] < FORK_ENTRIES:
            return find() if number else make()
        with connect(address) as connection:
            connection.sendall(post(f"/sessions/{parent['id']}/fork", token, {}))
            stop.wait(0.05)
    repeat(stop, attempt)


def search_prefixes(address, token, stop, _number):
    """Searches for the beginnings of many words."""
    caller = Caller(address)
    query = "+".join(["aaa*"] * 16)
    repeat(stop, lambda: caller.call(head("GET", f"/search?q={query}", token)))


def list_intersections(address, token, stop, _number):
    """Lists a thread's sessions of a project, of which there are none among many of either."""
    caller = Caller(address)
    repeat(stop, lambda: caller.call(head("GET", "/sessions?thread_id=even&project_path=%2Fodd&limit=5", token)))


def hold_half_heads(address, _token, stop, number):
    """Two addresses hold connections whose request never becomes whole."""
    held = []

    def attempt():
        if len(held) >= FLOOD_CONNECTIONS:
            held.pop(random.randrange(len(held))).close()
        connection = connect(address, f"127.0.0.{2 + number % 2}")
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\nX: ")
        held.append(connection)
    repeat(stop, attempt)


def hold_streams(address, token, stop, number):
    """Two addresses hold event streams of one token."""
    held = []

    def attempt():
        if len(held) >= FLOOD_CONNECTIONS:
            held.pop(random.randrange(len(held))).close()
        connection = connect(address, f"127.0.0.{2 + number % 2}")
        connection.sendall(head("GET", "/events", token, "Accept: text/event-stream"))
        held.append(connection)
    repeat(stop, attempt)


def probe_readiness(address, _token, stop, _number):
    """Asks for /readyz without a token."""
    caller = Caller(address)
    repeat(stop, lambda: caller.call(head("GET", "/readyz")))


# name: (attack, scope of its token, threads)
ATTACKS = {one.__name__: (one, scope, threads) for one, scope, threads in (
    (announce_bodies, "read", 40), (announce_batches, "write", 40), (relocate_unread, "write", 30),
    (recover_all, "write", 4), (keep_answers, "write", 4), (make_consumers, "write", 8), (append_large, "write", 4),
    (abandon_forks, "write", 8), (search_prefixes, "read", 5), (list_intersections, "read", 5),
    (hold_half_heads, "read", 4), (hold_streams, "read", 4), (probe_readiness, "read", 8))}
