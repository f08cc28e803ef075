"""How streams end: by a stop, by a client that does not read, by one that left.

usage: ends_test.py BINARY [CHECK...]   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import json
import os
import signal
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
import raw  # noqa: E402
from checks import check  # noqa: E402
from event_reader import Stream  # noqa: E402
from service import Connection, Service  # noqa: E402
from stops import STOP_TIMEOUT, stop  # noqa: E402
from event_stream_test import JSON, create, metric  # noqa: E402


def a_stop_ends_streams_that_wait(binary):
    service = Service(binary, *STOP_TIMEOUT).start()
    session = create(service)
    streams = [Stream(service.address, target) for target in
               ["/events", f"/events?session_id={session}", "/events?type=session.deleted"] * 20]
    stop(service, "with 60 streams")
    for stream in streams:
        while stream.frame() is not None:
            pass
        check(stream.ended, "a stream was cut instead of ended")


def a_stop_ends_streams_under_load(binary):
    service = Service(binary, *STOP_TIMEOUT).start()
    going_on = True

    def write():
        connection = Connection(service.address)
        while going_on:
            try:
                connection.call("POST", "/sessions", b'{"project_path":"/p","thread_id":"t"}', JSON)
            except Exception:  # pylint: disable=broad-except
                return

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    streams = [Stream(service.address, "/events?after=0") for _ in range(20)]
    time.sleep(0.5)
    stopping = threading.Thread(target=lambda: stops.append(stop(service, "under load")))
    stops = []
    stopping.start()
    for stream in streams:
        while stream.frame() is not None:
            pass
    stopping.join()
    going_on = False
    for writer in writers:
        writer.join()
    check(len(stops) == 1, "the stop went wrong")


def fill(service, events):
    """So many events of the largest paths."""
    connection = Connection(service.address)
    body = json.dumps({"project_path": "/" + "p" * 4000, "thread_id": "t"}).encode()
    for _ in range(events):
        connection.call("POST", "/sessions", body, JSON)


def a_reader_that_takes_nothing_is_cut(binary):
    service = Service(binary, "--response-timeout", "2000ms").start()
    idle = Stream(service.address, "/events?thread_id=nobody")
    stalled = Stream(service.address, "/events?after=0")
    stalled.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    fill(service, 3000)
    until = time.monotonic() + 20
    while metric(service, "sessiond_streaming_responses") > 1 and time.monotonic() < until:
        time.sleep(0.1)
    check(metric(service, "sessiond_streaming_responses") == 1, "the reader that takes nothing is there still")
    check('limit="response-timeout"} 1' in service.call("GET", "/metrics").body.decode(), "it is not counted")
    create(service, "nobody")
    check(idle.event() is not None, "the one that had nothing to take was cut, too")
    idle.close()
    stop(service, "afterwards")


def a_stop_does_not_wait_for_a_reader_that_takes_nothing(binary):
    service = Service(binary, *STOP_TIMEOUT).start()
    stalled = [Stream(service.address, "/events?after=0") for _ in range(3)]
    fill(service, 3000)
    stop(service, "with readers that take nothing")
    for stream in stalled:
        stream.close()


def a_client_that_left_is_noticed(binary):
    service = Service(binary).start()
    for _ in range(50):
        Stream(service.address, "/events?thread_id=nobody").close()
    until = time.monotonic() + 40
    while metric(service, "sessiond_streaming_responses") > 0 and time.monotonic() < until:
        time.sleep(0.2)
    check(metric(service, "sessiond_streaming_responses") == 0, "streams of clients that left are there still")
    stop(service, "afterwards")


def a_stop_ends_an_event_stream_request_without_a_response(binary):
    """An EventSource never reconnects after a status other than 200 (HTML standard, section 9.2.2)."""
    service = Service(binary, *STOP_TIMEOUT).start()
    held = raw.connect(service)
    raw.send(held, raw.request("POST", "/sessions", body=b'{"project_path":"/p","thread_id":"t"}')[:-5])
    connections = [raw.connect(service) for _ in range(4)]
    for connection in connections:
        raw.send(connection, raw.request("GET", "/healthz"))
        check(raw.read_response(connection)[0] == 200, "a request before the stop")
    service.process.send_signal(signal.SIGTERM)
    until = time.monotonic() + 10
    while not service.events("stopping") and time.monotonic() < until:
        time.sleep(0.01)
    accepts = ("text/event-stream", "Text/Event-Stream, */*;q=0.1", "application/json", "text/event-stream;q=0")
    for connection, accept in zip(connections, accepts):
        raw.send(connection, raw.request("GET", "/events", f"Accept: {accept}"))
    received = [raw.read_until_end(connection) for connection in connections]
    check(received[:2] == [b"", b""], f"streams were answered with {received[:2]}, not by the end of the connection")
    for answer in received[2:]:
        check(answer and answer.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: " in answer, f"others get {answer}")
    held.close()
    check(service.await_end() == 0, "the stop went wrong")
    check(not service.reports(), "a sanitizer's report")


CHECKS = [
    a_stop_ends_streams_that_wait,
    a_stop_ends_streams_under_load,
    a_reader_that_takes_nothing_is_cut,
    a_stop_does_not_wait_for_a_reader_that_takes_nothing,
    a_client_that_left_is_noticed,
    a_stop_ends_an_event_stream_request_without_a_response,
]


if __name__ == "__main__":
    sys.exit(checks.run(CHECKS, checks.under_test(sys.argv[1])))
