"""A session's log as a stream of lines, as a long poll, and how it goes.

usage: log_test.py BINARY [CHECK]...
"""

import os
import socket
import sqlite3
import sys
import threading
import time
import uuid

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from checks import check, run, under_test  # noqa: E402
from entry_log import LINES, Log  # noqa: E402
from service import Connection, Service  # noqa: E402

BATCH = 1000


def new_log(service):
    return Log(Connection(service.address))


def fill(log, count, size=0, query=""):
    for first in range(1, count + 1, BATCH):
        numbers = range(first, min(first + BATCH, count + 1))
        log.append(b"".join(b'{"uuid":"%s","n":%d,"x":"%s"}\n' % (str(uuid.uuid4()).encode(), n, b"x" * size)
                            for n in numbers), query)


def numbers(lines):
    return [line["entry"]["n"] for line in lines]


def lines_are_the_whole_stream(service):
    log = new_log(service)
    check(log.lines() == [], "an empty stream has lines")
    fill(log, 2500)
    lines = log.lines()
    check(numbers(lines) == list(range(1, 2501)), f"{len(lines)} lines of 2500 in order")
    check([line["seq"] for line in lines] == list(range(1, 2501)), "their seqs")
    check(lines[:100] == log.page("?limit=100")["entries"], "a line is not what a page shows")
    check(numbers(log.lines("?after=10&before=2000&limit=1000")) == list(range(11, 1011)), "a part of it")
    check(numbers(log.lines("?order=desc")) == list(range(2500, 0, -1)), "downwards")
    check(numbers(log.lines("?order=desc&limit=20")) == list(range(2500, 2480, -1)), "the tail")
    check(numbers(log.lines("?after=2499&before=2501")) == [2500], "one line")
    check(log.lines("?after=2500") == [], "nothing behind the end")
    fill(log, 3, query="?stream=other")
    check(numbers(log.lines("?stream=other")) == [1, 2, 3], "another stream")


def lines_are_of_any_length(service):
    log = new_log(service)
    for size in (1, 16000, 16384, 70000, 3000000, 5):
        log.append([{"n": size, "x": "x" * size}])
    lines = log.lines()
    check([len(line["entry"]["x"]) for line in lines] == numbers(lines), "lines of other lengths")
    check(numbers(lines) == [1, 16000, 16384, 70000, 3000000, 5], "lines in another order")


def what_was_sent_is_what_a_line_has(service):
    log = new_log(service)
    log.append(b'{"n" : 1e400 , "s":"\\ud800 \\u00e9","big":100000000000000000000}\n')
    body = log.call(200, "GET", f"{log.target}/entries", Accept=LINES).body
    check(body.endswith(b'"entry":{"n":1e400,"s":"\\ud800 \\u00e9","big":100000000000000000000}}\n'), f"{body}")


def heads_and_forms(service):
    log = new_log(service)
    log.append([{}])
    head = log.call(200, "HEAD", f"{log.target}/entries", Accept=LINES)
    check(head.headers["content-type"] == LINES and head.body == b"", f"HEAD of lines: {head.headers}")
    check(head.headers["vary"] == "Accept", "no Vary")
    page = log.call(200, "GET", f"{log.target}/entries", Accept="application/json, */*")
    check(page.headers["content-type"] == "application/json", "JSON was asked for")
    missing = log.connection.call("GET", f"/sessions/{uuid.uuid4()}/entries", None, {"Accept": LINES})
    check(missing.problem() == "not-found", f"lines of a missing session: {missing.status}")
    refused = log.connection.call("GET", f"{log.target}/entries?wait=1", None, {"Accept": LINES})
    check(refused.problem() == "invalid-query", f"lines that wait: {refused.status}")


def slow_reader(service, log):
    """A connection that asked for all lines and has read the head of the response."""
    host, port = service.address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.sendall(f"GET {log.target}/entries HTTP/1.1\r\nHost: localhost\r\nAccept: {LINES}\r\n\r\n".encode())
    return connection, connection.recv(4096)


def read_rest(connection, body):
    while data := connection.recv(1 << 20):
        body += data
        if body.endswith(b"\r\n0\r\n\r\n"):
            break
    return body


def what_comes_later_is_not_in_it(service):
    log = new_log(service)
    fill(log, 4000, 5000)
    connection, body = slow_reader(service, log)
    log.append([{"n": "later"}])
    body = read_rest(connection, body)
    check(body.endswith(b"\r\n0\r\n\r\n"), "the response has no end")
    check(body.count(b'"uuid"') == 4000 and b"later" not in body, f"{body.count(b'uuid')} lines")


def a_session_that_goes_cuts_its_lines(service):
    log = new_log(service)
    fill(log, 4000, 5000)
    connection, body = slow_reader(service, log)
    log.delete()
    log.call(201, "PUT", log.target, {"project_path": "/p", "thread_id": "t"})
    log.append([{"n": "another's"}])
    body = read_rest(connection, body)
    check(not body.endswith(b"\r\n0\r\n\r\n"), "the response looks whole")
    check(b"another's" not in body, "another session's entry is in it")


def after(seconds, action):
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


def a_wait_ends_with_an_entry(service):
    log, other = new_log(service), new_log(service)
    writer = Connection(service.address)
    began = time.monotonic()
    after(0.3, lambda: writer.call("POST", f"{log.target}/entries", b'[{"n":1}]',
                                   {"Content-Type": "application/json"}))
    other.append([{}])
    page = log.page("?wait=20")
    took = time.monotonic() - began
    check(numbers(page["entries"]) == [1] and page["next_after"] == 1, f"the page is {page}")
    check(0.25 < took < 10, f"it took {took:.1f} s")
    began = time.monotonic()
    check(numbers(log.page("?wait=20")["entries"]) == [1], "what is there is not shown")
    check(time.monotonic() - began < 5, "what is there was waited for")


def a_wait_goes_on_where_nothing_was_appended(service):
    log = new_log(service)
    writer = Connection(service.address)
    after(0.2, lambda: writer.call("PATCH", log.target, b'{"status":"ACTIVE"}', {"Content-Type": "application/json"}))
    began = time.monotonic()
    page = log.page("?wait=1")
    took = time.monotonic() - began
    check(page["entries"] == [] and page["next_after"] == 0, f"the page is {page}")
    check(0.9 < took < 5, f"it took {took:.1f} s")


def a_wait_ends_with_its_session(service):
    log = new_log(service)
    writer = Connection(service.address)
    after(0.2, lambda: writer.call("DELETE", log.target))
    began = time.monotonic()
    gone = log.connection.call("GET", f"{log.target}/entries?wait=20")
    check(gone.problem() == "not-found", f"a session that went: {gone.status}")
    check(time.monotonic() - began < 10, "it was told late")


def rows(service, table):
    connection = sqlite3.connect(f"file:{service.database}?mode=ro", uri=True)
    try:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        connection.close()


def a_deleted_log_goes_by_and_by(service):
    """8,000 entries: neither the DELETE nor a create beside the clearing is held up."""
    log = new_log(service)
    fill(log, 8000, 100)
    held = rows(service, "entries")
    began = time.monotonic()
    log.delete()
    took_ms = [1000 * (time.monotonic() - began)]
    while rows(service, "discarded_streams") and time.monotonic() < began + 240:
        began_one = time.monotonic()
        log.call(201, "POST", "/sessions", {"project_path": "/p", "thread_id": "t"})
        took_ms.append(1000 * (time.monotonic() - began_one))
        time.sleep(0.002)
    took_ms.sort()
    p99 = took_ms[int(len(took_ms) * 0.99)]
    print(f"       {held} entries; {len(took_ms)} writes meanwhile: p99 {p99:.1f} ms, the longest {took_ms[-1]:.1f} ms")
    check(rows(service, "discarded_streams") == 0, "the log is still there after four minutes")
    check(rows(service, "entries") <= held - 8000, "entries are left")
    check(p99 < 250, f"the p99 of writes meanwhile is {p99:.0f} ms")


def main(binary):
    service = Service(under_test(binary)).start()
    checks = [lines_are_the_whole_stream, lines_are_of_any_length, what_was_sent_is_what_a_line_has, heads_and_forms,
              what_comes_later_is_not_in_it, a_session_that_goes_cuts_its_lines, a_wait_ends_with_an_entry,
              a_wait_goes_on_where_nothing_was_appended, a_wait_ends_with_its_session, a_deleted_log_goes_by_and_by]
    return run(checks, service, end=service.stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
