"""A refusal that comes while the client still sends is read by it, and nobody can make the service read for ever.

usage: upload_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import json
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
import raw  # noqa: E402
from checks import check  # noqa: E402
from service import Service  # noqa: E402

MIB = 1 << 20
UPLOADS = 100
UPLOAD = b"x" * (20 * MIB)
# The service gives up on a client that goes on sending, or goes silent, long before this.
PATIENCE_S = 40


def head(method, target, *fields, length=len(UPLOAD)):
    return raw.request(method, target, "Content-Type: application/json", f"Content-Length: {length}", *fields)


def upload(service, data):
    """Sends everything before it reads anything, as simple clients do. The status and the problem's name, or what went
    wrong: a reset is wrong, since it may come before the answer, and many clients give up at it."""
    connection = raw.connect(service)
    try:
        if not raw.send(connection, data):
            return "a reset while sending"
        received = raw.read_until_end(connection)
        if received is None:
            return "a reset while reading"
        head, _, body = received.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)["type"] if body.startswith(b"{") else None
    finally:
        connection.close()


def expect_every_answer(service, data, expected):
    answers = [upload(service, data) for _ in range(UPLOADS)]
    wrong = [answer for answer in answers if answer != expected]
    check(not wrong, f"{len(wrong)} of {UPLOADS} uploads had another answer than {expected}: {wrong[:3]}")


def too_large(service):
    expect_every_answer(service, head("POST", "/sessions") + UPLOAD, (413, "urn:sessiond:problem:body-too-large"))


def no_such_path(service):
    data = head("POST", "/nope", length=5 * MIB) + UPLOAD[:5 * MIB]
    expect_every_answer(service, data, (404, "urn:sessiond:problem:not-found"))


def refused_by_the_guard(service):
    data = head("POST", "/sessions", "Host: twice", length=5 * MIB) + UPLOAD[:5 * MIB]
    expect_every_answer(service, data, (400, "urn:sessiond:problem:invalid-header"))


def refused_by_the_library(service):
    expect_every_answer(service, raw.request("GET", "/" + "a" * (5 * MIB)), (414, None))


def at_the_same_time(service):
    results = []
    data = head("POST", "/sessions") + UPLOAD
    threads = [threading.Thread(target=lambda: results.append(upload(service, data))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(results == [(413, "urn:sessiond:problem:body-too-large")] * 16, f"{results}")


def endless_uploads_are_cut_off(service):
    connection = raw.connect(service)
    raw.send(connection, head("POST", "/sessions", length=1 << 40))
    began = time.monotonic()
    sent = 0
    while raw.send(connection, UPLOAD[:MIB]):
        sent += MIB
        check(time.monotonic() < began + PATIENCE_S, f"{sent} bytes of an endless upload were taken")
    connection.close()
    check(sent <= 128 * MIB, f"{sent} bytes of an endless upload were taken")


def silent_clients_are_cut_off(service):
    """Each has its answer, and holds its end open; the service's descriptors come back all the same."""
    def descriptors():
        return len(os.listdir(f"/proc/{service.process.pid}/fd"))

    before = descriptors()
    connections = [raw.connect(service) for _ in range(300)]
    for connection in connections:
        raw.send(connection, head("POST", "/sessions"))
    answers = [raw.read_response(connection) for connection in connections]
    check(all(answer is not None and answer[0] == 413 for answer in answers), "a refusal was not answered")
    deadline = time.monotonic() + PATIENCE_S
    while descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    check(descriptors() <= before, f"{descriptors()} descriptors are open, {before} were")
    for connection in connections:
        connection.close()


def a_stop_does_not_wait_for_them(service):
    connections = [raw.connect(service) for _ in range(20)]
    for connection in connections:
        raw.send(connection, head("POST", "/sessions"))
        raw.read_response(connection)
    began = time.monotonic()
    wrong = service.stop()
    check(not wrong, "\n".join(wrong))
    check(time.monotonic() < began + 20, "the stop waited for clients that are refused already")
    for connection in connections:
        connection.close()


# The last one ends the service.
CHECKS = [
    too_large,
    no_such_path,
    refused_by_the_guard,
    refused_by_the_library,
    at_the_same_time,
    endless_uploads_are_cut_off,
    silent_clients_are_cut_off,
    a_stop_does_not_wait_for_them,
]


def main(binary):
    service = Service(checks.under_test(binary)).start()
    return checks.run(CHECKS, service, end=service.stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
