"""GET /events as an event stream: what was missed, then what happens, with no gap between.

usage: stream_test.py BINARY [CHECK...]   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
from checks import check  # noqa: E402
from metrics import await_metric, metric  # noqa: E402
from event_reader import Stream  # noqa: E402
from service import Service  # noqa: E402

JSON = {"Content-Type": "application/json"}
SILENCE_S = 15


def create(service, thread="t", path="/p"):
    body = json.dumps({"project_path": path, "thread_id": thread}).encode()
    answer = service.call("POST", "/sessions", body, JSON)
    check(answer.status == 201, f"a creation is answered {answer.status}: {answer.body}")
    return answer.json()["id"]


def patch(service, session, **change):
    answer = service.call("PATCH", f"/sessions/{session}", json.dumps(change).encode(), JSON)
    check(answer.status == 200, f"a change is answered {answer.status}: {answer.body}")


def sessions_of(frames):
    return [frame.data["session_id"] for frame in frames]


def quiet(stream, patience_s=0.5):
    frame = stream.event(patience_s)
    check(frame is None, f"there is an event too many: {frame and frame.text}")


def every_stream_forbids_buffering_and_storing(service):
    """nginx shows nothing of a stream that it may buffer."""
    session = create(service)
    headers = ("x-accel-buffering", "cache-control")
    stream = Stream(service.address)
    found = [("events", stream.head)]
    stream.close()
    entries = f"/sessions/{session}/entries"
    for target, accept in ((entries, "application/x-ndjson"), ("/admin/export", "*/*"), (f"{entries}?wait=1", "*/*")):
        found.append((target, service.call("GET", target, headers={"Accept": accept}).headers))
    for target, head in found:
        check([head.get(name) for name in headers] == ["no", "no-store"], f"{target} has the headers {head}")
    page = service.call("GET", entries).headers
    check("x-accel-buffering" not in page, f"a page has the headers {page}")


def without_a_place_it_begins_now(service):
    create(service)
    stream = Stream(service.address)
    check(stream.status == 200, f"the status is {stream.status}")
    for name, value in (("content-type", "text/event-stream"), ("cache-control", "no-store"),
                        ("transfer-encoding", "chunked")):
        check(stream.head.get(name) == value, f"{name} is {stream.head.get(name)}")
    first, second = stream.frame(), stream.frame()
    check(first.text == "retry: 2000", f"the first frame is {first.text}")
    check(second.id is not None and second.data is None, f"the second is no bare id: {second.text}")
    new = create(service)
    frame = stream.event()
    check(frame.data["session_id"] == new and frame.type == "session.created", f"the event is {frame.text}")
    check(frame.id == frame.data["id"] and frame.id > second.id, f"the ids are {frame.text} behind {second.text}")
    patch(service, new, status="ACTIVE")
    frame = stream.event()
    check(frame.type == "session.transitioned" and frame.data["to"] == "ACTIVE", f"the event is {frame.text}")
    stream.close()


def a_reader_goes_on_where_it_was(service):
    stream = Stream(service.address)
    stream.frame()
    place = stream.frame().id
    made = [create(service) for _ in range(5)]
    seen = stream.events(5)
    check(sessions_of(seen) == made, "the live events are not those that were made")
    stream.close()
    made += [create(service) for _ in range(300)]
    for where, headers, target in (("Last-Event-ID", (f"Last-Event-ID: {place}",), "/events"),
                                   ("after", (), f"/events?after={place}"),
                                   ("both, of which the header counts", (f"Last-Event-ID: {place}",),
                                    f"/events?after={seen[-1].id}")):
        stream = Stream(service.address, target, *headers)
        check(sessions_of(stream.events(len(made))) == made, f"with {where} the events are others")
        last = create(service)
        made.append(last)
        check(sessions_of(stream.events(1)) == [last], f"with {where} what happens does not follow what was missed")
        quiet(stream)
        stream.close()


def a_consumer_s_place_is_where_it_begins(service):
    made = [create(service) for _ in range(3)]
    ids = [frame.id for frame in Stream(service.address, "/events?after=0&thread_id=t").events(3)]
    del made[:2], ids[2:]
    answer = service.call("PUT", "/consumers/follower", json.dumps({"after": ids[1]}).encode(), JSON)
    check(answer.status in (200, 201), f"the place is answered {answer.status}: {answer.body}")
    stream = Stream(service.address, "/events?consumer=follower")
    check(stream.event().id > ids[1], "it begins before its place")
    stream.close()
    stream = Stream(service.address, "/events?consumer=nobody")
    check(stream.status == 404, f"without such a consumer the status is {stream.status}")
    stream.close()


def filters_choose(service):
    mine, other = create(service, "mine", "/mine"), create(service, "other", "/other")
    targets = {f"session_id={mine}": 4, "thread_id=mine": 4, "project_path=/mine": 4,
               "type=session.transitioned&thread_id=mine": 2, "type=session.deleted&thread_id=mine": 1}
    place = Stream(service.address)
    place.frame()
    place = place.frame().id
    streams = {target: Stream(service.address, f"/events?{target}") for target in targets}
    for stream in streams.values():
        stream.frame()
    time.sleep(0.2)
    for status in ("ACTIVE", "PAUSED"):
        patch(service, other, status=status)
        patch(service, mine, status=status)
    patch(service, mine, context={"a": 1})
    service.call("DELETE", f"/sessions/{other}")
    service.call("DELETE", f"/sessions/{mine}")
    for target, count in targets.items():
        live = streams[target].events(count, 20)
        check(len(live) == count and set(sessions_of(live)) == {mine}, f"{target} has {len(live)} of {count} live")
        quiet(streams[target], 0.2)
        streams[target].close()
        again = Stream(service.address, f"/events?{target}", f"Last-Event-ID: {place}")
        missed = again.events(count, 20)
        check([f.text for f in missed] == [f.text for f in live], f"{target}: what was missed is not what was live")
        quiet(again, 0.2)
        again.close()


def who_asks_for_what_is_not_there_is_told(service):
    first = create(service)
    ahead = Stream(service.address, "/events", "Last-Event-ID: 9000000000000000")
    ahead.frame()
    reset = ahead.frame()
    check(reset.type == "reset", f"ahead of the newest there is no reset: {reset.text}")
    check(0 < reset.data["oldest"] <= reset.data["newest"], f"the reset says {reset.data}")
    event = ahead.event()
    check(event.id == reset.data["oldest"] and reset.id < event.id, "it does not go on with the oldest")
    check(first in sessions_of([event, *ahead.events(2000, 2)]), "what is kept is not all there")
    ahead.close()
    for value in ("x", "-1", "1.5", "12345678901234567890123"):
        wrong = Stream(service.address, "/events", f"Last-Event-ID: {value}")
        check(wrong.status == 400, f"Last-Event-ID: {value} is answered {wrong.status}")
        wrong.close()


def silence_is_broken_and_tells_the_place(service):
    stream = Stream(service.address, "/events?thread_id=nobody")
    stream.frame()
    place = stream.frame().id
    create(service)
    began = time.monotonic()
    frame = stream.frame(SILENCE_S + 5)
    took = time.monotonic() - began
    check(frame is not None and frame.comment, f"the silence is broken by {frame and frame.text}")
    check(SILENCE_S - 2 < took < SILENCE_S + 3, f"the silence lasted {took:.1f} s")
    check(frame.id is not None and frame.id > place and frame.data is None, f"the place is not told: {frame.text}")
    stream.close()


def a_client_of_http_1_0_reads_to_the_end_of_the_connection(service):
    stream = Stream(service.address, "/events", version="1.0")
    check("transfer-encoding" not in stream.head, "HTTP/1.0 has chunks")
    new = create(service)
    check(sessions_of(stream.events(1)) == [new], "the event is another")
    stream.close()


def a_head_has_no_stream(service):
    answer = service.call("HEAD", "/events", headers={"Accept": "text/event-stream"})
    check(answer.status == 200 and answer.headers["content-type"] == "text/event-stream", f"HEAD: {answer.headers}")


def streams_are_counted(service):
    await_metric(service, "sessiond_streaming_responses", 0)
    streams = [Stream(service.address) for _ in range(20)]
    await_metric(service, "sessiond_streaming_responses", 20)
    await_metric(service, "sessiond_long_poll_connections", 20)
    for stream in streams:
        stream.close()
    await_metric(service, "sessiond_streaming_responses", 0)
    check(metric(service, "sessiond_long_poll_connections") == 0, "a long poll is still open")


CHECKS = [
    every_stream_forbids_buffering_and_storing,
    without_a_place_it_begins_now,
    a_reader_goes_on_where_it_was,
    a_consumer_s_place_is_where_it_begins,
    filters_choose,
    who_asks_for_what_is_not_there_is_told,
    silence_is_broken_and_tells_the_place,
    a_client_of_http_1_0_reads_to_the_end_of_the_connection,
    a_head_has_no_stream,
    streams_are_counted,
]


if __name__ == "__main__":
    SERVICE = Service(checks.under_test(sys.argv[1])).start()
    sys.exit(checks.run(CHECKS, SERVICE, end=SERVICE.stop))
