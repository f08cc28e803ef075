"""What one client may hold: connections, streams, waiting requests, memory. Beyond it this client is refused, others are served.

usage: shares_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import hashlib
import json
import os
import re
import socket
import sqlite3
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
import raw  # noqa: E402
from checks import check  # noqa: E402
from service import Service  # noqa: E402

JSON = "Content-Type: application/json"
NEW = b'{"project_path":"/p","thread_id":"t"}'
ONE, TWO, WATCHER = (f"Authorization: Bearer token-of-{name}" for name in ("one", "two", "watcher"))
EVENTS = "Accept: text/event-stream"


def start(binary, *flags, tokens=True):
    service = Service(binary, *flags)
    if not tokens:
        return service.start()
    path = os.path.join(service.folder.name, "tokens")
    with open(path, "w", encoding="ascii") as file:
        for name in ("one", "two", "watcher"):
            file.write(f"{name}:admin:{hashlib.sha256(f'token-of-{name}'.encode()).hexdigest()}\n")
    return service.start("--token-file", path)


def connect(service, source="127.0.0.1"):
    host, port = service.address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), raw.PATIENCE_S, source_address=(source, 0))


def ask(connection, *headers, method="GET", target="/sessions", body=b""):
    """The response; None when the connection has ended."""
    raw.send(connection, raw.request(method, target, *headers, body=body))
    return raw.read_response(connection)


def begin_stream(connection, *headers, target="/events"):
    """The status of a stream, of which nothing more than its head is read."""
    raw.send(connection, raw.request("GET", target, EVENTS, *headers))
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = connection.recv(1)
        if not chunk:
            return None
        head += chunk
    return int(head.split()[1])


def is_refusal(answer, kind):
    return (answer is not None and answer[0] == 429 and answer[1].get("retry-after") == "1"
            and json.loads(answer[2])["type"] == "urn:sessiond:problem:client-limit" and kind in json.loads(answer[2])["detail"])


def refusals(service, limit):
    text = raw_metrics(service)
    return int(re.search(rf'(?m)^sessiond_http_requests_rejected_total{{limit="{limit}"}} (\d+)$', text)[1])


def raw_metrics(service):
    with connect(service, "127.0.0.9") as connection:
        return ask(connection, WATCHER, target="/metrics")[2].decode()


def await_true(condition, sentence):
    until = time.monotonic() + raw.PATIENCE_S
    while not condition():
        check(time.monotonic() < until, sentence)
        time.sleep(0.02)


def has_ended(connection):
    connection.settimeout(0.05)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True
    finally:
        connection.settimeout(raw.PATIENCE_S)


def half_requests_keep_nobody_out(binary):
    """An address that holds more connections than it may loses its oldest ones; a token on the same address is served."""
    service = start(binary, "--max-connections-per-address", "20")
    good = connect(service)
    check(ask(good, ONE)[0] == 200, "the good client")
    held = []
    for _ in range(60):
        held.append(connect(service))
        raw.send(held[-1], b"GET /x HTTP/1.1\r\nHost: a\r\nX: ")
    fresh = connect(service)
    check(ask(fresh, TWO)[0] == 200, "a new connection of a token on that address")
    check(ask(good, ONE)[0] == 200, "the one before")
    await_true(lambda: sum(has_ended(connection) for connection in held) >= 40, "the oldest have not ended")
    check(not has_ended(held[-1]) and has_ended(held[0]), "the oldest end first")
    for connection in (*held, good, fresh):
        connection.close()
    return service.stop()


def connections_of_a_token(binary):
    service = start(binary, "--max-connections-per-token", "3")
    held = [connect(service, f"127.0.0.{2 + i}") for i in range(3)]
    for connection in held:
        check(ask(connection, ONE)[0] == 200, "a connection at the limit")
    over = connect(service, "127.0.0.8")
    answer = ask(over, ONE)
    check(is_refusal(answer, "--max-connections-per-token") and answer[1].get("connection") == "close", f"{answer}")
    with connect(service, "127.0.0.8") as other:
        check(ask(other, TWO)[0] == 200, "another token")
        check(ask(other, target="/healthz")[0] == 200, "a health check")
    check(ask(held[0], ONE)[0] == 200, "one of the three")
    held.pop().close()
    await_true(lambda: ask(connect(service), ONE)[0] == 200, "a closed one leaves its place")
    check(refusals(service, "max-connections-per-token") >= 1, "the refusals are counted")
    for connection in (*held, over):
        connection.close()
    return service.stop()


def streams_and_long_polls(binary):
    service = start(binary, "--max-streams-per-client", "3")
    held = [connect(service) for _ in range(3)]
    for connection in held[:2]:
        check(begin_stream(connection, ONE) == 200, "a stream at the limit")
    with connect(service) as maker:
        where = ask(maker, ONE, method="POST", body=NEW)[1]["location"]
        poll = f"{where}/entries?wait=20"
        raw.send(held[2], raw.request("GET", poll, ONE))
        await_true(lambda: "\nsessiond_waiting 3\n" in raw_metrics(service), "the long poll does not wait")
        check(is_refusal(ask(maker, ONE, EVENTS, target="/events"), "--max-streams-per-client"), "a stream over it")
        check(is_refusal(ask(maker, ONE, target=poll), "--max-streams-per-client"), "a long poll over it")
        check(ask(maker, ONE, target=where)[0] == 200, "other requests of the client")
    with connect(service) as other:
        check(begin_stream(other, TWO) == 200, "another token")
    held.pop().close()
    held.pop().close()
    with connect(service) as maker:
        ask(maker, ONE, method="POST", body=NEW)  # so that the end of the stream is noticed
        await_true(lambda: ask(connect(service), ONE, target="/admin/export")[0] == 200, "a place that is given back")
    check(refusals(service, "max-streams-per-client") >= 2, "the refusals are counted")
    for connection in held:
        connection.close()
    return service.stop()


def waiting_requests(binary):
    """While another program locks the database writes wait: only so many of one client."""
    service = start(binary, "--max-queue-per-client", "2")
    blocker = sqlite3.connect(service.database, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    held = [connect(service) for _ in range(2)]
    for connection in held:
        raw.send(connection, raw.request("POST", "/sessions", ONE, body=NEW))
    await_true(lambda: "\nsessiond_write_queue_depth 2\n" in raw_metrics(service), "the writes do not wait")
    with connect(service) as over:
        answer = ask(over, ONE, method="POST", body=NEW)
        check(is_refusal(answer, "--max-queue-per-client"), f"one over: {answer}")
        check(ask(over, ONE)[0] == 200, "a read of the same client")
    other = connect(service)
    raw.send(other, raw.request("POST", "/sessions", TWO, body=NEW))
    await_true(lambda: "\nsessiond_write_queue_depth 3\n" in raw_metrics(service), "another token's write does not wait")
    blocker.execute("ROLLBACK")
    blocker.close()
    for connection in (*held, other):
        check(raw.read_response(connection)[0] == 201, "a write that waited")
    check(ask(held[0], ONE, method="POST", body=NEW)[0] == 201, "a place that is given back")
    check(refusals(service, "max-queue-per-client") == 1, "the refusal is counted")
    for connection in (*held, other):
        connection.close()
    return service.stop()


def memory(binary):
    service = start(binary, "--body-memory-limit-per-client", "8192", "--max-body-size", "6000")
    holder = connect(service)
    raw.send(holder, raw.request("POST", "/sessions", ONE, JSON, "Content-Length: 6000") + b"{" + b" " * 5998)
    await_true(lambda: "\nsessiond_bodies_bytes 5999\n" in raw_metrics(service), "the body is not charged")
    with connect(service) as over:
        refused = ask(over, ONE, JSON, "Content-Length: 2194", method="POST")
        check(is_refusal(refused, "--body-memory-limit-per-client"), f"one byte over: {refused}")
    with connect(service) as at:
        made = ask(at, ONE, method="POST", body=NEW + b" " * (2193 - len(NEW)))
        check(made[0] == 201, f"at it: {made}")
    with connect(service) as other:
        check(ask(other, TWO, method="POST", body=NEW + b" " * (6000 - len(NEW)))[0] == 201, "another token")
    raw.send(holder, b"}")
    check(raw.read_response(holder)[0] == 422, "the body that held the memory")
    await_true(lambda: "\nsessiond_bodies_bytes 0\n" in raw_metrics(service), "the memory is not given back")
    count = refusals(service, "body-memory-limit-per-client")
    check(count == 1, f"{count} refusals are counted")
    holder.close()
    return service.stop()


def memory_of_stored_contexts(binary):
    """What a change or a replay reads of a large session counts against the client, too."""
    service = start(binary, "--body-memory-limit-per-client", "200000", "--max-body-size", "120000")
    large = NEW[:-1] + b',"context":{"a":"%s"}}' % (b"x" * 60000)
    key = 'Idempotency-Key: "large"'
    maker = connect(service)

    def await_charge(count):
        await_true(lambda: f"\nsessiond_bodies_bytes {count}\n" in raw_metrics(service), f"{count} bytes are not charged")

    def merge(connection, token):
        head = raw.request("PATCH", where, token, "Content-Type: application/merge-patch+json", "Content-Length: 19")
        raw.send(connection, head + b'{"context":{"b":1}}')
        return raw.read_response(connection)
    where = ask(maker, ONE, key, method="POST", body=large)[1]["location"]
    await_charge(0)
    holder = connect(service)
    raw.send(holder, raw.request("POST", "/sessions", ONE, JSON, "Content-Length: 100000") + b"{" + b" " * 99998)
    await_charge(99999)
    for what, answer in (("a change", merge(maker, ONE)),
                         ("a replay", ask(maker, ONE, key, method="POST", body=large))):
        check(is_refusal(answer, "--body-memory-limit-per-client"), f"{what}: {answer}")
    with connect(service) as other:
        check(merge(other, TWO)[0] == 200, "another token")
    raw.send(holder, b"}")
    check(raw.read_response(holder)[0] == 422, "the body that held the memory")
    await_charge(0)
    check(merge(maker, ONE)[0] == 200, "a change with the memory given back")
    await_charge(0)
    replayed = ask(maker, ONE, key, method="POST", body=large)
    check(replayed[0] == 201 and replayed[1]["idempotency-replayed"] == "true", f"the replay: {replayed[:2]}")
    for connection in (maker, holder):
        connection.close()
    return service.stop()


def connections_reserved_for_health_checks(binary):
    """Of 16 connections two serve health checks only, once requests have come on all others."""
    service = start(binary, "--max-connections", "16", "--threads", "1", tokens=False)
    held = [connect(service) for _ in range(14)]
    for connection in held:
        check(ask(connection)[0] == 200, "one of the others")
    for target, status in (("/healthz", 200), ("/readyz", 200), ("/sessions", 503)):
        with connect(service) as late:
            answer = ask(late, target=target)
            check(answer[0] == status and answer[1].get("connection") == "close", f"{target}: {answer}")
    check(ask(held[0])[0] == 200, "one of the others goes on")
    held.pop().close()

    def is_served():
        with connect(service) as again:
            return ask(again)[0] == 200
    await_true(is_served, "a closed one leaves its place")
    for connection in held:
        connection.close()
    return service.stop()


def kept_connections(binary):
    """Neither a client with many connections nor half requests make the service close the connection of another."""
    service = start(binary, "--max-keepalive-connections", "8")
    half = [connect(service) for _ in range(20)]
    for connection in half:
        raw.send(connection, b"GET /x HTTP/1.1\r\nHost: a\r\nX: ")
    kept = []
    for i in range(20):
        connection = connect(service)
        answer = ask(connection, ONE)
        check(answer[0] == 200 and (answer[1].get("connection") == "close") == (i >= 8), f"connection {i}: {answer[1]}")
        if i < 8:
            kept.append(connection)
        else:
            connection.close()
            await_true(lambda: "\nsessiond_connections 29\n" in raw_metrics(service), "the connection does not end")
    pair = [connect(service) for _ in range(3)]
    for i, connection in enumerate(pair):
        answer = ask(connection, TWO)
        check(answer[0] == 200 and (answer[1].get("connection") == "close") == (i == 2), f"another token, {i}: {answer[1]}")
    for connection in (*half, *kept, *pair):
        connection.close()
    return service.stop()


def readiness_without_a_token(binary):
    """Whoever asks, and however often: the disk writes once a second at most."""
    service = start(binary)

    def commits():
        return int(re.search(r"(?m)^sessiond_commit_duration_seconds_count (\d+)$", raw_metrics(service))[1])
    before, began, count = commits(), time.monotonic(), 0
    with connect(service) as one, connect(service) as two:
        while time.monotonic() < began + 3:
            for connection in (one, two):
                check(ask(connection, target="/readyz")[0] == 200, "ready")
                count += 1
    made, seconds = commits() - before, time.monotonic() - began
    check(1 <= made <= 2 * (seconds + 1), f"{made} commits for {count} requests in {seconds:.1f} s")
    return service.stop()


def silent_connections_of_many_addresses(binary):
    """They fill the service; a new connection takes the place of the oldest."""
    service = start(binary, "--max-connections", "64", "--threads", "1")
    silent = [connect(service, f"127.0.{i}.1") for i in range(100)]
    with connect(service) as fresh:
        check(ask(fresh, ONE)[0] == 200, "a new connection")
        check(ask(fresh, target="/readyz")[0] == 200, "a health check")
    for connection in silent:
        connection.close()
    return service.stop()


CASES = [half_requests_keep_nobody_out, connections_of_a_token, streams_and_long_polls, waiting_requests, memory,
         memory_of_stored_contexts,
         connections_reserved_for_health_checks, kept_connections,
         readiness_without_a_token, silent_connections_of_many_addresses]


def main(binary):
    return checks.run(CASES, checks.under_test(binary))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
