"""The service is killed between any two steps of a session's life, in the middle of steps, or stands still for a while.

What was acknowledged is there afterwards, tokens only grow, and a lease that was held has its whole term again.
"""

import random
import signal
import sys
import threading
import time
import uuid

from scenario import Client, Refused, Unanswered, at_once, await_true, instant, run

TTL_SECONDS = 600
LATE_S = 1.0
AWAY_S = 5  # longer than the service takes for a mere delay


class Life:
    """One session from its creation to its end. Each step may be sent again when its answer got lost."""

    STEPS = ["create", "lease", "patch", "renew", "steal", "change", "release", "resume", "recover", "relocate", "delete"]

    def __init__(self, story, client, thread):
        self.story = story
        self.client = client
        self.thread = thread
        self.target = None
        self.token = None
        self.tokens = [0]  # of grants, as acknowledged
        self.key = str(uuid.uuid4())
        self.stored = None  # as it was seen after the last step

    def step(self, name, send):
        getattr(self, name)(send)
        self.stored = send("GET", self.target).json() if name != "delete" else None

    def expect(self, response, statuses, what):
        self.story.check(response.status in statuses, f"{self.thread}: {what}: {response.status} {response.body!r}")
        return response

    def create(self, send):
        body = {"project_path": f"/story/kill/{self.thread}", "thread_id": self.thread, "context": {"n": 0}}
        response = self.expect(send("POST", "/sessions", body, key=f"{self.key} create"), [201], "create")
        self.target = response.headers["location"]

    def take(self, send, owner, steal):
        body = {"owner": f"{owner} {self.thread}", "ttl_seconds": TTL_SECONDS, "steal": steal}
        self.token = self.expect(send("PUT", f"{self.target}/lease", body), [200], owner).json()["token"]
        self.story.check(self.token > self.tokens[-1], f"{self.thread}: token {self.token} after {self.tokens}")
        self.tokens.append(self.token)

    def lease(self, send):
        self.take(send, "first", False)

    def patch(self, send):
        self.expect(send("PATCH", self.target, {"context": {"n": 1}}, token=self.token), [200], "patch")

    def renew(self, send):
        body = {"owner": f"first {self.thread}", "ttl_seconds": 2 * TTL_SECONDS}
        response = self.expect(send("PUT", f"{self.target}/lease", body, token=self.token), [200], "renew")
        self.story.equal(response.json()["token"], self.token, f"{self.thread}: the renewed token")

    def steal(self, send):
        self.take(send, "second", True)
        old = send("PATCH", self.target, {"context": {"n": "old"}}, token=self.tokens[-2])
        self.story.equal(old.problem(), "lease-lost", f"{self.thread}: a write with an old token")

    def change(self, send):
        response = send("PATCH", self.target, {"context": {"n": 2}}, token=self.token)
        self.story.equal(self.expect(response, [200], "change").json()["context"], {"n": 2}, "the context")

    def release(self, send):
        self.expect(send("DELETE", f"{self.target}/lease", token=self.token), [204], "release")

    def resume(self, send):
        move = {"from": "PAUSED", "to": "ACTIVE"}
        self.expect(send("POST", f"{self.target}/transition", move, key=f"{self.key} resume"), [200], "resume")

    def recover(self, send):
        response = self.expect(send("POST", "/sessions/recover", {}, key=f"{self.key} recover"), [200], "recover")
        self.story.equal(response.json()["recovered"], [self.target.split("/")[-1]], f"{self.thread}: the recovered")

    def relocate(self, send):
        move = {"from": f"/story/kill/{self.thread}", "to": f"/story/moved/{self.thread}"}
        response = self.expect(send("POST", "/sessions/relocate", move, key=f"{self.key} relocate"), [200], "relocate")
        self.story.equal(response.json()["relocated"], [{"id": self.target.split("/")[-1], "project_path": move["to"]}],
                         f"{self.thread}: the relocated")

    def delete(self, send):
        self.expect(send("DELETE", self.target), [204, 404], "delete")

    def check_kept(self, started_at):
        """After a restart: what was seen before it is there; a lease has its whole term from then on at least."""
        response = self.client.call("GET", self.target)
        if self.stored is None:
            self.story.equal(response.status, 404, f"{self.thread}: what was deleted")
            return
        session = response.json()
        before, now = self.stored["lease"], session["lease"]
        if before and self.story.check(now is not None, f"{self.thread}: the lease is gone"):
            self.story.equal({**now, "expires_at": ""}, {**before, "expires_at": ""}, f"{self.thread}: the lease")
            left_s = instant(now["expires_at"]) - started_at
            self.story.check(left_s >= now["ttl_seconds"] - 0.001, f"{self.thread}: the lease has {left_s:.3f} s left")
        self.story.equal({**session, "lease": None}, {**self.stored, "lease": None}, f"{self.thread}: the session")


def restart(service):
    """Returns the wall clock's time after the kill."""
    service.kill()
    killed_at = time.time()
    service.start()
    return killed_at


def between_steps(story):
    service = story.service()
    client = Client(service)
    places = range(len(Life.STEPS) + 1)
    for place in (*places, None):  # None: at each of them
        life = Life(story, client, f"kill at {place}")
        for number, name in enumerate(Life.STEPS):
            if number and place in (number, None):
                life.check_kept(restart(service))
            life.step(name, client.call)
        life.check_kept(restart(service))
    story.say(f"{len(Life.STEPS)} steps, killed at each of the {len(places)} places between them, and at all")


class Killer:
    """Sends requests of which it does not know whether the service lives to answer them."""

    def __init__(self, service, chance):
        self.service = service
        self.client = Client(service)
        self.chance = chance
        self.unanswered = 0

    def send(self, *request, **more):
        """Kills the service at a moment while the request may be under way; sends it again where it was not answered."""
        kill = threading.Timer(self.chance.uniform(0, 0.003), self.service.kill)
        kill.start()
        try:
            response = self.client.call(*request, **more)
        except (Refused, Unanswered):
            response = None
            self.unanswered += 1
        kill.join()
        self.service.start()
        return self.client.insist(*request, **more) if response is None else response


def in_steps(story):
    service = story.service()
    killer = Killer(service, random.Random(story.arguments.seed))
    client = Client(service)
    for number in range(story.arguments.rounds):
        life = Life(story, client, f"round {number}")
        for name in Life.STEPS:
            life.step(name, killer.send)
        life.check_kept(time.time())
    story.say(f"{story.arguments.rounds} times {len(Life.STEPS)} steps, a kill in each request: "
              f"{killer.unanswered} were not answered and sent again")


class Holder:
    """A session with a lease of so many seconds."""

    def __init__(self, story, client, ttl_seconds):
        self.story, self.client, self.ttl_s = story, client, ttl_seconds
        new = {"project_path": "/story/away", "thread_id": f"{ttl_seconds} s"}
        self.target = client.call("POST", "/sessions", new).headers["location"]
        body = {"owner": "daemon", "ttl_seconds": ttl_seconds}
        self.token = client.call("PUT", f"{self.target}/lease", body).json()["token"]

    def check_term(self, since_s, served_s):
        """The lease is held, and lasts its term from since_s on, and not much longer after served_s (monotonic)."""
        what = f"the lease of {self.ttl_s} s"
        written = self.client.call("PATCH", self.target, {"context": {"back": True}}, token=self.token)
        self.story.equal(written.status, 200, f"the status of a write under {what} after a time without service")

        def is_free():
            return self.client.call("GET", self.target).json()["lease"] is None

        ended = await_true(is_free, self.ttl_s + 3 * LATE_S, 0.01)
        now_s = time.monotonic()
        self.story.check(ended and since_s + self.ttl_s <= now_s <= served_s + self.ttl_s + LATE_S,
                         f"{what} ended {now_s - since_s:.2f} s after the service was back")


def away(story, leave, come_back):
    """The service is away for longer than the leases last."""
    service = story.service()
    client = Client(service)
    holders = [Holder(story, client, ttl_seconds) for ttl_seconds in (1, 2, 3)]
    leave(service)
    time.sleep(AWAY_S)
    since_s = time.monotonic()
    come_back(service)
    client.insist("GET", "/healthz")
    served_s = time.monotonic()
    for holder in holders:
        holder.check_term(since_s, served_s)


def without_service(story):
    """Killed, stopped as an operator does, and standing still."""
    ways = [(lambda service: service.kill(), lambda service: service.start()),
            (lambda service: story.equal(service.terminate(), 0, "the exit status"), lambda service: service.start()),
            (lambda service: service.process.send_signal(signal.SIGSTOP),
             lambda service: service.process.send_signal(signal.SIGCONT))]
    at_once(len(ways), lambda i: away(story, *ways[i]))
    story.say(f"leases of 1, 2 and 3 s lasted their terms again after {AWAY_S} s without service: killed, stopped, frozen")


if __name__ == "__main__":
    sys.exit(run(__doc__, between_steps, in_steps, without_service, rounds=3, seed="kill"))
