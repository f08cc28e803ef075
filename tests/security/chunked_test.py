"""Chunked request bodies: what the chunks hold is taken as a body with a length is, within the same limits.

usage: chunked_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import http.client
import json
import os
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
import raw  # noqa: E402
from checks import check  # noqa: E402
from metrics import await_metric, metric  # noqa: E402
from raw import session_of  # noqa: E402
from service import Service  # noqa: E402

MIB = 1 << 20
NEW = b'{"project_path":"/p","thread_id":"t"}'
HEAD = raw.request("POST", "/sessions", "Content-Type: application/json", "Transfer-Encoding: chunked")
SEED = 20261130
# Much less than the time that a request may take to arrive.
PROMPT_S = 10


def encode(body, sizes):
    """The body in chunks of these sizes, taken in turn."""
    encoded, at, turn = b"", 0, 0
    while at < len(body):
        part = body[at:at + sizes[turn % len(sizes)]]
        encoded += b"%x\r\n" % len(part) + part + b"\r\n"
        at += len(part)
        turn += 1
    return encoded + b"0\r\n\r\n"


def is_problem(answer, status, name):
    return (answer is not None and answer[0] == status and answer[1]["connection"] == "close"
            and json.loads(answer[2])["type"] == f"urn:sessiond:problem:{name}")


def any_chunks_hold_the_same_body(binary):
    """Whatever their sizes are, and wherever the bytes are split on the way."""
    choose = random.Random(SEED)
    service = Service(binary).start()
    for number in range(120):
        text = "".join(choose.choices("aä\u2028\U0001f600\\\"\r\n0", k=choose.randint(0, 3000)))
        body = json.dumps({"project_path": "/p", "thread_id": "t", "context": {"a": text}}, ensure_ascii=False).encode()
        sizes = [choose.choice((1, 2, 15, 16, 255, 4096, 70000)) for _ in range(5)]
        data = HEAD + encode(body, sizes)
        connection = raw.connect(service)
        at = 0
        while at < len(data):
            step = choose.choice((1, 3, 100, 5000, 100000))
            check(raw.send(connection, data[at:at + step]), "the body was not read")
            at += step
            if number % 10 == 0 and at < 2000:
                time.sleep(0.001)
        answer = raw.read_response(connection)
        check(answer is not None and answer[0] == 201, f"{number}: {answer}")
        check(answer[1]["connection"] == "close" and connection.recv(1) == b"", "the connection stays open")
        got = service.call("GET", answer[1]["location"]).json()
        check(got["context"] == {"a": text}, f"{number}: {sizes} give another text")
        connection.close()
    check(not service.stop(), "the stop went wrong")


def the_limit_counts_decoded_bytes(binary):
    service = Service(binary, "--max-body-size", "4096").start()
    for length, status in ((4095, 201), (4096, 201), (4097, 413), (9000, 413)):
        for sizes in ((1,), (4096,), (1000,)):
            answer = raw.exchange(service, HEAD + encode(session_of(length), sizes))
            check(answer is not None and answer[0] == status, f"{length} bytes in chunks of {sizes}: {answer}")
    check(is_problem(answer, 413, "body-too-large"), f"{answer}")
    check(metric(service, "sessiond_http_body_memory_bytes") == 0, "refused bodies stay charged")
    check(not service.stop(), "the stop went wrong")


def an_endless_body_is_answered_while_it_arrives(binary):
    service = Service(binary, "--max-body-size", str(MIB)).start()
    began = time.monotonic()
    for _ in range(20):
        connection = raw.connect(service)
        raw.send(connection, HEAD)
        for _ in range(4):
            raw.send(connection, b"80000\r\n" + b"x" * (MIB // 2) + b"\r\n")
        answer = raw.read_response(connection)
        check(is_problem(answer, 413, "body-too-large"), f"{answer}")
        check(raw.read_until_end(connection) == b"", "something is behind the answer, or a reset")
        connection.close()
    check(time.monotonic() - began < PROMPT_S, "the answers come late")
    check(not service.stop(), "the stop went wrong")


def an_endless_body_is_answered_over_tls(binary):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-keyout", f"{folder}/key", "-out", f"{folder}/certificate"], check=True, capture_output=True)
        service = Service(binary, "--max-body-size", str(MIB), "--tls-cert", f"{folder}/certificate", "--tls-key", f"{folder}/key").start()
        context = ssl.create_default_context(cafile=f"{folder}/certificate")
        connection = context.wrap_socket(raw.connect(service), server_hostname="localhost")
        raw.send(connection, HEAD)
        for _ in range(4):
            raw.send(connection, b"80000\r\n" + b"x" * (MIB // 2) + b"\r\n")
        answer = raw.read_response(connection)
        check(is_problem(answer, 413, "body-too-large"), f"{answer}")
        connection.close()
        connection = context.wrap_socket(raw.connect(service), server_hostname="localhost")
        raw.send(connection, HEAD + encode(NEW, (5,)))
        check(raw.read_response(connection)[0] == 201, "a chunked body over TLS is refused")
        connection.close()
        check(not service.stop(), "the stop went wrong")


def chunks_are_charged_as_they_arrive(binary):
    service = Service(binary, "--max-body-size", "4096", "--body-memory-limit", "8192").start()
    held = []
    for number in range(2):
        held.append(raw.connect(service))
        raw.send(held[-1], HEAD + b"%x\r\n" % 4000 + session_of(4000) + b"\r\n")
        await_metric(service, "sessiond_http_body_memory_bytes", 4000 * (number + 1))
    answer = raw.exchange(service, HEAD + encode(session_of(4000), (4000,)))
    check(is_problem(answer, 503, "overloaded") and answer[1]["retry-after"] == "1", f"{answer}")
    check(metric(service, "sessiond_http_body_memory_bytes") == 8000, "the refused body stays charged")
    for connection in held:
        raw.send(connection, b"0\r\n\r\n")
        check(raw.read_response(connection)[0] == 201, "a body that was held is refused")
        connection.close()
    await_metric(service, "sessiond_http_body_memory_bytes", 0)
    check(not service.stop(), "the stop went wrong")


def slow_chunks_fall_under_the_request_timeout(binary):
    service = Service(binary, "--request-timeout", "1500ms").start()
    connection = raw.connect(service)
    began = time.monotonic()
    raw.send(connection, HEAD)
    while time.monotonic() < began + PROMPT_S and raw.send(connection, b"1\r\n \r\n"):
        connection.settimeout(0.1)
        try:
            if connection.recv(12, socket.MSG_PEEK):
                break
        except TimeoutError:
            pass
    connection.settimeout(raw.PATIENCE_S)
    answer = raw.read_response(connection)
    check(is_problem(answer, 408, "request-timeout"), f"{answer}")
    check(time.monotonic() - began < PROMPT_S, "the answer comes late")
    check(not service.stop(), "the stop went wrong")


def a_retry_may_have_another_framing(binary):
    service = Service(binary).start()
    with_key = HEAD.replace(b"\r\n\r\n", b'\r\nIdempotency-Key: "k"\r\n\r\n')
    first = raw.exchange(service, with_key + encode(NEW, (7,)))
    again = service.call("POST", "/sessions", NEW, {"Content-Type": "application/json", "Idempotency-Key": '"k"'})
    check(first[0] == again.status == 201 and json.loads(first[2]) == again.json(), f"{first} {again.body}")
    check(not service.stop(), "the stop went wrong")


def clients_that_stream_are_answered(binary):
    """curl from stdin, and Python's own client with a generator."""
    service = Service(binary).start()
    made = subprocess.run(["curl", "-sS", "-i", "-X", "POST", "-T", "-", "-H", "Content-Type: application/json",
                           f"http://{service.address}/sessions"], input=session_of(300000), capture_output=True, check=True)
    check(b"HTTP/1.1 201 " in made.stdout, f"curl -T - gets {made.stdout[:200]}")
    client = http.client.HTTPConnection(service.address, timeout=raw.PATIENCE_S)
    for _ in range(3):  # it opens a connection for each
        client.request("POST", "/sessions", (part for part in (NEW[:5], NEW[5:])), {"Content-Type": "application/json"})
        answer = client.getresponse()
        check(answer.status == 201 and answer.read(), f"a generator gets {answer.status}")
    check(not service.stop(), "the stop went wrong")


def a_refused_body_of_a_head_gets_no_content(binary):
    service = Service(binary).start()
    connection = raw.connect(service)
    raw.send(connection, raw.request("HEAD", "/healthz", "Transfer-Encoding: chunked") + encode(NEW, (5,)))
    head, _, rest = (raw.read_until_end(connection) or b"").partition(b"\r\n\r\n")
    check(head.startswith(b"HTTP/1.1 413 ") and rest == b"", f"{head} {rest}")
    connection.close()
    check(not service.stop(), "the stop went wrong")


CHECKS = [
    any_chunks_hold_the_same_body,
    the_limit_counts_decoded_bytes,
    an_endless_body_is_answered_while_it_arrives,
    an_endless_body_is_answered_over_tls,
    chunks_are_charged_as_they_arrive,
    slow_chunks_fall_under_the_request_timeout,
    a_retry_may_have_another_framing,
    clients_that_stream_are_answered,
    a_refused_body_of_a_head_gets_no_content,
]


if __name__ == "__main__":
    sys.exit(checks.run(CHECKS, checks.under_test(sys.argv[1])))
