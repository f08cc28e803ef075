"""The wall clock is set forward and back by an hour under leases that are held: none ends, and none lasts longer.

--clock names the shared object of shifted_clock.c.
"""

import os
import struct
import sys
import tempfile
import time

from scenario import Client, await_true, run

TTL_SECONDS = 2
LATE_S = 1.0
OWNER = {"owner": "daemon-1", "ttl_seconds": TTL_SECONDS}


class Clock:
    """The service's wall clock."""

    def __init__(self, shared_object):
        self.file = tempfile.NamedTemporaryFile()
        self.shift_s = 0
        self.step(0)
        options = os.environ.get("ASAN_OPTIONS", "")
        self.environment = {"LD_PRELOAD": os.path.abspath(shared_object), "SHIFTED_CLOCK_FILE": self.file.name,
                            "ASAN_OPTIONS": f"{options}:verify_asan_link_order=0"}

    def step(self, seconds):
        self.shift_s += seconds
        self.file.seek(0)
        self.file.write(struct.pack("=q", self.shift_s * 1000000))
        self.file.flush()


def take_lease(client, thread):
    new = {"project_path": "/story/clock", "thread_id": thread}
    target = client.call("POST", "/sessions", new, key=thread).headers["location"]
    return target, client.call("PUT", f"{target}/lease", OWNER).json()


def holds(story, client, target, lease, step_s):
    """What the step leaves as it was, and what it moves."""
    session = client.call("GET", target).json()
    if not story.check(session["lease"] is not None, f"a step of {step_s} s ended the lease"):
        return
    story.equal(session["lease"]["expires_at"], lease["expires_at"], f"expires_at after a step of {step_s} s")
    story.equal(client.call("PATCH", target, {"context": {"step": step_s}}, token=lease["token"]).status, 200,
                f"the status of the holder's write after a step of {step_s} s")
    refused = client.call("PUT", f"{target}/lease", {"owner": "daemon-2", "ttl_seconds": 1})
    story.equal(refused.problem(), "lease-held", f"another's lease after a step of {step_s} s")
    story.check(1 <= int(refused.headers["retry-after"]) <= TTL_SECONDS,
                f"Retry-After is {refused.headers['retry-after']} after a step of {step_s} s")


def lasts(story, client, target, begin_s, answered_s, what):
    """The lease lasts its term from begin_s, by this process's monotonic clock, and ends in time after answered_s.
    Returns how long it lasted."""
    def is_free():
        return client.call("GET", target).json()["lease"] is None

    ended = await_true(is_free, TTL_SECONDS + 2 * LATE_S, 0.01)
    now_s = time.monotonic()
    if story.check(ended, f"{what} has not ended after {now_s - begin_s:.2f} s"):
        story.check(now_s >= begin_s + TTL_SECONDS, f"{what} ended after {now_s - begin_s:.2f} s")
        story.check(now_s <= answered_s + TTL_SECONDS + LATE_S, f"{what} lasted for {now_s - answered_s:.2f} s")
    session = client.call("GET", target).json()
    story.equal(session["status"], "PAUSED", f"the status after {what}")
    story.check(session["created_at"] < session["recovered_at"] == session["updated_at"], f"the times of {session}")
    return now_s - begin_s


def clock_steps(story):
    clock = Clock(story.arguments.clock)
    service = story.service(environment=clock.environment)
    client = Client(service)
    newest, lasted = "", []
    for number, step_s in enumerate((3600, -7200, 3600)):
        begin_s = time.monotonic()
        target, lease = take_lease(client, f"kept {number}")
        answered_s = time.monotonic()
        renewed, its_lease = take_lease(client, f"renewed {number}")
        clock.step(step_s)
        holds(story, client, target, lease, step_s)
        time.sleep(TTL_SECONDS / 2)
        renewal_s = time.monotonic()
        again = client.call("PUT", f"{renewed}/lease", OWNER, token=its_lease["token"])
        renewed_s = time.monotonic()
        story.equal(again.status, 200, f"the status of a renewal after a step of {step_s} s")
        lasted += [lasts(story, client, target, begin_s, answered_s, f"the lease over a step of {step_s} s"),
                   lasts(story, client, renewed, renewal_s, renewed_s, f"the lease renewed after a step of {step_s} s")]
        key = f"kept {number}"
        repeated = client.call("POST", "/sessions", {"project_path": "/story/clock", "thread_id": key}, key=key)
        story.equal(repeated.headers.get("idempotency-replayed"), "true", "whether a key outlives the step")
        created = client.call("GET", renewed).json()["created_at"]
        story.check(created > newest, f"created_at went from {newest} to {created}")
        newest = created
    story.say(f"steps of an hour forward, two back, one forward: leases of {TTL_SECONDS} s lasted for "
              f"{', '.join(f'{s:.2f}' for s in lasted)} s")


if __name__ == "__main__":
    sys.exit(run(__doc__, clock_steps, clock="tests/scenario/libshifted_clock.so"))
