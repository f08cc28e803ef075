"""Writers that create, change and delete sessions as fast as the service answers, and note in a
ledger what it acknowledged."""

import json
import random
import threading
import time
import typing
import uuid

from ledger import Shared, State, sealed
from service import POLL_S, Connection, Refused, Unanswered

JSON = "application/json"
MERGE = "application/merge-patch+json"
NEXT_STATUS = {"CREATED": ["ACTIVE"], "ACTIVE": ["PAUSED", "TERMINATED"], "PAUSED": ["ACTIVE", "TERMINATED"]}
SHARED = 3
# One text in so many spans several pages of the database.
LONG_TEXT_IN = 16


class Plan(typing.NamedTuple):
    """A request and what it changes. `id` is None for a POST; a state is None for no session."""

    method: str
    body: dict
    media_type: str
    id: str
    before: State
    after: State

    @property
    def target(self):
        return "/sessions" if self.id is None else f"/sessions/{self.id}"


class Sent(typing.NamedTuple):
    """A request that got no answer."""

    request_id: str
    sent_s: float
    why: str


class Writer(threading.Thread):
    """Ends when nobody listens, when a request gets no answer, or, unless it is stubborn, when it
    hears that the service is ending."""

    def __init__(self, crowd, number, ids):
        super().__init__(daemon=True)
        self.crowd = crowd
        self.ledger = crowd.ledger
        self.number = number
        self.random = random.Random(crowd.random.random())
        self.ids = ids
        self.requests = 0
        self.request_id = None
        self.acknowledged = 0
        self.refused = 0  # answered, with nothing changed
        self.ending = False
        self.unanswered = None
        self.connection = Connection(crowd.service.address)

    def run(self):
        try:
            while not self.ending and not self.crowd.stopping:
                if self.random.random() < 0.1:
                    self.change_shared(self.random.choice(list(self.ledger.shared.values())))
                else:
                    self.change(self.random.choice(self.PLANS)(self))
        except Refused:
            pass
        except Exception as error:  # a writer that dies must not look like one that is done
            self.crowd.fault(f"writer {self.number}: {type(error).__name__}: {error}")
        self.connection.close()

    def text(self):
        long = self.random.randrange(LONG_TEXT_IN) == 0
        return self.random.randbytes(self.random.randrange(50000 if long else 600)).hex()

    def context(self, token):
        return sealed({"token": token, "parts": {str(i): self.text() for i in range(self.random.randrange(4))}})

    def plan_create(self):
        token = str(uuid.UUID(int=self.random.getrandbits(128)))
        after = State(f"/writer/{self.number}", token, "CREATED", self.context(token), 1)
        return Plan("POST", self.payload(after), JSON, None, None, after)

    def plan_put(self):
        after = self.plan_create().after
        return Plan("PUT", self.payload(after), JSON, after.thread_id, None, after)

    @staticmethod
    def payload(state):
        return {name: getattr(state, name) for name in ("project_path", "thread_id", "context")}

    def plan_change(self, media_type, body_of):
        """A PATCH of one of the writer's sessions; body_of gives the body and the members it changes."""
        if not self.ids:
            return self.plan_create()
        id = self.random.choice(self.ids)
        before = self.ledger.states[id]
        body, members = body_of(before)
        return Plan("PATCH", body, media_type, id, before, before._replace(version=before.version + 1, **members))

    def plan_status(self):
        return self.plan_change(JSON, self.status_or_context)

    def plan_context(self):
        return self.plan_change(JSON, self.whole_context)

    def plan_both(self):
        def both(before):
            body, members = self.whole_context(before)
            status, changed = self.status_or_context(before)
            return {**body, **status}, {**members, **changed}
        return self.plan_change(JSON, both)

    def plan_merge(self):
        return self.plan_change(MERGE, self.merge)

    def whole_context(self, before):
        context = self.context(before.context["token"])
        return {"context": context}, {"context": context}

    def status_or_context(self, before):
        following = NEXT_STATUS.get(before.status)
        if following is None:
            return self.whole_context(before)
        status = self.random.choice(following)
        return {"status": status}, {"status": status}

    def merge(self, before):
        part, text = str(self.random.randrange(4)), self.text()
        parts = {**before.context["parts"], part: text}
        context = sealed({**before.context, "parts": parts})
        return {"context": {"parts": {part: text}, "sum": context["sum"]}}, {"context": context}

    def plan_delete(self):
        if not self.ids:
            return self.plan_create()
        id = self.random.choice(self.ids)
        return Plan("DELETE", None, None, id, self.ledger.states[id], None)

    PLANS = [plan_create] * 6 + [plan_put] * 2 + [plan_status] * 3 + [plan_context] * 3 + [plan_both] * 2 + \
            [plan_merge] * 3 + [plan_delete] * 1

    def send(self, method, target, body, media_type):
        self.requests += 1
        self.request_id = f"{self.crowd.name}-{self.number}-{self.requests}"
        headers = {"X-Request-Id": self.request_id}
        if body is not None:
            headers["Content-Type"] = media_type
        return self.connection.call(method, target, None if body is None else json.dumps(body).encode(), headers)

    def attempt(self, method, target, body, media_type):
        """The response when the change was acknowledged; False when nothing was changed, None when
        that is unknown."""
        sent_s = time.monotonic()
        try:
            response = self.send(method, target, body, media_type)
        except Unanswered as error:
            self.unanswered = Sent(self.request_id, sent_s, str(error))
            self.ending = True
            return None
        if response.status < 300:
            self.acknowledged += 1
            return response
        self.crowd.answered(method, response)
        unknown = response.problem() == "outcome-unknown"
        self.ending = self.ending or unknown or response.problem() == "stopping" and not self.crowd.stubborn
        self.refused += not unknown
        return None if unknown else False

    def change(self, plan):
        response = self.attempt(plan.method, plan.target, plan.body, plan.media_type)
        if response is None:
            self.ledger.doubt(plan.id, plan.before, plan.after)
        if (response is None or response and plan.after is None) and plan.id in self.ids:
            self.ids.remove(plan.id)
        if not response:
            return
        id = plan.id
        if plan.after is not None:
            id = response.json()["id"]
            if State.of(response.json()) != plan.after:
                self.crowd.fault(f"{plan.method} {plan.target}: {response.body[:300]!r}, not {str(plan.after)[:300]}")
        if plan.before is None:
            self.ids.append(id)
        self.ledger.settle(id, plan.after)

    def change_shared(self, shared):
        member, value = f"writer{self.number}", sealed({"at": self.requests, "text": self.text()[:200]})
        response = self.attempt("PATCH", f"/sessions/{shared.id}", {"context": {member: value}}, MERGE)
        if response is None:
            shared.doubts[member] = value
        if not response:
            return
        session = response.json()
        if session["context"].get(member) != value:
            self.crowd.fault(f"shared {shared.id}: {response.body[:300]!r} lacks {value}")
        with self.crowd.lock:
            shared.acknowledged[member] = value
            shared.versions = max(shared.versions, session["version"])
            shared.count += 1


class Crowd:
    """Writers at work on one life of a service. `allowed` are the problems, by name, that they may
    be answered; any other is a fault."""

    def __init__(self, service, ledger, seed, count=16, allowed=(), name="w", stubborn=False):
        self.service = service
        self.ledger = ledger
        self.random = random.Random(seed)
        self.allowed = set(allowed)
        self.name = name
        self.stubborn = stubborn
        self.stopping = False
        self.faults = []
        self.problems = {}
        self.lock = threading.Lock()
        self.make_shared()
        living = [id for id, state in ledger.states.items() if state is not None]
        self.writers = [Writer(self, number, living[number::count]) for number in range(count)]
        for writer in self.writers:
            writer.start()

    def make_shared(self):
        while len(self.ledger.shared) < SHARED:
            body = {"project_path": "/shared", "thread_id": "shared"}
            session = self.service.call("POST", "/sessions", json.dumps(body).encode(), {"Content-Type": JSON}).json()
            self.ledger.shared[session["id"]] = Shared(session)

    def fault(self, sentence):
        with self.lock:
            self.faults.append(sentence)

    def answered(self, method, response):
        """Takes note of a response that is no success."""
        name = response.problem()
        with self.lock:
            self.problems[name] = self.problems.get(name, 0) + 1
        if name not in self.allowed:
            self.fault(f"{method}: {response.status} {response.body[:300]!r}")

    def acknowledged(self):
        return sum(writer.acknowledged for writer in self.writers)

    def unanswered(self):
        return [writer.unanswered for writer in self.writers if writer.unanswered is not None]

    def await_acknowledged(self, count, patience_s=60):
        """Whether so many more were acknowledged."""
        wanted = self.acknowledged() + count
        return self.await_that(lambda: self.acknowledged() >= wanted, patience_s)

    def await_that(self, holds, patience_s=60):
        """Whether it came true while any writer was at work."""
        until = time.monotonic() + patience_s
        while not holds():
            if time.monotonic() > until or not any(writer.is_alive() for writer in self.writers):
                return holds()
            time.sleep(POLL_S)
        return True

    def join(self):
        """Waits for the writers' ends; with stop() first, or the service's end, they all end."""
        for writer in self.writers:
            writer.join()

    def stop(self):
        self.stopping = True
        self.join()
