"""Every limit under, at and over it: what is refused is told why, what is ended is gone, and others are served.

usage: bounds_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import hashlib
import json
import os
import select
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
import raw  # noqa: E402
from checks import check, Failed  # noqa: E402
from metrics import await_metric, metric, rss_mib  # noqa: E402
from raw import session_of  # noqa: E402
from service import Service  # noqa: E402

MIB = 1 << 20
JSON = "Content-Type: application/json"
NEW = b'{"project_path":"/p","thread_id":"t"}'
CREATE = raw.request("POST", "/sessions", body=NEW)
READ = raw.request("GET", "/sessions")


def refusals(service, limit):
    return metric(service, f'sessiond_http_requests_rejected_total{{limit="{limit}"}}')


def is_problem(answer, status, name):
    return (answer is not None and answer[0] == status
            and json.loads(answer[2])["type"] == f"urn:sessiond:problem:{name}")


def announce(service, length, sent=0, target="/sessions"):
    """A connection that has sent the head of a POST, and the first `sent` bytes of its body."""
    connection = raw.connect(service)
    head = raw.request("POST", target, JSON, f"Content-Length: {length}")
    part = session_of(length)[:sent] if sent else b""
    check(raw.send(connection, head + part), "the part of the body was not read")
    return connection


def create(service, length):
    """The path of a session whose body had so many bytes."""
    made = service.call("POST", "/sessions", session_of(length), {"Content-Type": "application/json"})
    check(made.status == 201, f"a body of {length}: {made.status}")
    return made.headers["location"]


def bodies_are_charged_as_they_arrive(binary):
    service = Service(binary, "--max-body-size", "4096", "--body-memory-limit", "8192").start()
    first = announce(service, 4096, sent=4095)
    await_metric(service, "sessiond_http_body_memory_bytes", 4095)
    second = announce(service, 4096, sent=4095)
    await_metric(service, "sessiond_http_body_memory_bytes", 8190)
    over = raw.exchange(service, raw.request("POST", "/sessions", JSON, "Content-Length: 3"))
    check(is_problem(over, 503, "overloaded"), f"one byte over, announced: {over}")
    check(over[1].get("retry-after") == "1" and over[1].get("connection") == "close", f"one byte over: {over[1]}")
    check(refusals(service, "body-memory-limit") == 1, "the refusal is counted")
    at = announce(service, 2, sent=1)
    await_metric(service, "sessiond_http_body_memory_bytes", 8191)
    check(service.call("GET", "/sessions").status == 200, "a request without a body")
    raw.send(first, session_of(4096)[4095:])
    check((raw.read_response(first) or [0])[0] == 201, "the first body, once it comes")
    second.close()
    at.close()
    await_metric(service, "sessiond_http_body_memory_bytes", 0)
    create(service, 4096)
    first.close()
    return service.stop()


def a_body_that_finds_no_room_while_it_arrives(binary):
    """What was kept of it is given back at once; the rest is read and the answer follows, on the same connection."""
    service = Service(binary, "--max-body-size", "4096", "--body-memory-limit", "4096").start()
    holder = announce(service, 4096, sent=1000)
    await_metric(service, "sessiond_http_body_memory_bytes", 1000)
    late = announce(service, 3096, sent=1000)
    await_metric(service, "sessiond_http_body_memory_bytes", 2000)
    raw.send(holder, session_of(4096)[1000:2500])
    await_metric(service, "sessiond_http_body_memory_bytes", 3500)
    raw.send(late, session_of(3096)[1000:2000])
    await_metric(service, "sessiond_http_body_memory_bytes", 2500)
    raw.send(late, session_of(3096)[2000:])
    refused = raw.read_response(late)
    check(is_problem(refused, 503, "overloaded") and refused[1].get("retry-after") == "1", f"{refused}")
    check(refusals(service, "body-memory-limit") == 1, "the refusal is counted once")
    raw.send(late, CREATE)
    check((raw.read_response(late) or [0])[0] == 201, "the next request of the same connection")
    await_metric(service, "sessiond_http_body_memory_bytes", 2500)
    raw.send(holder, session_of(4096)[2500:])
    check((raw.read_response(holder) or [0])[0] == 201, "the other body")
    await_metric(service, "sessiond_http_body_memory_bytes", 0)
    late.close()
    holder.close()
    return service.stop()


def bodies_that_no_route_takes(binary):
    """Refused before they are read; an empty one is none."""
    service = Service(binary).start()
    path = create(service, 100)
    for method, target in (("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/sessions"), ("HEAD", path),
                           ("GET", path), ("GET", "/events"), ("GET", "/metrics"), ("DELETE", path)):
        for length in (1, 16 * MIB):
            with raw.connect(service) as connection:
                raw.send(connection, raw.request(method, target, f"Content-Length: {length}"))
                head, _, body = raw.read_all(connection).partition(b"\r\n\r\n")
            check(head.startswith(b"HTTP/1.1 413 ") and b"\r\nConnection: close" in head, f"{method} {target}: {head}")
            check(method == "HEAD" or json.loads(body)["detail"] == "this request must not have a body", f"{method}: {body}")
    for target in ("/admin/backup", "/admin/purge"):
        for length, status in ((2, 200), (1024, 200), (1025, 413)):
            body = b"{" + b" " * (length - 2) + b"}"
            answer = raw.exchange(service, raw.request("POST", target, "Connection: close", body=body))
            check(answer[0] == status, f"POST {target} with {length} bytes: {answer[0]}")
    check(service.call("DELETE", path, headers={"Content-Length": "0"}).status == 204, "Content-Length: 0")
    return service.stop()


def responses_under_way(binary):
    service = Service(binary, "--max-body-size", "65536", "--body-memory-limit", "65536").start()
    path = create(service, 65536)
    await_metric(service, "sessiond_http_body_memory_bytes", 0)  # what was answered is given back a little later
    small = create(service, 1000)
    check(service.call("GET", path).status == 200, "a lone response over the limit")
    await_metric(service, "sessiond_http_body_memory_bytes", 0)
    holder = announce(service, 65000, sent=64999)
    await_metric(service, "sessiond_http_body_memory_bytes", 64999)
    refused = service.call("GET", path)
    check((refused.status, refused.problem()) == (503, "overloaded"), f"a large response: {refused.status}")
    check(service.call("GET", small).status == 200, "a small response")
    for target in ("/events", f"{path}/events", f"{path}/entries", f"{path}/streams", "/search", "/consumers/c", "/openapi.yaml"):
        service.call("GET", target)
    metrics = service.call("GET", "/metrics")
    check(metrics.status == 200 and len(metrics.body) > 16384, f"/metrics: {metrics.status}, {len(metrics.body)} bytes")
    changed = service.call("PATCH", path, b'{"status":"ACTIVE"}', {"Content-Type": "application/json"})
    check((changed.status, changed.problem()) == (503, "overloaded"), f"a change of the large one: {changed.status}")
    changed = service.call("PATCH", small, b'{"status":"ACTIVE"}', {"Content-Type": "application/json"})
    check(changed.status == 200, f"a change of the small one: {changed.status}")
    holder.close()
    await_metric(service, "sessiond_http_body_memory_bytes", 0)
    kept = service.call("GET", path)
    check((kept.status, kept.json()["version"]) == (200, 1), "the large response afterwards, unchanged")
    return service.stop()


def a_body_that_is_never_admitted(binary):
    ended = subprocess.run([binary, "--body-memory-limit", "4095", "--max-body-size", "4096"],
                           capture_output=True, text=True, timeout=raw.PATIENCE_S)
    check(ended.returncode == 2, f"exit status {ended.returncode}")
    check("--body-memory-limit (4095) must be at least --max-body-size (4096)" in ended.stderr, ended.stderr)
    return []


def query_parameters(binary):
    service = Service(binary, "--max-query-parameters", "3").start()
    for count, status in ((2, 200), (3, 200), (4, 400), (200, 400)):
        target = "/sessions?" + "&".join(["status=ACTIVE"] * count)
        answer = service.call("GET", target)
        check(answer.status == status, f"{count} parameters: {answer.status}")
        if status == 400:
            problem = answer.json()
            check(problem["errors"][0] == {"parameter": "status", "detail": "the query has too many parameters; the limit is 3"},
                  f"{count} parameters: {problem}")
    check(service.call("GET", "/sessions?&&&&&&limit=1").status == 200, "empty parameters do not count")
    return service.stop()


def connections_per_address(binary):
    service = Service(binary, "--max-connections-per-address", "3").start()
    open_ones = [raw.connect(service) for _ in range(3)]
    for connection in open_ones:
        raw.send(connection, READ)
        check(raw.read_response(connection)[0] == 200, "a connection at the limit")
    over = raw.connect(service)
    check(raw.read_all(over) == b"", "one over is closed without a word")
    host, port = service.address.rsplit(":", 1)
    other = socket.create_connection((host, int(port)), raw.PATIENCE_S, source_address=("127.0.0.2", 0))
    raw.send(other, READ)
    check(raw.read_response(other)[0] == 200, "another address")
    open_ones.pop().close()
    until = time.monotonic() + raw.PATIENCE_S
    while True:
        again = raw.connect(service)
        if raw.send(again, READ) and (raw.read_response(again) or [0])[0] == 200:
            break
        check(time.monotonic() < until, "a closed one leaves its place")
    for connection in (*open_ones, other, again, over):
        connection.close()
    return service.stop()


def requests_per_connection(binary):
    service = Service(binary, "--max-requests-per-connection", "3").start()
    connection = raw.connect(service)
    for i in range(1, 4):
        raw.send(connection, CREATE if i == 3 else READ)
        status, headers, _ = raw.read_response(connection)
        check(status in (200, 201), f"request {i}: {status}")
        check((headers.get("connection") == "close") == (i == 3), f"request {i}: {headers}")
    check(raw.read_all(connection) == b"", "the connection ends after the third")
    connection.close()
    return service.stop()


def kept_connections(binary):
    service = Service(binary, "--max-keepalive-connections", "2").start()
    connections = [raw.connect(service) for _ in range(3)]
    for i, connection in enumerate(connections):
        raw.send(connection, READ)
        status, headers, _ = raw.read_response(connection)
        check(status == 200, f"connection {i}: {status}")
        check((headers.get("connection") == "close") == (i == 2), f"connection {i}: {headers}")
    check(raw.read_all(connections[2]) == b"", "the third ends")
    for connection in connections[:2]:
        raw.send(connection, READ)
        check(raw.read_response(connection)[0] == 200, "the kept ones go on")
        connection.close()
    connections[2].close()
    return service.stop()


def drip(connection, data, pause_s):
    """Sends a byte after the other until the service ends the connection; (seconds, what it said)."""
    began = time.monotonic()
    for i in range(len(data)):
        readable, _, _ = select.select([connection], [], [], pause_s)
        if readable:
            break
        if not raw.send(connection, data[i:i + 1]):
            break
    said = raw.read_all(connection)
    return time.monotonic() - began, said


def timed_out(service, name, connection, data, limit_s, path):
    seconds, said = drip(connection, data, 0.02)
    connection.close()
    check(seconds >= limit_s * 0.95, f"{name}: ended after {seconds:.2f} s already")
    check(seconds < limit_s * 2 + 5, f"{name}: ended after {seconds:.2f} s only")
    check(said.startswith(b"HTTP/1.1 408 Request Timeout\r\n"), f"{name}: {said}")
    head, _, body = said.partition(b"\r\n\r\n")
    problem = json.loads(body)
    check(f"Content-Length: {len(body)}".encode() in head and b"Connection: close" in head, f"{name}: {head}")
    check(problem["request_id"].encode() in head, f"{name}: {head}")
    check((problem["status"], problem["type"], problem["instance"]) ==
          (408, "urn:sessiond:problem:request-timeout", path), f"{name}: {problem}")
    return seconds


def requests_that_drip(binary):
    limit_s = 1.5
    service = Service(binary, "--request-timeout", f"{int(limit_s * 1000)}ms").start()
    slow = b"x" * 100000
    connection = raw.connect(service)
    timed_out(service, "a request line", connection, b"GET /" + slow, limit_s, "/")
    connection = raw.connect(service)
    raw.send(connection, b"GET /sessions HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    timed_out(service, "a header", connection, slow, limit_s, "/sessions")
    timed_out(service, "a body", announce(service, 50000), slow, limit_s, "/sessions")
    connection = raw.connect(service)
    raw.send(connection, CREATE)
    check(raw.read_response(connection)[0] == 201, "the request before")
    time.sleep(limit_s * 1.2)
    timed_out(service, "a second request", connection, b"GET /" + slow, limit_s, "/")
    silent = announce(service, 10)
    seconds, said = time.monotonic(), raw.read_all(silent)
    check(said.startswith(b"HTTP/1.1 408 "), f"a head alone: {said}")
    silent.close()
    check(refusals(service, "request-timeout") == 5, "each is counted")
    await_metric(service, "sessiond_http_requests_in_flight", 1)
    wrong = service.terminate()
    lines = [event for event in service.events("request") if event["status"] == 408]
    check(len(lines) == 3, f"the log has those whose first line had come: {lines}")
    return service.reports() + ([f"the exit status is {wrong}"] if wrong else [])


def requests_in_time(binary):
    limit_s = 1.5
    service = Service(binary, "--request-timeout", f"{int(limit_s * 1000)}ms").start()
    fresh, kept, slow = raw.connect(service), raw.connect(service), raw.connect(service)
    raw.send(kept, READ)
    check(raw.read_response(kept)[0] == 200, "the request before")
    for i in range(0, len(CREATE), 40):
        time.sleep(limit_s * 0.6 / (len(CREATE) / 40))
        raw.send(slow, CREATE[i:i + 40])
    check((raw.read_response(slow) or [0])[0] == 201, "a slow request, within the limit")
    time.sleep(limit_s * 2)
    for name, connection in (("one that sent nothing", fresh), ("one that rests", kept), ("a slow one", slow)):
        raw.send(connection, READ)
        check((raw.read_response(connection) or [0])[0] == 200, f"{name} is served after the limit")
        connection.close()
    check(refusals(service, "request-timeout") == 0, "nobody was refused")
    return service.stop()


def slow_reader(service, data, buffer_bytes=4096):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    connection.settimeout(raw.PATIENCE_S)
    host, port = service.address.rsplit(":", 1)
    connection.connect((host, int(port)))
    connection.sendall(data)
    return connection


def read_slowly(connection, pause_s, chunk):
    """(seconds, bytes, whether the end was a reset)."""
    began = time.monotonic()
    received = 0
    while True:
        time.sleep(pause_s)
        try:
            data = connection.recv(chunk)
        except ConnectionResetError:
            return time.monotonic() - began, received, True
        if not data:
            return time.monotonic() - began, received, False
        received += len(data)


def responses_that_are_not_taken(binary):
    limit_s = 1.5
    service = Service(binary, "--response-timeout", f"{int(limit_s * 1000)}ms").start()
    path = create(service, 16 * MIB)
    reader = slow_reader(service, raw.request("GET", path))
    seconds, received, reset = read_slowly(reader, 0.05, 1000)
    check(reset and received < 16 * MIB, f"a slow reader got {received} bytes, reset: {reset}")
    check(limit_s * 0.95 <= seconds < limit_s * 2 + 30, f"a slow reader was ended after {seconds:.2f} s")
    reader.close()
    silent = slow_reader(service, raw.request("GET", path) * 200)
    await_metric(service, 'sessiond_http_requests_rejected_total{limit="response-timeout"}', 2)
    silent.close()
    await_metric(service, "sessiond_http_body_memory_bytes", 0)
    await_metric(service, "sessiond_connections", 1)
    check(len(service.call("GET", path).body) > 16 * MIB, "who reads gets it whole")
    # A backup may take its time: longer than a response may.
    backup = slow_reader(service, raw.request("POST", "/admin/backup", "Connection: close"), 65536)
    seconds, received, reset = read_slowly(backup, 0.01, 65536)
    check(not reset and received > 16 * MIB and seconds > limit_s, f"a backup: {received} bytes in {seconds:.2f} s")
    backup.close()
    return service.stop()


def statuses_of(service, token, count):
    connection = raw.connect(service)
    request = raw.request("GET", "/sessions", *([] if token is None else [f"Authorization: Bearer {token}"]))
    answers = []
    for _ in range(count):
        raw.send(connection, request)
        answers.append(raw.read_response(connection)[0])
    connection.close()
    return answers


def rates_of_tokens(binary):
    """Tokens of one name have one allowance, others have theirs, and guesses count by address."""
    service = Service(binary, "--rate-limit", "4")
    path = os.path.join(service.folder.name, "tokens")
    with open(path, "w", encoding="ascii") as file:
        for name, token in (("one", "sd_1"), ("one", "sd_2"), ("two", "sd_3")):
            file.write(f"{name}:read:{hashlib.sha256(token.encode()).hexdigest()}\n")
    service.start("--token-file", path)
    first = statuses_of(service, "sd_1", 3) + statuses_of(service, "sd_2", 6)
    check(first[:4] == [200] * 4 and 429 in first[4:], f"one name: {first}")
    check(statuses_of(service, "sd_3", 4) == [200] * 4, "another name has its own")
    guesses = statuses_of(service, "sd_4", 4) + statuses_of(service, None, 6)
    check(guesses[:4] == [401] * 4 and 429 in guesses[4:], f"guesses: {guesses}")
    return service.stop()


def rates(binary):
    service = Service(binary, "--rate-limit", "4").start()
    connection = raw.connect(service)
    statuses = []
    for _ in range(6):
        raw.send(connection, READ)
        answer = raw.read_response(connection)
        statuses.append(answer[0])
    check(statuses[:4] == [200] * 4, f"the first four: {statuses}")
    check(429 in statuses[4:], f"the fifth or sixth: {statuses}")
    until = time.monotonic() + raw.PATIENCE_S
    while answer[0] != 429:
        check(time.monotonic() < until, "nothing is refused")
        raw.send(connection, READ)
        answer = raw.read_response(connection)
    check(is_problem(answer, 429, "rate-limited") and answer[1].get("retry-after") == "1", f"429: {answer}")
    host, port = service.address.rsplit(":", 1)
    other = socket.create_connection((host, int(port)), raw.PATIENCE_S, source_address=("127.0.0.2", 0))
    raw.send(other, READ)
    check(raw.read_response(other)[0] == 200, "another address has its own")
    time.sleep(1.1)
    for _ in range(4):
        raw.send(connection, READ)
        check(raw.read_response(connection)[0] == 200, "after the time in Retry-After")
    time.sleep(1.1)
    check(refusals(service, "rate-limit") >= 1, "the refusals are counted")
    connection.close()
    other.close()
    return service.stop()


def small_changes_of_large_sessions(binary):
    """What a change reads and writes counts like what is sent: it is refused before anything is changed."""
    service = Service(binary, "--body-memory-limit", str(32 * MIB)).start()
    path = create(service, 8 * MIB)
    await_metric(service, "sessiond_http_body_memory_bytes", 0)
    change = raw.request("PATCH", path, "Content-Type: application/merge-patch+json", "Content-Length: 21") + \
        b'{"context":{"b":"c"}}'
    connections = [slow_reader(service, change) for _ in range(40)]
    until = time.monotonic() + raw.PATIENCE_S
    statuses = []
    for connection in connections:
        status = connection.recv(12)[9:].decode()
        while len(status) < 3:
            status += connection.recv(3 - len(status)).decode()
        statuses.append(int(status))
        check(time.monotonic() < until, "too slow")
    check(set(statuses) == {200, 503}, f"the statuses are {sorted(set(statuses))}")
    for connection in connections:
        connection.close()
    await_metric(service, "sessiond_http_body_memory_bytes", 0)
    check(refusals(service, "body-memory-limit") == statuses.count(503), "the refusals are counted")
    version = int(service.call("HEAD", path).headers["etag"].strip('"'))
    check(version == 1 + statuses.count(200), f"version {version} after {statuses.count(200)} changes")
    return service.stop()


def what_is_announced_takes_no_memory(binary):
    """100 bodies of 16 MiB of which no byte has come keep nobody from sending one."""
    service = Service(binary).start()
    before = rss_mib(service)
    connections = [announce(service, 16 * MIB) for _ in range(100)]
    await_metric(service, "sessiond_http_requests_in_flight", 101)
    check(metric(service, "sessiond_http_body_memory_bytes") == 0, "what is announced is not charged")
    check(rss_mib(service) < before + 40, f"announced bodies took {before} to {rss_mib(service)} MiB")
    create(service, 16 * MIB)
    for connection in connections:
        connection.close()
    await_metric(service, "sessiond_http_body_memory_bytes", 0)
    return service.stop()


def answers_that_are_never_read(binary):
    """200 requests at once for a session of 256 KiB: one answer at a time is kept, others are served."""
    # What is freed is to be gone at once, also where a checker would rather keep it a while.
    checker = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}
    service = Service(binary, "--threads", "1", environment=checker).start()
    path = create(service, 256 * 1024)
    before = rss_mib(service)
    silent = [slow_reader(service, raw.request("GET", path) * 200) for _ in range(20)]
    slowest = 0.0
    for _ in range(50):
        began = time.monotonic()
        check(service.call("GET", "/healthz").status == 200, "another client")
        slowest = max(slowest, time.monotonic() - began)
    check(slowest < 5, f"another client waited {slowest:.2f} s")
    check(rss_mib(service) < before + 60, f"answers nobody reads took {before} to {rss_mib(service)} MiB")
    for connection in silent:
        connection.close()
    await_metric(service, "sessiond_http_body_memory_bytes", 0)
    return service.stop()


def clients_that_ask_nothing_more(binary):
    """Their end comes together with the request; the connection does not wait for the idle timeout, a minute."""
    service = Service(binary, "--request-timeout", "4000ms").start()
    for _ in range(40):
        with raw.connect(service) as connection:
            connection.settimeout(20)
            raw.send(connection, READ)
            connection.shutdown(socket.SHUT_WR)
            try:
                check(raw.read_until_end(connection).startswith(b"HTTP/1.1 200"), "it has no answer")
            except TimeoutError as late:
                raise Failed("the connection is still there after 20 s") from late
    return service.stop()


CASES = [
    bodies_are_charged_as_they_arrive, a_body_that_finds_no_room_while_it_arrives, bodies_that_no_route_takes, responses_under_way, a_body_that_is_never_admitted, query_parameters, connections_per_address,
    requests_per_connection, kept_connections, requests_that_drip, requests_in_time, responses_that_are_not_taken,
    rates, rates_of_tokens, small_changes_of_large_sessions, what_is_announced_takes_no_memory, answers_that_are_never_read,
    clients_that_ask_nothing_more,
]


if __name__ == "__main__":
    sys.exit(checks.run(CASES, checks.under_test(sys.argv[1])))
