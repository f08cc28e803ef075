"""The clients of a stress run: each process keeps many connections and sends them a seeded mixture of requests.

A process owns the sessions that it creates, so that it knows what has to be there afterwards: `Ledger` holds each
session whose last change was acknowledged, with the number of its acknowledged entries. A session whose change was
not answered leaves the ledger.
"""

import collections
import json
import random
import socket
import ssl
import struct
import time
import uuid

CONNECTIONS = 24  # of one process
AT_ONCE = 12  # requests of one process that wait for their response at the same time
PARKED = 8  # connections of one process that follow events, wait, or send nothing
PATIENCE_S = 120
# So many that a search is done in a few milliseconds, also with a checker: all of a process wait for the slowest.
SYLLABLES = ("ka", "lo", "mi", "nu", "re", "sa", "to", "vi", "ze", "po")
WORDS = [first + second + third for first in SYLLABLES for second in SYLLABLES for third in SYLLABLES]
# The service closes a connection on which nothing moves for 60 s.
KEPT_S = 20
RESET = struct.pack("ii", 1, 0)

# A life of the service, as its clients see it.
RUNNING, STOPPING, STOPPED = range(3)

# What any request may be answered while others overload the service, its disk is full, or it stops.
ANY_TIME = {408, 413, 429, 503, 507}


class Ended(Exception):
    """The connection ended before the whole response was there, or could not be opened."""


def connect(target):
    """`target` is (kind, address): kind tcp, tls or unix."""
    kind, address = target
    try:
        if kind == "unix":
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(PATIENCE_S)
            connection.connect(address)
            return connection
        host, port = address.rsplit(":", 1)
        connection = socket.create_connection((host, int(port)), PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if kind == "tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection = context.wrap_socket(connection)
        return connection
    except OSError as error:
        raise Ended(str(error)) from error


class Client:
    """One keep-alive connection."""

    def __init__(self, target):
        self.connection = connect(target)
        self.rest = b""
        self.half_closed = False
        self.last_use = self.sent = None

    def send(self, data):
        self.last_use, self.sent = self.sent, time.monotonic()
        try:
            self.connection.sendall(data)
        except OSError:
            pass  # a response may have been sent before the service ended the connection

    def read(self):
        """(status, headers, body) of the next response."""
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        status = int(lines[0].split()[1])
        return status, headers, self.read_body(status, headers)

    def read_body(self, status, headers):
        if status in (204, 304):
            return b""
        if headers.get("transfer-encoding") == "chunked":
            return self.read_chunks()
        length = int(headers.get("content-length", 0))
        while len(self.rest) < length:
            self.more()
        body, self.rest = self.rest[:length], self.rest[length:]
        return body

    def read_chunks(self):
        body = b""
        while True:
            while b"\r\n" not in self.rest:
                self.more()
            line, _, self.rest = self.rest.partition(b"\r\n")
            length = int(line, 16)
            while len(self.rest) < length + 2:
                self.more()
            body += self.rest[:length]
            self.rest = self.rest[length + 2:]
            if length == 0:
                return body

    def more(self):
        try:
            chunk = self.connection.recv(65536)
        except OSError as error:
            raise Ended(str(error)) from error
        if not chunk:
            raise Ended("the service ended the connection")
        self.rest += chunk

    def history(self):
        """How old the last request is, and the one before it on the same connection."""
        first = "first request" if self.last_use is None else f"next request after {self.sent - self.last_use:.1f} s"
        return f"{first} of a connection{', half-closed' if self.half_closed else ''}, {time.monotonic() - self.sent:.1f} s ago"

    def reset(self):
        """Ends the connection with a TCP reset, where there is TCP."""
        try:
            if self.connection.family != socket.AF_UNIX:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        except OSError:
            pass
        self.close()

    def half_close(self):
        """Nothing more is sent; the response is still read."""
        self.half_closed = True
        try:
            self.connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        try:
            self.connection.close()
        except OSError:
            pass


def message(method, target, token, body=None, *headers):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}", *headers]
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    if body is not None:
        lines += [f"Content-Length: {len(data)}"]
        if not any(header.startswith("Content-Type") for header in headers):
            lines += ["Content-Type: application/json"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


class Request:
    """One request under way: what it may be answered, and what an answer changes in the ledger."""

    def __init__(self, name, data, allowed, settle=None, session=None, read=None):
        self.name, self.data, self.allowed, self.settle = name, data, set(allowed), settle
        self.session = session  # that it changes
        self.read = read  # that it reads


class Crew:
    def __init__(self, target, token, seed, phase):
        self.target, self.token, self.phase = target, token, phase
        self.random = random.Random(seed)
        self.ledger = {}  # id -> acknowledged entries
        self.busy = set()  # sessions with a change under way
        self.reads = collections.Counter()  # of a session, under way: a deletion may overtake them
        self.leases = {}  # id -> fencing token
        self.clients, self.parked = [], []
        self.counts, self.wrong = collections.Counter(), []
        self.actions = [(self.create, 16), (self.get, 14), (self.patch, 12), (self.append, 20), (self.read_entries, 8),
                        (self.list, 6), (self.search, 6), (self.delete, 6), (self.fork, 2), (self.take_lease, 5),
                        (self.release, 3), (self.events, 4), (self.malformed, 3), (self.recover, 1), (self.metrics, 1)]

    def text(self, most=40):
        return " ".join(self.random.choices(WORDS, k=self.random.randint(1, most)))

    def own(self):
        """A session of this process that no request is changing; None when there is none."""
        for _ in range(8):
            if not self.ledger:
                return None
            id = self.random.choice(list(self.ledger)) if len(self.ledger) < 64 else next(iter(self.ledger))
            if id not in self.busy:
                self.ledger[id] = self.ledger.pop(id)  # the next look finds another one first
                return id
        return None

    def fence(self, id):
        return [f"Lease-Token: {self.leases[id]}"] if id in self.leases else []

    def create(self):
        id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))

        def settle(status, _body):
            if status == 201:
                self.ledger[id] = 0
        body = {"project_path": f"/p/{self.random.randint(0, 5)}", "thread_id": f"t{self.random.randint(0, 9)}",
                "context": {"text": self.text(400 if self.random.random() < 0.02 else 20)}}
        return Request("create", message("PUT", f"/sessions/{id}", self.token, body), {201}, settle, id)

    def get(self):
        id = self.own()
        return id and Request("get", message("GET", f"/sessions/{id}", self.token), {200}, read=id)

    def patch(self):
        id = self.own()
        if not id:
            return None
        body = {"context": {"text": self.text(), f"m{self.random.randint(0, 4)}": self.random.choice([None, 1, "x"])}}
        data = message("PATCH", f"/sessions/{id}", self.token, body, *self.fence(id))
        return Request("patch", data, {200, 409}, None, id)

    def append(self):
        id = self.own()
        if not id:
            return None
        count = self.random.choice([1, 1, 1, 5, 50])
        entries = [{"uuid": str(uuid.UUID(int=self.random.getrandbits(128))), "text": self.text()} for _ in range(count)]

        def settle(status, _body):
            if status == 200 and id in self.ledger:
                self.ledger[id] += count
        data = message("POST", f"/sessions/{id}/entries", self.token, entries, *self.fence(id))
        return Request("append", data, {200, 409}, settle, id)

    def read_entries(self):
        id = self.own()
        accept = self.random.choice([[], ["Accept: application/x-ndjson"]])
        return id and Request("entries", message("GET", f"/sessions/{id}/entries", self.token, None, *accept), {200}, read=id)

    def list(self):
        query = self.random.choice(["limit=20", "project_path=/p/1&limit=5", "thread_id=t1&project_path=/p/2",
                                    "status=ACTIVE", "thread_id=t3&status=CREATED"])
        return Request("list", message("GET", f"/sessions?{query}", self.token), {200})

    def search(self):
        query = self.random.choice(WORDS) if self.random.random() < 0.7 else self.random.choice(WORDS)[:4] + "*"
        return Request("search", message("GET", f"/search?q={query}", self.token), {200})

    def delete(self):
        id = self.own() if len(self.ledger) > 40 else None
        if not id or self.reads[id]:
            return None

        def settle(status, _body):
            if status == 204:
                self.ledger.pop(id, None)
                self.leases.pop(id, None)
        data = message("DELETE", f"/sessions/{id}", self.token, None, *self.fence(id))
        return Request("delete", data, {204, 409}, settle, id)

    def fork(self):
        id = self.own()

        def settle(status, body):
            if status == 201:
                made = json.loads(body)
                self.ledger[made["id"]] = made["entry_count"]
        return id and Request("fork", message("POST", f"/sessions/{id}/fork", self.token, {}), {201}, settle, id)

    def take_lease(self):
        id = self.own()
        if not id:
            return None

        def settle(status, body):
            if status == 200:
                self.leases[id] = json.loads(body)["token"]
            elif status == 409:
                self.leases.pop(id, None)
        body = {"owner": "crew", "ttl_seconds": self.random.choice([1, 2, 30])}
        if self.random.random() < 0.2:
            body["steal"] = True
        data = message("PUT", f"/sessions/{id}/lease", self.token, body, *self.fence(id))
        return Request("lease", data, {200, 409}, settle, id)

    def release(self):
        if not self.leases:
            return None
        id = self.random.choice(list(self.leases))
        if id in self.busy:
            return None

        def settle(status, _body):
            if status in (200, 204, 404, 409):
                self.leases.pop(id, None)
        data = message("DELETE", f"/sessions/{id}/lease", self.token, None, *self.fence(id))
        return Request("release", data, {200, 204, 404, 409}, settle, id)

    def events(self):
        return Request("events", message("GET", "/events?limit=50", self.token), {200, 410})

    def metrics(self):
        return Request("metrics", message("GET", self.random.choice(["/metrics", "/readyz", "/healthz"]), self.token), {200})

    def recover(self):
        body = {"owner": "nobody"} if self.random.random() < 0.9 else {}
        return Request("recover", message("POST", "/sessions/recover", self.token, body), {200})

    def malformed(self):
        data = self.random.choice([
            message("POST", "/sessions", self.token, b'{"project_path":'),
            message("POST", "/sessions", self.token, b"[" * 600),
            message("PATCH", "/sessions/nobody", self.token, {}),
            message("GET", "/sessions?limit=-1", self.token),
            message("GET", "/sessions", "wrong"),
            message("PUT", "/healthz", self.token),
        ])
        return Request("malformed", data, {400, 401, 404, 405, 409, 422})

    def next_request(self):
        while True:
            action = self.random.choices([one for one, _ in self.actions], [weight for _, weight in self.actions])[0]
            request = action()
            if request:
                return request

    def client(self):
        if len(self.clients) > AT_ONCE and self.random.random() < 0.9:
            client = self.clients.pop(self.random.randrange(len(self.clients)))
            if time.monotonic() - client.sent < KEPT_S:
                return client
            client.close()
        return Client(self.target)

    def mistreat(self, client, request):
        """Some requests are sent by a client that goes away, stops reading, or half-closes. True when no response is read."""
        chance = self.random.random()
        if chance < 0.01:
            client.send(request.data[:self.random.randint(1, len(request.data))])
            client.reset()
            return True
        if chance < 0.02:
            client.send(request.data)
            client.reset()
            return True
        client.send(request.data)
        if chance < 0.03 and self.target[0] != "tls":
            client.half_close()
        return False

    def forget(self, request):
        """The outcome of a change is unknown."""
        if request.session:
            self.ledger.pop(request.session, None)
            self.leases.pop(request.session, None)
        self.busy.discard(request.session)

    def judge(self, request, status, body):
        self.counts[f"{request.name} {status}"] += 1
        if status not in request.allowed | ANY_TIME:
            self.wrong.append(f"{request.name}: {status} {body[:300]!r} for {request.data[:300]!r}")
        if request.settle:
            request.settle(status, body)
        self.busy.discard(request.session)

    def finish(self, client, request):
        self.reads[request.read] -= 1
        try:
            status, headers, body = client.read()
        except Ended as reason:
            self.counts[f"{request.name} unanswered"] += 1
            if self.phase.value == RUNNING:
                self.wrong.append(f"{request.name} was not answered ({client.history()}): {reason}: {request.data[:300]!r}")
            self.forget(request)
            client.close()
            return False
        if client.half_closed and status == 400 and b"problem:client-left" in body:
            self.counts[f"{request.name} half-closed"] += 1
            self.forget(request)
        else:
            self.judge(request, status, body)
        if client.half_closed or headers.get("connection", "").lower() == "close" or len(self.clients) >= CONNECTIONS:
            client.close()
        else:
            self.clients.append(client)
        return True

    def start_one(self):
        """(client, request) whose response is awaited; None when none is."""
        request = self.next_request()
        client = self.client()
        if request.session:
            self.busy.add(request.session)
        if self.mistreat(client, request):
            self.counts[f"{request.name} abandoned"] += 1
            self.forget(request)
            return None
        self.reads[request.read] += 1
        return client, request

    def park(self):
        """Follows events, waits for entries, sends half a head or nothing; and lets go of one that does."""
        if len(self.parked) >= PARKED:
            self.parked.pop(self.random.randrange(PARKED)).reset()
        client = Client(self.target)
        self.parked.append(client)
        client.send(self.random.choice([
            b"", b"GET /sessions HTTP/1.1\r\nHost: lo",
            message("GET", "/events", self.token, None, "Accept: text/event-stream"),
            message("GET", "/events?wait=20&after=9000000000000000", self.token),
            message("GET", "/admin/export", self.token),
            message("POST", "/sessions", self.token, b" " * 100000)[:5000],
        ]))

    def turn(self):
        """Some requests at once. The number that was answered."""
        under_way = []
        answered = 0
        try:
            for _ in range(AT_ONCE):
                one = self.start_one()
                if one:
                    under_way.append(one)
            if self.random.random() < 0.1:
                self.park()
        finally:
            for client, request in under_way:
                answered += self.finish(client, request)
        return answered

    def run(self, requests):
        """Until `requests` were answered, or the service has stopped."""
        answered = 0
        while answered < requests and len(self.wrong) < 5:
            try:
                answered += self.turn()
            except Ended:
                if self.phase.value == STOPPED:
                    break
                time.sleep(0.02)
        for client in self.clients + self.parked:
            client.close()
        return answered


def work(pipe, target, token, seed, phase, requests):
    """A process of the crew; `phase` is shared. Sends (requests answered, counts, ledger, what was wrong)."""
    crew = Crew(target, token, seed, phase)
    answered = crew.run(requests)
    pipe.send((answered, crew.counts, crew.ledger, crew.wrong))
    pipe.close()
