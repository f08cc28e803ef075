"""Leases that nobody renews: each session is paused within a second of its lease's time, and never before it.

With --live-leases N (by hand; not in the suite) also what N leases that are held cost a service that idles.
"""

import os
import random
import sys
import time

from scenario import Client, at_once, await_true, instant, run

CLIENTS = 8
LATE_S = 1.0
POLL_S = 0.03
BUDGET_MS = 1.0  # CPU a second


def in_parallel(service, count, work):
    """work(client, i) for each i, by a few clients."""
    def run_share(share):
        client = Client(service)
        return [work(client, i) for i in range(share, count, CLIENTS)]
    return [result for results in at_once(CLIENTS, run_share) for result in results]


class Lease:
    def __init__(self, client, thread, ttl_seconds, is_paused=False):
        """`is_paused`: its owner pauses the session."""
        new = {"project_path": "/story/expiry", "thread_id": thread}
        self.target = client.call("POST", "/sessions", new).headers["location"]
        self.ttl_s = ttl_seconds
        self.asked_s = time.monotonic()
        body = {"owner": thread, "ttl_seconds": ttl_seconds}
        granted = client.call("PUT", f"{self.target}/lease", body).json()
        self.expires_at, self.expires_s = granted["expires_at"], instant(granted["expires_at"])
        self.granted_s = time.monotonic()
        self.is_paused = is_paused
        if is_paused:
            client.call("PATCH", self.target, {"status": "PAUSED"}, token=granted["token"])


def watch(story, client, leases):
    """Looks again and again which sessions are still ACTIVE, until none is."""
    waiting = {lease.target.split("/")[-1]: lease for lease in leases if not lease.is_paused}
    while waiting:
        before_s = time.monotonic()
        page = client.call("GET", "/sessions?limit=1000&status=ACTIVE&project_path=/story/expiry").json()
        active = {session["id"] for session in page["sessions"]}
        after_s = time.monotonic()
        for name in list(waiting):
            lease = waiting[name]
            if name not in active:
                del waiting[name]
                story.check(after_s >= lease.asked_s + lease.ttl_s, f"{name} was paused before its time")
            elif before_s > lease.granted_s + lease.ttl_s + LATE_S:
                story.failures.append(f"{name} is ACTIVE {before_s - lease.granted_s - lease.ttl_s:.2f} s late")
                del waiting[name]
        time.sleep(POLL_S)


def expiry(story):
    chance = random.Random(story.arguments.seed)
    service = story.service()
    terms = [chance.randint(1, 3) for _ in range(story.arguments.leases)]
    # The oldest lease may be over before the last is granted: what is watched is what is still held.
    leases = in_parallel(service, len(terms), lambda client, i: Lease(client, f"thread {i}", terms[i], i % 8 == 0))
    client = Client(service)
    for lease in leases[:20]:
        shown = client.call("GET", lease.target).json()["lease"]
        story.check(shown is None or shown["expires_at"] == lease.expires_at, f"{lease.target} shows {shown}")
    watch(story, client, leases)
    late_ms = []
    for lease in leases:
        await_true(lambda lease=lease: client.call("GET", lease.target).json()["lease"] is None, 5, POLL_S)
        session = client.call("GET", lease.target).json()
        story.equal((session["status"], session["lease"], session["version"]),
                    ("PAUSED", None, 4 if lease.is_paused else 3), lease.target)
        if story.check(session["recovered_at"] is not None, f"{lease.target} has no recovered_at"):
            late_ms.append(1000 * (instant(session["recovered_at"]) - lease.expires_s))
    late_ms.sort()
    story.check(late_ms[0] >= 0 and late_ms[-1] <= 1000 * LATE_S, f"late by {late_ms[0]:.3f} to {late_ms[-1]:.1f} ms")
    marks = ", ".join(f"{name} {late_ms[int(part * (len(late_ms) - 1))]:.2f}"
                      for name, part in (("least", 0), ("median", 0.5), ("p90", 0.9), ("p99", 0.99), ("most", 1)))
    story.say(f"{len(leases)} leases of 1 to 3 s; from expires_at to recovered_at in ms: {marks}")


def cpu_ms(pid):
    """What the process has used so far: by the kernel's ticks, and by its scheduler's more exact account."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    ticks_ms = (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
    exact_ns = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            exact_ns += int(file.read().split()[0])
    return ticks_ms, exact_ns / 1e6


def idle_cost(story, service, what):
    time.sleep(3)  # the checkpoint after the last write
    before = cpu_ms(service.process.pid)
    time.sleep(story.arguments.idle_s)
    ticks, exact = ((a - b) / story.arguments.idle_s for a, b in zip(cpu_ms(service.process.pid), before))
    story.say(f"{what}, idle for {story.arguments.idle_s:g} s: {ticks:.3f} ms of CPU a second by /proc/PID/stat, "
              f"{exact:.3f} by schedstat")
    return max(ticks, exact)


def live_leases(story):
    count = story.arguments.live_leases
    if count == 0:
        return False
    service = story.service()
    idle_cost(story, service, "no lease")
    in_parallel(service, count, lambda client, i: Lease(client, f"thread {i}", 86400) and None)
    cost_ms = idle_cost(story, service, f"{count} leases")
    story.check(cost_ms <= BUDGET_MS, f"{count} leases cost {cost_ms:.3f} ms of CPU a second")
    client = Client(service)
    active = client.call("GET", "/metrics").body.decode().split('sessiond_sessions{status="ACTIVE"} ')[1].split("\n")[0]
    story.equal(int(active), count, "the sessions that are ACTIVE")
    return True


if __name__ == "__main__":
    sys.exit(run(__doc__, expiry, live_leases, leases=1000, seed="expiry", live_leases=0, idle_s=60.0))
