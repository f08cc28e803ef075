"""What a careless or hostile client sends costs only itself: an answer or an end, no memory that stays, no slow stop.

usage: hostile_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import json
import os
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
import raw  # noqa: E402
from checks import check  # noqa: E402
from metrics import metric, rss_mib  # noqa: E402
from service import Service  # noqa: E402

MIB = 1 << 20
NEW = b'{"project_path":"/p","thread_id":"t"}'
CREATE = raw.request("POST", "/sessions", body=NEW)


def status_of(answer):
    return None if answer is None else answer[0]


def in_flight(service):
    return metric(service, "sessiond_http_requests_in_flight")


def refused_merges_leave_no_memory(service):
    target = json.loads(service.call("POST", "/sessions", NEW, {"Content-Type": "application/json"}).body)["id"]
    half = json.dumps({"context": {"a": "x" * (MIB - 100)}}).encode()
    merge = {"Content-Type": "application/merge-patch+json"}
    check(service.call("PATCH", f"/sessions/{target}", half, merge).status == 200, "the first merge")
    before = rss_mib(service)
    for _ in range(40):
        other = half.replace(b'"a"', b'"b"')
        check(service.call("PATCH", f"/sessions/{target}", other, merge).status == 413, "a merge that is too large")
    check(rss_mib(service) < before + 30, f"refused merges took memory from {before} to {rss_mib(service)} MiB")


def an_unasked_body_is_not_kept(service):
    """Chunked, to a path that there is not, and to those that there are: answered while it still comes."""
    before = rss_mib(service)
    for method, target, status in (("POST", "/nope", 404), ("POST", "/sessions", 413), ("GET", "/healthz", 413)):
        connection = raw.connect(service)
        raw.send(connection, raw.request(method, target, "Content-Type: application/json", "Transfer-Encoding: chunked"))
        for _ in range(64):
            if not raw.send(connection, b"100000\r\n" + b"x" * MIB + b"\r\n"):
                break
        answer = raw.read_response(connection)
        check(status_of(answer) == status, f"{method} {target} chunked: {answer}")
        connection.close()
    check(rss_mib(service) < before + 30, f"bodies nobody asked for took memory: {rss_mib(service)} MiB")


def two_lengths_do_not_lift_the_limit(service):
    before = rss_mib(service)
    connection = raw.connect(service)
    raw.send(connection, b"POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         b"Content-Length: 100000000\r\nContent-Length: 5\r\n\r\n")
    for _ in range(80):
        if not raw.send(connection, b"x" * MIB):
            break
    raw.read_all(connection)
    connection.close()
    check(rss_mib(service) < before + 30, f"a second Content-Length lifted the limit: {rss_mib(service)} MiB")


def await_rest(service):
    """A request counts as in flight until the thread that answered it has put it away."""
    until = time.monotonic() + raw.PATIENCE_S
    while (count := in_flight(service)) != 1:
        check(time.monotonic() < until, f"{count} requests are in flight")
        time.sleep(0.01)


def a_query_of_many_parameters_is_answered(service):
    for count in (10, 400, 600, 4000):
        for target in ("/healthz", "/sessions"):
            answer = raw.exchange(service, raw.request("GET", f"{target}?" + "a&" * count))
            check(status_of(answer) in (400, 414), f"{count} parameters: {answer}")
    await_rest(service)


def many_headers_are_answered(service):
    """Whatever their number: a write that is not answered is not made either."""
    before = metric(service, 'sessiond_sessions{status="CREATED"}')
    created = 0
    for count in (50, 90, 110, 200, 460, 468, 480, 2000):
        answer = raw.exchange(service, raw.request("POST", "/sessions", *["a: b"] * count, body=NEW))
        check(status_of(answer) in (201, 431), f"{count} headers: {answer}")
        created += answer[0] == 201
    check(created >= 2, "no request with many headers was carried out")
    check(metric(service, 'sessiond_sessions{status="CREATED"}') == before + created, "a write was not answered")


def long_targets_are_answered(service):
    for length in (1000, 14000, 14336, 15000, 20000, 31000, 40000, 100000):
        answer = raw.exchange(service, raw.request("GET", "/" + "a" * length))
        check(status_of(answer) in (404, 414), f"a target of {length} bytes: {answer}")
    await_rest(service)


def an_announced_body_reserves_nothing(service):
    before = rss_mib(service)
    connections = [raw.connect(service) for _ in range(200)]
    for connection in connections:
        raw.send(connection, f"POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                             f"Content-Length: {MIB}\r\n\r\n".encode())
    deadline = time.monotonic() + 30
    while in_flight(service) < 201 and time.monotonic() < deadline:
        time.sleep(0.01)
    for connection in connections:
        connection.close()
    check(rss_mib(service) < before + 40, f"announced bodies took {rss_mib(service) - before} MiB")


def an_aborted_write_is_logged_and_counted(service):
    counter = 'sessiond_http_requests_total{route="/sessions",method="POST",status="201"}'
    before = metric(service, counter, 0)
    sessions = metric(service, 'sessiond_sessions{status="CREATED"}')
    for _ in range(20):
        connection = raw.connect(service)
        raw.send(connection, CREATE)
        connection.close()
    deadline = time.monotonic() + 30
    while in_flight(service) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    made = metric(service, 'sessiond_sessions{status="CREATED"}') - sessions
    check(metric(service, counter, 0) - before == made, f"{made} were made, {metric(service, counter, 0) - before} counted")


def what_the_library_refuses_is_counted(service):
    text = 'sessiond_http_requests_total{route="none",method="OTHER",status="400"}'
    before = metric(service, text, 0)
    for _ in range(3):
        raw.exchange(service, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n")
    # A refusal is counted when its connection ends, which the client may see first.
    until = time.monotonic() + 5
    while metric(service, text, 0) < before + 3 and time.monotonic() < until:
        time.sleep(0.01)
    check(metric(service, text, 0) == before + 3, "refusals by the library are not counted")


def a_304_has_no_length_of_zero(service):
    made = service.call("POST", "/sessions", NEW, {"Content-Type": "application/json"})
    target = made.headers["location"]
    same = service.call("GET", target, headers={"If-None-Match": '"1"'})
    length = service.call("HEAD", target).headers["content-length"]
    check(same.status == 304 and same.headers.get("content-length", length) == length, f"{same.status} {same.headers}")


def nothing_is_behind_a_head(service):
    """RFC 9110, 9.3.2. An end of chunks there would be read as the next response's beginning."""
    made = service.call("POST", "/sessions", NEW, {"Content-Type": "application/json"})
    target = made.headers["location"]
    for where, accept in ((target, "*/*"), (target + "/entries", "application/x-ndjson"),
                          ("/events", "text/event-stream"), ("/admin/export", "*/*")):
        connection = raw.connect(service)
        raw.send(connection, raw.request("HEAD", where, f"Accept: {accept}") +
                 raw.request("GET", "/healthz", "Connection: close"))
        head, _, rest = raw.read_all(connection).partition(b"\r\n\r\n")
        connection.close()
        check(head.startswith(b"HTTP/1.1 200 "), f"HEAD {where}: {head}")
        check(rest == b"" or rest.startswith(b"HTTP/1.1 200 "), f"behind the head of {where}: {rest[:40]}")


def links_are_uris(service):
    for _ in range(2):
        service.call("POST", "/sessions", b'{"project_path":"a>b","thread_id":"t"}', {"Content-Type": "application/json"})
    answer = raw.exchange(service, raw.request("GET", "/sessions?limit=1&project_path=a>b"))
    link = re.fullmatch(r'<(/sessions\?[!#-;=?-Z_a-z~%]*)>; rel="next"', answer[1]["link"])
    check(link, answer[1]["link"])
    check(json.loads(service.call("GET", link[1]).body)["sessions"][0]["project_path"] == "a>b", "the link is followed")


def media_types_end_where_they_end(service):
    for media_type, status in (("application/json garbage", 415), ("application/json ; charset=utf-8", 201),
                               ("application/json;charset=utf-8", 201), ("application/json \t", 201)):
        got = service.call("POST", "/sessions", NEW, {"Content-Type": media_type}).status
        check(got == status, f"{media_type}: {got}")


def pages_end_before_their_limit(service):
    for i in range(12):
        body = json.dumps({"project_path": "/pages/" + "p" * (300 + 37 * i), "thread_id": "pages"}).encode()
        service.call("POST", "/sessions", body, {"Content-Type": "application/json"})
    sizes = []
    target = "/sessions?thread_id=pages"
    while target:
        response = service.call("GET", target)
        sizes.append(len(response.body))
        check(json.loads(response.body)["sessions"], "an empty page")
        target = re.sub(r"^<|>.*$", "", response.headers["link"]) if "link" in response.headers else None
    check(len(sizes) > 1 and max(sizes) <= 4096, f"pages of {sizes} bytes under a limit of 4096")


def odd_member_names_are_not_misnamed(service):
    for name, pointer in (("x" * 60, "#"), ("a\\u0000b", "#"), ("\\ud800", "#"), ("odd/~", "#/odd~1~0")):
        body = f'{{"project_path":"/p","thread_id":"t","{name}":1}}'.encode()
        problem = service.call("POST", "/sessions", body, {"Content-Type": "application/json"}).json()
        check(problem["errors"][0]["pointer"] == pointer, f"{name}: {problem['errors']}")


CHECKS = [
    refused_merges_leave_no_memory,
    an_unasked_body_is_not_kept,
    two_lengths_do_not_lift_the_limit,
    a_query_of_many_parameters_is_answered,
    many_headers_are_answered,
    long_targets_are_answered,
    an_announced_body_reserves_nothing,
    an_aborted_write_is_logged_and_counted,
    what_the_library_refuses_is_counted,
    a_304_has_no_length_of_zero,
    nothing_is_behind_a_head,
    links_are_uris,
    media_types_end_where_they_end,
    pages_end_before_their_limit,
    odd_member_names_are_not_misnamed,
]


def main(binary):
    service = Service(checks.under_test(binary), "--max-body-size", str(MIB),
                      "--max-page-size", "4096",
                      # What AddressSanitizer keeps back would count as the service's memory.
                      environment={"ASAN_OPTIONS": "quarantine_size_mb=1"}).start()
    return checks.run(CHECKS, service, end=service.stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
