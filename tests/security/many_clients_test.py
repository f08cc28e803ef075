"""A crowd of idle connections, byte-drippers and slow readers costs a good client nothing; then many POSTs at once.

usage: crowd_test.py BINARY [--full] [--idle N] [--drippers N] [--readers N] [--posts N] [--seconds S]

Prints a table of figures. --full is the crowd that has to be held: 5,000 + 500 + 200 connections, a p99 of at most
100 ms and at most 128 MiB of memory for a service without a checker built in; 2,000 POSTs.
(SESSIOND_BINARY, where set, goes before BINARY)
"""

import argparse
import json
import multiprocessing
import os
import re
import resource
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import raw  # noqa: E402
from metrics import metric  # noqa: E402
from service import Connection, Service, Unanswered  # noqa: E402

MIB = 1 << 20
TICK_S = 0.5
READ_BYTES = 1024
# The kernel takes the first whole, the service has to keep the second.
SESSION_BYTES = 256 * 1024
LARGE_BYTES = 4 * MIB
READERS_PER_LARGE = 25
LIST = raw.request("GET", "/sessions?limit=1")
JSON = {"Content-Type": "application/json"}


def connect(address, receive_bytes=None):
    connection = socket.socket()
    if receive_bytes is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.settimeout(raw.PATIENCE_S)
    connection.connect(address)
    return connection


def has_ended(connection):
    """What a connection that should be silent has said, b"" for its end; None while it is silent."""
    try:
        return connection.recv(4096)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b""


class Crowd:
    """Lives in a process of its own, so that it takes no time from the good client."""

    def __init__(self, address, options, session, large):
        self.address = address
        self.figures = {"drippers answered 408": 0, "drippers ended otherwise": 0, "readers ended": 0,
                        "bytes read slowly": 0}
        self.silent = [connect(address) for _ in range(options.idle - options.idle // 5)]
        self.rested = [connect(address) for _ in range(options.idle // 5)]
        for connection in self.rested:
            connection.sendall(LIST)
            if raw.read_response(connection)[0] != 200:
                raise SystemExit("an idle connection's first request failed")
        self.drippers = [self.new_dripper() for _ in range(options.drippers)]
        self.readers = [connect(address, 4096) for _ in range(options.readers)]
        for i, connection in enumerate(self.readers):
            connection.sendall(raw.request("GET", session if i % READERS_PER_LARGE else large))
            connection.setblocking(False)

    def new_dripper(self):
        connection = connect(self.address)
        connection.sendall(b"POST /sessions HTTP/1.1\r\nHost: x\r\nX-Drip: ")
        connection.setblocking(False)
        return connection

    def drip(self):
        for i, connection in enumerate(self.drippers):
            said = has_ended(connection)
            if said is None and raw.send(connection, b"x"):
                continue
            timed_out = (said or b"").startswith(b"HTTP/1.1 408 ")
            self.figures["drippers answered 408" if timed_out else "drippers ended otherwise"] += 1
            connection.close()
            self.drippers[i] = self.new_dripper()

    def read(self):
        for connection in list(self.readers):
            try:
                data = connection.recv(READ_BYTES)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                data = b""
            self.figures["bytes read slowly"] += len(data)
            if not data:
                self.figures["readers ended"] += 1
                self.readers.remove(connection)

    def finish(self):
        """Every connection that was idle is served."""
        served = 0
        for connection in self.silent + self.rested:
            served += raw.send(connection, LIST) and (raw.read_response(connection) or [0])[0] == 200
            connection.close()
        self.figures["idle connections served at the end"] = served
        return self.figures


def crowd_process(pipe, address, options, session, large):
    raise_descriptors()
    crowd = Crowd(address, options, session, large)
    pipe.send("ready")
    while not pipe.poll(TICK_S):
        crowd.drip()
        crowd.read()
    pipe.send(crowd.finish())


def raise_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def memory_mib(service, what="VmRSS"):
    with open(f"/proc/{service.process.pid}/status", encoding="ascii") as file:
        return int(re.search(rf"(?m)^{what}:\s+(\d+) kB", file.read())[1]) / 1024


def be_good(service, path, seconds):
    """One client after the other: a read, a write. (durations in ms, failures, the most memory in MiB)."""
    connection = Connection(service.address)
    durations, failures, most = [], 0, 0.0
    until = time.monotonic() + seconds
    body = json.dumps({"project_path": "/good", "thread_id": "good"}).encode()
    while time.monotonic() < until:
        for method, target, sent, status in (("GET", path, None, 200), ("POST", "/sessions", body, 201)):
            began = time.monotonic()
            try:
                failures += connection.call(method, target, sent, JSON).status != status
            except Unanswered:
                failures += 1
            durations.append((time.monotonic() - began) * 1000)
        most = max(most, memory_mib(service))
        time.sleep(0.01)
    connection.close()
    return sorted(durations), failures, most


def at(durations, part):
    return durations[min(len(durations) - 1, int(len(durations) * part))]


def create(service, length):
    body = b'{"project_path":"/p","thread_id":"t","context":{"a":"' + b"x" * length + b'"}}'
    return service.call("POST", "/sessions", body, JSON).headers["location"]


def live_in_the_crowd(service, options, figures):
    small, session, large = (create(service, length) for length in (0, SESSION_BYTES, LARGE_BYTES))
    figures["memory before, MiB"] = memory_mib(service)
    host, port = service.address.rsplit(":", 1)
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=crowd_process, daemon=True,
                                      args=(theirs, (host, int(port)), options, session, large))
    process.start()
    if not ours.poll(raw.PATIENCE_S) or ours.recv() != "ready":
        raise SystemExit("the crowd did not come in")
    figures["connections open"] = int(metric(service, "sessiond_connections"))
    durations, failures, most = be_good(service, small, options.seconds)
    figures["response bytes under way"] = int(metric(service, "sessiond_http_body_memory_bytes"))
    ours.send("finish")
    if not ours.poll(raw.PATIENCE_S):
        raise SystemExit("the crowd did not come out")
    figures.update(ours.recv())
    process.join()
    figures.update({
        "good requests": len(durations), "good requests that failed": failures, "p50, ms": at(durations, 0.5),
        "p99, ms": at(durations, 0.99), "slowest, ms": durations[-1], "memory at most, MiB": most})


def post_at_once(service, count, figures):
    """Each is 201, or 503 with Retry-After; and there are as many rows as 201s."""
    host, port = service.address.rsplit(":", 1)
    request = raw.request("POST", "/sessions", body=b'{"project_path":"/p","thread_id":"at once"}')
    connections = [connect((host, int(port))) for _ in range(count)]
    for connection in connections:
        connection.sendall(request)
    answers = [raw.read_response(connection) or (0, {}) for connection in connections]
    for connection in connections:
        connection.close()
    rows, target = 0, "/sessions?limit=1000&thread_id=at%20once"
    while target:
        page = service.call("GET", target)
        rows += len(page.json()["sessions"])
        cursor = page.json()["next_cursor"]
        target = cursor and f"/sessions?limit=1000&thread_id=at%20once&cursor={cursor}"
    created = sum(answer[0] == 201 for answer in answers)
    refused = sum(answer[0] == 503 and "retry-after" in answer[1] for answer in answers)
    figures.update({"POSTs at once": count, "answered 201": created, "answered 503 + Retry-After": refused,
                    "answered otherwise": count - created - refused, "rows": rows})


def judge(options, figures):
    wrong = []
    for name in ("good requests that failed", "drippers ended otherwise", "answered otherwise"):
        if figures[name]:
            wrong.append(f"{name}: {figures[name]}")
    if figures["rows"] != figures["answered 201"]:
        wrong.append(f"{figures['rows']} rows for {figures['answered 201']} answers 201")
    if figures["idle connections served at the end"] != options.idle:
        wrong.append(f"{figures['idle connections served at the end']} of {options.idle} idle connections were served")
    if figures["connections open"] < options.idle + options.drippers:
        wrong.append(f"only {figures['connections open']} connections are open")
    if options.readers and not figures["response bytes under way"]:
        wrong.append("no reader was slow")
    if options.full and (figures["p99, ms"] > 100 or figures["memory at most, MiB"] > 128):
        wrong.append("the p99 or the memory is beyond what has to be held")
    return wrong


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--full", action="store_true")
    for name, few, many in (("idle", 200, 5000), ("drippers", 40, 500), ("readers", 10, 200), ("posts", 300, 2000),
                            ("seconds", 3, 45)):
        parser.add_argument(f"--{name}", type=int, help=f"default {few}, full {many}")
        parser.set_defaults(**{f"{name}_default": (few, many)})
    options = parser.parse_args()
    for name in ("idle", "drippers", "readers", "posts", "seconds"):
        if getattr(options, name) is None:
            setattr(options, name, getattr(options, f"{name}_default")[options.full])
    return options


def main():
    options = read_options()
    raise_descriptors()
    # One address stands for many clients.
    flags = ("--max-connections-per-address", "8000", "--max-queue-per-client", "4096")
    service = Service(os.environ.get("SESSIOND_BINARY") or options.binary, *flags).start()
    figures = {}
    live_in_the_crowd(service, options, figures)
    post_at_once(service, options.posts, figures)
    figures["memory after, MiB"] = memory_mib(service)
    for name, value in figures.items():
        print(f"{name:40} {value:12.1f}" if isinstance(value, float) else f"{name:40} {value:12}")
    wrong = judge(options, figures) + service.stop()
    for sentence in wrong:
        print(f"not ok - {sentence}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
