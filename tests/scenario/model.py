"""The rules of sessions, as plainly as they can be said: what the service has to answer, and what is stored afterwards.

No time passes here: a lease is held until something ends it, and expire() is told when its time is over.
"""

import dataclasses
import json

LIFECYCLE = {"CREATED": ("ACTIVE", "TERMINATED"), "ACTIVE": ("PAUSED", "TERMINATED"),
             "PAUSED": ("ACTIVE", "TERMINATED"), "TERMINATED": ()}


@dataclasses.dataclass
class Session:
    id: str
    project_path: str
    thread_id: str
    context: dict
    status: str = "CREATED"
    version: int = 1
    lease: dict = None
    token: int = 0  # of the lease, or of the last one
    recovered_at: str = None
    parent_id: str = None
    streams: dict = dataclasses.field(default_factory=dict)  # lists of entries by name

    def shown(self):
        members = dataclasses.asdict(self)
        del members["token"], members["streams"]
        entries = [entry for stream in self.streams.values() for entry in stream]
        return {**members, "entry_count": len(entries), "entry_bytes": sum(len(compact(entry)) for entry in entries)}

    def changed(self):
        self.version += 1


@dataclasses.dataclass
class Answer:
    """Of a refusal, `members` are those that tell more than its type."""
    status: int
    problem: str = None
    members: dict = None


@dataclasses.dataclass
class Conditions:
    """What a request says about the session: texts of headers as lists of (weak, version), `*`, or None."""
    match: object = None
    none_match: object = None
    token: int = None


def compact(document):
    return json.dumps(document, separators=(",", ":"))


def names(tags, version, strongly):
    return tags == "*" or any(number == version and not (weak and strongly) for weak, number in tags)


def may_become(old, new):
    return old == new or new in LIFECYCLE[old]


def from_to(old, new):
    return {"from": old, "to": new} if old != new else {}


def merged(old, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


class Model:
    def __init__(self):
        self.sessions = {}  # by id, the oldest first
        self.tokens = {}  # by id: the highest fencing token it ever had, under any session
        self.kept = {}  # key: (request, response)
        self.events = []  # what happened, in that order

    def record(self, what, session, **references):
        self.events.append({"type": what, "session_id": session.id, "version": session.version,
                            "thread_id": session.thread_id, "project_path": session.project_path, **references})

    # --- What may be refused

    def missing(self, name):
        return None if name in self.sessions else Answer(404, "not-found")

    @staticmethod
    def held(session):
        return Answer(409, "lease-held", {"owner": session.lease["owner"]})

    @staticmethod
    def holds(session, token):
        return session.lease is not None and token == session.token

    def fenced(self, session, token):
        if self.holds(session, token) or (session.lease is None and token is None):
            return None
        return Answer(409, "lease-lost") if token is not None else self.held(session)

    @staticmethod
    def failed(session, conditions):
        if conditions.match is not None and not names(conditions.match, session.version, True):
            return Answer(412, "precondition-failed", {"current_version": session.version})
        if conditions.none_match is not None and names(conditions.none_match, session.version, False):
            return Answer(412, "precondition-failed", {"current_version": session.version})
        return None

    def refused(self, name, conditions):
        """Why the session is not to be written, if it is not."""
        return self.missing(name) or self.fenced(self.sessions[name], conditions.token) or \
            self.failed(self.sessions[name], conditions)

    @staticmethod
    def forbidden(session, status):
        if may_become(session.status, status):
            return None
        return Answer(409, "invalid-transition",
                      {"current_status": session.status, "allowed": sorted(LIFECYCLE[session.status])})

    # --- One session

    def create(self, body, made_id):
        """made_id: what the service named the session, if it made one."""
        pair = (body["project_path"], body["thread_id"])
        found = [s for s in self.sessions.values()
                 if (s.project_path, s.thread_id) == pair and s.status != "TERMINATED"]
        if body.get("if_exists") and found:
            return Answer(200, members=found[-1].shown())
        return self.add(made_id, body)

    def add(self, name, body):
        self.sessions[name] = Session(name, body["project_path"], body["thread_id"], body.get("context", {}))
        self.record("session.created", self.sessions[name])
        return Answer(201, members=self.sessions[name].shown())

    def put(self, name, body, conditions):
        if name not in self.sessions:
            return self.add(name, body) if conditions.match is None else Answer(412, "precondition-failed")
        session = self.sessions[name]
        if (session.project_path, session.thread_id) != (body["project_path"], body["thread_id"]):
            return self.failed(session, conditions) or Answer(409, "session-exists")
        return self.failed(session, conditions) or Answer(200, members=session.shown())

    def get(self, name, conditions):
        if name not in self.sessions:
            return Answer(404, "not-found")
        session = self.sessions[name]
        if conditions.match is not None and not names(conditions.match, session.version, True):
            return Answer(412, "precondition-failed", {"current_version": session.version})
        if conditions.none_match is not None and names(conditions.none_match, session.version, False) and \
                session.lease is None and not session.streams:
            return Answer(304)
        return Answer(200, members=session.shown())

    def patch(self, name, body, merge, conditions):
        refused = self.refused(name, conditions)
        if refused:
            return refused
        session = self.sessions[name]
        refused = self.forbidden(session, body.get("status", session.status))
        if refused:
            return refused
        if "context" in body:
            session.context = merged(session.context, body["context"]) if merge else body["context"]
        return self.moved(session, body.get("status"), "context" in body) if body else \
            Answer(200, members=session.shown())

    def transition(self, name, old, new, conditions):
        refused = self.refused(name, conditions)
        if refused:
            return refused
        session = self.sessions[name]
        if session.status != old:
            return Answer(409, "status-mismatch", {"current_status": session.status, "expected_status": old})
        return self.forbidden(session, new) or self.moved(session, new)

    def moved(self, session, status, context_changed=False):
        session.changed()
        change = from_to(session.status, status or session.status)
        session.status = status or session.status
        if session.status == "TERMINATED":
            session.lease = None
        references = {**change, "context_changed": True} if context_changed else change
        self.record("session.transitioned" if change else "session.updated", session, **references)
        return Answer(200, members=session.shown())

    def delete(self, name, conditions):
        refused = self.refused(name, conditions)
        if not refused:
            self.record("session.deleted", self.sessions.pop(name))
        return refused or Answer(204)

    # --- Leases

    def take(self, name, owner, ttl_seconds, steal, token, granted=0):
        """`granted` is the service's token: any that exceeds those that this id had is right."""
        if name not in self.sessions:
            return Answer(404, "not-found")
        session = self.sessions[name]
        if self.holds(session, token) and session.lease["owner"] == owner:
            session.lease["ttl_seconds"] = ttl_seconds
            return Answer(200, members=dict(session.lease))
        if token is not None and not self.holds(session, token):
            return Answer(409, "lease-lost")
        refused = self.forbidden(session, "ACTIVE")
        if refused:
            return refused
        if session.lease and session.lease["owner"] != owner and (token is not None or not steal):
            return self.held(session)
        what = "lease.stolen" if session.lease and session.lease["owner"] != owner else "lease.granted"
        session.token = self.tokens[name] = max(granted, self.tokens.get(name, 0) + 1)
        session.lease = {"owner": owner, "token": session.token, "ttl_seconds": ttl_seconds}
        change = from_to(session.status, "ACTIVE")
        session.status = "ACTIVE"
        session.changed()
        self.record(what, session, **change, lease_owner=owner, lease_token=session.token)
        return Answer(200, members=dict(session.lease))

    def release(self, name, token):
        if name not in self.sessions:
            return Answer(404, "not-found")
        session = self.sessions[name]
        if self.holds(session, token):
            self.end_lease(session, "lease.released")
        elif token is not None and not (session.lease is None and token == session.token):
            return Answer(409, "lease-lost")
        elif token is None:
            return self.held(session) if session.lease else Answer(404, "no-lease")
        return Answer(204)

    def end_lease(self, session, what):
        lease, change = session.lease, from_to(session.status, "PAUSED" if session.status == "ACTIVE" else session.status)
        session.status = change.get("to", session.status)
        session.lease = None
        session.changed()
        self.record(what, session, **change,
                    **({"lease_owner": lease["owner"], "lease_token": lease["token"]} if lease else {}))

    def append(self, name, stream, batch, expected, token):
        refused = self.missing(name) or self.fenced(self.sessions[name], token)
        if refused:
            return refused
        entries = self.sessions[name].streams.get(stream, [])
        if expected is not None and expected != len(entries):
            return Answer(412, "precondition-failed", {"last_seq": len(entries)})
        by_uuid, new = {entry["uuid"]: entry for entry in entries if "uuid" in entry}, []
        for index, entry in enumerate(batch):
            if by_uuid.get(entry.get("uuid"), entry) != entry:
                return Answer(409, "entry-conflict", {"index": index, "last_seq": len(entries)})
            if entry.get("uuid") not in by_uuid:
                new.append(entry)
            if "uuid" in entry:
                by_uuid[entry["uuid"]] = entry
        if new:
            self.sessions[name].streams[stream] = entries + new
            self.record("entries.appended", self.sessions[name], stream=stream, first_seq=len(entries) + 1,
                        last_seq=len(entries) + len(new))
        return Answer(200, None, {"appended": len(new), "duplicates": len(batch) - len(new),
                                  "last_seq": len(entries) + len(new)})

    def expire(self, name, recovered_at):
        """The lease's time is over; the service says when it found that."""
        session = self.sessions[name]
        session.recovered_at = recovered_at
        self.end_lease(session, "lease.expired")

    # --- Many sessions

    def recover(self, owner, recovered_at):
        found = [s for s in self.sessions.values()
                 if s.status == "ACTIVE" and (s.lease["owner"] if s.lease else None) == owner]
        for session in found:
            self.end_lease(session, "session.recovered")
            session.recovered_at = recovered_at
        return Answer(200, members={"recovered": [s.id for s in found],
                                    "recovered_at": recovered_at if found else None})

    def relocate(self, old, new, dry_run):
        old, new = old.rstrip("/"), new.rstrip("/")
        found = [s for s in self.sessions.values() if s.project_path == old or s.project_path.startswith(f"{old}/")]
        paths = {s.id: (new + s.project_path[len(old):]) or "/" for s in found}
        for session in () if dry_run else found:
            old_path, session.project_path = session.project_path, paths[session.id]
            session.changed()
            self.record("session.relocated", session, from_path=old_path)
        return Answer(200, members={"relocated": [{"id": s.id, "project_path": paths[s.id]} for s in found],
                                    "dry_run": dry_run})
