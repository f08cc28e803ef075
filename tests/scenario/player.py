"""A player of the property test: one random request after the other, each answer held against the model's."""

import collections
import datetime
import json
import random
import uuid

from model import Answer, Conditions, Model
from scenario import Client, await_true

FOLDERS = ["", "/a", "/a/b", "/a/b/c", "/ab", "/a.b", "/d"]
CONTEXTS = [{}, {"n": 1}, {"n": 2, "deep": {"a": 1, "b": [1, 2]}}, {"deep": {"a": None}}, {"n": None}]
STREAMS = ["main", "side"]
STATUSES = ["CREATED", "ACTIVE", "PAUSED", "TERMINATED"]
MANY = 12  # sessions; then more are deleted
KEYED = 0.4
REMEMBERED = 40
SHOWN_LINES = 12

WEIGHTS = {"create": 10, "put": 4, "get": 6, "patch": 18, "transition": 14, "take": 20, "release": 7, "recover": 4,
           "relocate": 4, "append": 14, "delete": 4, "retry": 10, "look_at_all": 1}


class Mismatch(Exception):
    """The service and the model differ."""


class Player:
    """Plays in a space of its own, a folder and the owners and threads named after it. Alone in the service, it also
    recovers what nobody holds, kills the service and waits for leases to end."""

    def __init__(self, service, space, seed, alone):
        self.service = service
        self.space = space
        self.random = random.Random(seed)
        self.client = Client(service)
        self.model = Model()
        self.asked = collections.deque(maxlen=REMEMBERED)  # (request, rule) under a key
        self.history = collections.deque(maxlen=SHOWN_LINES)
        self.counts = collections.Counter()  # of operations and of refusals
        self.weights = {**WEIGHTS, **({"restart": 0.5, "expire": 0.1} if alone else {})}
        self.alone = alone
        self.seen = 0  # events of the model's that were held against the service's
        self.newest = 0
        self.expires = {}  # expires_at of the leases that this player took, by session

    def step(self):
        weights = {**self.weights, "delete": 40} if len(self.model.sessions) > MANY else self.weights
        operation = self.random.choices(list(weights), list(weights.values()))[0]
        self.counts[operation] += 1
        getattr(self, operation)()

    # --- What a request is made of

    def often(self, chance):
        return self.random.random() < chance

    def folder(self):
        return f"/{self.space}" + self.random.choice(FOLDERS)

    def thread(self):
        return f"{self.space} {self.random.randint(1, 3)}"

    def owner(self):
        return f"{self.space} daemon {self.random.randint(1, 3)}"

    def name(self):
        """Mostly of a session that is there."""
        there = list(self.model.sessions)
        if there and self.often(0.96):
            return self.random.choice(there)
        deleted = [name for name in self.model.tokens if name not in self.model.sessions]
        return self.random.choice(deleted) if deleted and self.often(0.7) else self.new_name()

    def new_name(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def token(self, name):
        session = self.model.sessions.get(name)
        last = max(session.token, self.model.tokens.get(name, 0)) if session else 0
        if session and session.lease and self.often(0.6):
            return session.token
        return self.random.choice([None, None, None, last, max(0, last - 1), last + 1]) or None

    def tags(self, name):
        session = self.model.sessions.get(name)
        version = session.version if session else 1
        return self.random.choice(["*", [(False, version)], [(True, version)], [(False, max(1, version - 1))],
                                   [(True, version + 1), (False, version)]])

    def conditions(self, name, token=None):
        """The conditions and their headers."""
        match = self.tags(name) if self.often(0.2) else None
        none_match = self.tags(name) if self.often(0.1) else None
        headers = {"Lease-Token": token, "If-Match": written(match), "If-None-Match": written(none_match)}
        return Conditions(match, none_match, token), headers

    def new_session(self):
        return {"project_path": self.folder(), "thread_id": self.thread(), "context": self.random.choice(CONTEXTS[:3])}

    # --- Sending it

    def ask(self, request, rule):
        """rule(response) is the model's answer."""
        response = self.send(request)
        self.hold(request, response, rule(response))
        return response

    def ask_once(self, request, rule):
        """Like ask, often under a key."""
        if not self.often(KEYED):
            return self.ask(request, rule)
        method, target, body, headers = request
        request = (method, target, body, {**headers, "Idempotency-Key": f'"{self.space} {self.new_name()}"'})
        response = self.ask(request, rule)
        self.keep(request, response)
        self.asked.append((request, rule))
        return response

    def keep(self, request, response):
        if response.status < 300:
            self.model.kept[request[3]["Idempotency-Key"]] = response

    def send(self, request):
        method, target, body, headers = request
        self.history.append(f"{method} {target} {json.dumps(body)} {headers}")
        response = self.client.call(method, target, body, **headers)
        self.history.append(f"  {response.status} {response.body.decode().strip()}")
        return response

    def hold(self, request, response, answer):
        if answer.problem:
            self.counts[answer.problem] += 1
        if response.status != answer.status or response.problem() != answer.problem:
            raise Mismatch(f"the model says {answer}")
        got = shown(response.json()) if response.body else {}
        for member, value in (answer.members or {}).items():
            if got.get(member) != value:
                raise Mismatch(f"{member} is {got.get(member)!r}, and in the model {value!r}")
        if response.headers.get("idempotency-replayed"):
            raise Mismatch("the answer is replayed")

    def look_at_log(self, name, stream):
        page = self.send(("GET", f"/sessions/{name}/entries?limit=1000&stream={stream}", None, {})).json()
        got = [(entry["seq"], entry["entry"]) for entry in page["entries"]]
        wanted = list(enumerate(self.model.sessions[name].streams.get(stream, []), 1))
        if got != wanted or page["last_seq"] != len(wanted):
            raise Mismatch(f"the stream {stream} is {page}, and in the model {wanted}")

    def look_at(self, name):
        response = self.ask(("GET", f"/sessions/{name}", None, {}), lambda _: self.model.get(name, Conditions()))
        lease = response.json().get("lease")
        if lease and lease["expires_at"] != self.expires.get(name, lease["expires_at"]) and \
                not self.service.events("writer_stalled"):  # which begins all terms anew
            raise Mismatch(f"expires_at is {lease['expires_at']}, and when its term began it was {self.expires[name]}")

    def look_at_all(self):
        for thread in (f"{self.space} {i}" for i in (1, 2, 3)):
            thread_id = thread.replace(" ", "%20")
            page = self.send(("GET", f"/sessions?limit=1000&order=asc&include=context&thread_id={thread_id}", None, {}))
            got = [shown(session) for session in page.json()["sessions"]]
            wanted = [session.shown() for session in self.model.sessions.values() if session.thread_id == thread]
            for session in got:
                for stream in STREAMS:
                    self.look_at_log(session["id"], stream)
            if got != wanted:
                raise Mismatch(f"the list of {thread!r} is {got}, and in the model {wanted}")
        self.look_at_events()

    def look_at_events(self):
        """What has happened since the last look, from the place that is kept for this player."""
        place = f"/consumers/{self.space}"
        if self.newest == 0:
            self.send(("PUT", place, {"after": 0}, {}))
        for event in self.new_events():
            if event.pop("id") <= self.newest:
                raise Mismatch(f"an event that is older than one before it: {event}")
            self.newest = event_id(event.pop("time"))
            if not event["thread_id"].startswith(f"{self.space} "):
                continue
            wanted = self.model.events[self.seen] if self.seen < len(self.model.events) else None
            if event != wanted:
                raise Mismatch(f"event {self.seen} is {event}, and in the model {wanted}")
            self.seen += 1
        if self.seen < len(self.model.events):
            raise Mismatch(f"there is no event of {self.model.events[self.seen]}")
        self.send(("PUT", place, {"after": self.newest}, {}))

    def new_events(self):
        page = self.send(("GET", f"/events?limit=1000&consumer={self.space}", None, {})).json()
        yield from page["events"]
        while page["more"]:
            page = self.send(("GET", f"/events?limit=1000&after={page['next_after']}", None, {})).json()
            yield from page["events"]

    # --- The operations

    def create(self):
        body = self.new_session()
        if self.often(0.4):
            body["if_exists"] = "return"
        self.ask_once(("POST", "/sessions", body, {}), lambda response: self.model.create(body, response.json()["id"]))

    def put(self):
        name, body = self.name(), self.new_session()
        if name in self.model.sessions and self.often(0.7):
            stored = self.model.sessions[name]
            body = {**body, "project_path": stored.project_path, "thread_id": stored.thread_id}
        conditions, headers = self.conditions(name)
        self.ask(("PUT", f"/sessions/{name}", body, headers), lambda _: self.model.put(name, body, conditions))

    def get(self):
        name = self.name()
        conditions, headers = self.conditions(name)
        self.ask(("GET", f"/sessions/{name}", None, headers), lambda _: self.model.get(name, conditions))

    def patch(self):
        name, merge, body = self.name(), self.often(0.5), {}
        if self.often(0.4):
            body["status"] = self.random.choice(STATUSES)
        if self.often(0.8):
            body["context"] = self.random.choice(CONTEXTS if merge else CONTEXTS[:3])
        conditions, headers = self.conditions(name, self.token(name))
        headers["Content-Type"] = "application/merge-patch+json" if merge else "application/json"
        self.ask(("PATCH", f"/sessions/{name}", body, headers),
                 lambda _: self.model.patch(name, body, merge, conditions))
        self.look_at(name)

    def transition(self):
        name = self.name()
        session = self.model.sessions.get(name)
        old = session.status if session and self.often(0.8) else self.random.choice(STATUSES)
        new = self.random.choice(STATUSES if self.often(0.3) else ["ACTIVE", "PAUSED"])
        conditions, headers = self.conditions(name, self.token(name))
        self.ask_once(("POST", f"/sessions/{name}/transition", {"from": old, "to": new}, headers),
                      lambda _: self.model.transition(name, old, new, conditions))
        self.look_at(name)

    def take(self):
        """Grants, renewals, steals and what is refused."""
        name, owner, ttl_seconds, steal = self.name(), self.owner(), self.random.choice([600, 3600]), self.often(0.2)
        session, token = self.model.sessions.get(name), None
        if session and session.lease and self.often(0.6):
            owner = session.lease["owner"]
            token = self.token(name)
        elif self.often(0.1):
            token = self.token(name)
        body = {"owner": owner, "ttl_seconds": ttl_seconds, "steal": steal}
        response = self.ask(("PUT", f"/sessions/{name}/lease", body, {"Lease-Token": token}),
                            lambda response: self.model.take(name, owner, ttl_seconds, steal, token, granted(response)))
        if response.status == 200:
            self.expires[name] = response.json()["expires_at"]
        self.look_at(name)

    def release(self):
        name = self.name()
        token = self.token(name)
        self.ask(("DELETE", f"/sessions/{name}/lease", None, {"Lease-Token": token}),
                 lambda _: self.model.release(name, token))
        self.look_at(name)

    def recover(self):
        owner = None if self.alone and self.often(0.5) else self.owner()
        self.ask_once(("POST", "/sessions/recover", {"owner": owner} if owner else {}, {}),
                      lambda response: self.model.recover(owner, response.json()["recovered_at"]))
        self.look_at_all()

    def relocate(self):
        old, new, dry_run = self.folder(), self.folder() + self.random.choice(["", "/"]), self.often(0.3)
        self.ask_once(("POST", "/sessions/relocate", {"from": old, "to": new, "dry_run": dry_run}, {}),
                      lambda _: self.model.relocate(old, new, dry_run))
        self.look_at_all()

    def new_entry(self):
        entry = {"n": self.random.randint(1, 2)}
        return {"uuid": self.random.choice("abcdefgh"), **entry} if self.often(0.5) else entry

    def append(self):
        name, stream = self.name(), self.random.choice(STREAMS)
        token = self.token(name)
        batch = [self.new_entry() for _ in range(self.random.choice([0, 1, 1, 2, 4]))]
        query, expected = f"?stream={stream}", None
        if self.often(0.3):
            session = self.model.sessions.get(name)
            expected = len(session.streams.get(stream, [])) if session else 0
            expected += self.random.choice([0, 0, 1])
            query += f"&expect_last_seq={expected}"
        self.ask_once(("POST", f"/sessions/{name}/entries{query}", batch, {"Lease-Token": token}),
                      lambda _: self.model.append(name, stream, batch, expected, token))
        self.look_at(name)

    def delete(self):
        name = self.name()
        conditions, headers = self.conditions(name, self.token(name))
        self.ask(("DELETE", f"/sessions/{name}", None, headers), lambda _: self.model.delete(name, conditions))
        self.look_at(name)

    def retry(self):
        """A keyed request again: what had an effect is replayed, what was refused is tried; or another one."""
        if not self.asked:
            return
        request, rule = self.random.choice(self.asked)
        first = self.model.kept.get(request[3]["Idempotency-Key"])
        if first is None:
            self.keep(request, self.ask(request, rule))
            return
        if self.often(0.3):
            other = {**self.new_session(), "context": {"other": True}}
            self.hold(request, self.send(("POST", "/sessions", other, request[3])),
                      Answer(422, "idempotency-key-reused"))
            return
        again = self.send(request)
        if kept(again) != kept(first) or again.headers.get("idempotency-replayed") != "true":
            raise Mismatch(f"the first answer was {kept(first)}")
        self.counts["replay"] += 1

    def restart(self):
        self.service.kill()
        self.service.start()
        self.expires.clear()
        self.look_at_all()

    def expire(self):
        name, owner = self.name(), self.owner()
        response = self.ask(("PUT", f"/sessions/{name}/lease", {"owner": owner, "ttl_seconds": 1, "steal": True}, {}),
                            lambda response: self.model.take(name, owner, 1, True, None, granted(response)))
        if response.status != 200:
            return
        self.expires.pop(name, None)

        def stored():
            return self.client.call("GET", f"/sessions/{name}").json()

        if not await_true(lambda: stored()["lease"] is None, 10, 0.05):
            raise Mismatch("the lease does not end")
        self.model.expire(name, stored()["recovered_at"])
        self.look_at(name)


def event_id(time):
    """An event's id is its time in microseconds."""
    since = datetime.datetime.fromisoformat(time) - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    return since // datetime.timedelta(microseconds=1)


def written(tags):
    """The tags as a header has them."""
    if tags is None or tags == "*":
        return tags
    return ", ".join(f'{"W/" if weak else ""}"{version}"' for weak, version in tags)


def granted(response):
    return response.json()["token"] if response.status == 200 else 0


def shown(document):
    """Without the times that the model does not know."""
    members = {name: value for name, value in document.items() if name not in
               ("created_at", "updated_at", "expires_at")}
    if members.get("lease"):
        members["lease"] = {name: value for name, value in members["lease"].items() if name != "expires_at"}
    return members


def kept(response):
    return response.status, response.headers.get("location"), response.headers.get("etag"), response.body
