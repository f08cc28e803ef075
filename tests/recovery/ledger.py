"""What the service acknowledged, and whether it is still there after a crash.

Each session has one writer, so its acknowledged state is known exactly. A request that got no answer
leaves a doubt: the session is as it was before, or as the request would have made it; anything else
is torn. Sessions that all writers change at once (Shared) are counted instead.
"""

import hashlib
import json
import typing


def checksum(members):
    """Of a JSON object without its member `sum`."""
    rest = {name: value for name, value in members.items() if name != "sum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]


def sealed(members):
    return {**members, "sum": checksum(members)}


class State(typing.NamedTuple):
    """A session, without its id and times."""

    project_path: str
    thread_id: str
    status: str
    context: dict
    version: int

    @staticmethod
    def of(session):
        return State(*(session[name] for name in State._fields))


class Doubt(typing.NamedTuple):
    """A request without an answer. `id` is None for a POST; a state is None for no session."""

    id: str
    before: State
    after: State


class Shared:
    """A session that every writer merges into, each at a member of its own."""

    def __init__(self, session):
        self.id = session["id"]
        self.acknowledged = {}  # the member -> the last value that was acknowledged
        self.versions = 1       # the highest version that was acknowledged
        self.count = 0          # of acknowledged changes
        self.doubts = {}        # the member -> the value that got no answer

    def verify(self, session, verdict):
        """Goes on from what is there."""
        torn = []
        for member, value in session["context"].items():
            allowed = [self.acknowledged.get(member), self.doubts.get(member)]
            if value not in allowed or value["sum"] != checksum(value):
                torn.append(f"shared {self.id}: {member} is {str(value)[:120]}")
        lost = [f"shared {self.id}: {member}" for member in self.acknowledged if member not in session["context"]]
        changes = session["version"] - 1
        if changes < self.count or session["version"] < self.versions:
            lost.append(f"shared {self.id}: {changes} changes of {self.count}")
        if changes > self.count + len(self.doubts):
            torn.append(f"shared {self.id}: {changes} changes, of {self.count} + {len(self.doubts)} in doubt")
        verdict.lost += lost
        verdict.torn += torn
        self.acknowledged = dict(session["context"])
        self.count, self.versions = changes, session["version"]
        self.doubts.clear()


class Verdict:
    def __init__(self):
        self.lost = []
        self.torn = []
        self.phantoms = []
        self.unequal = []  # lists that do not say what GET says
        self.old = 0       # doubts that turned out not to have happened
        self.new = 0       # doubts that did

    def failures(self):
        return [f"{kind}: {sentence}" for kind in ("lost", "torn", "phantoms", "unequal")
                for sentence in getattr(self, kind)]

    def add(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class Ledger:
    """Writers change different sessions, so they share it without a lock."""

    def __init__(self):
        self.states = {}   # id -> State, or None for what was deleted
        self.shared = {}   # id -> Shared
        self.doubts = []
        self.touched = set()

    def settle(self, id, state):
        self.states[id] = state
        self.touched.add(id)

    def doubt(self, id, before, after):
        self.doubts.append(Doubt(id, before, after))

    def _judge(self, id, found, allowed, verdict):
        """One session against the states that it may have."""
        if found in allowed:
            return
        acknowledged = allowed[0]
        if found is None or acknowledged is None or found.version < acknowledged.version:
            verdict.lost.append(f"{id}: acknowledged {str(acknowledged)[:300]}, found {str(found)[:300]}")
        else:
            verdict.torn.append(f"{id}: {str(found)[:300]} is none of {str(allowed)[:600]}")

    def _adopt(self, id, found, posts, verdict):
        """A session whose id was never told: made by a POST in doubt, or by nobody."""
        made = posts.pop(found.context.get("token"), None)
        if made is None:
            verdict.phantoms.append(f"{id}: {str(found)[:300]}")
            return
        self._judge(id, found, [made], verdict)
        verdict.new += 1
        self.settle(id, found)

    def verify(self, sessions):
        """Compares with all sessions that there are, by id, and goes on from them."""
        verdict = Verdict()
        doubts = {doubt.id: doubt for doubt in self.doubts if doubt.id is not None}
        posts = {doubt.after.context["token"]: doubt.after for doubt in self.doubts if doubt.id is None}
        self.doubts = []
        for id in set(self.states) | set(doubts):
            found = State.of(sessions[id]) if id in sessions else None
            doubt = doubts.get(id)
            allowed = [self.states.get(id)] if doubt is None else [doubt.before, doubt.after]
            self._judge(id, found, allowed, verdict)
            if doubt is not None:
                verdict.new += found == doubt.after
                verdict.old += found != doubt.after
                self.settle(id, found)
        for id in set(sessions) - set(self.states) - set(self.shared):
            self._adopt(id, State.of(sessions[id]), posts, verdict)
        verdict.old += len(posts)
        for id, shared in self.shared.items():
            if id in sessions:
                shared.verify(sessions[id], verdict)
            else:
                verdict.lost.append(f"shared {id}")
        self._check_sums(sessions, verdict)
        return verdict

    def _check_sums(self, sessions, verdict):
        for id in set(sessions) - set(self.shared):
            context = sessions[id]["context"]
            if context.get("sum") != checksum(context):
                verdict.torn.append(f"{id}: the checksum of {str(context)[:300]}")


def list_all(service):
    """Every session with its context, by id, from the pages of the list; oldest first."""
    sessions, target = {}, "/sessions?limit=1000&order=asc&include=context"
    while target is not None:
        response = service.call("GET", target)
        if response.status != 200:
            raise SystemExit(f"GET {target}: {response.status} {response.body[:500]!r}")
        page = response.json()
        for session in page["sessions"]:
            sessions[session["id"]] = session
        cursor = page["next_cursor"]
        target = cursor and f"/sessions?limit=1000&order=asc&include=context&cursor={cursor}"
    return sessions


def compare_with_gets(connection, sessions, ids, verdict):
    """What the list shows of these ids is what GET answers."""
    for id in ids:
        response = connection.call("GET", f"/sessions/{id}")
        listed = sessions.get(id)
        if response.status != (404 if listed is None else 200) or listed is not None and response.json() != listed:
            verdict.unequal.append(f"{id}: list {str(listed)[:300]}, get {response.status} {response.body[:300]!r}")
