"""A session store as the Claude Agent SDK asks for one, over HTTP: each of its calls is one or two of sessiond's.

usage: sdk_test.py BINARY [CHECK]...
"""

import json
import os
import sys
import uuid
from urllib.parse import quote

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from checks import check, run, under_test  # noqa: E402
from service import Connection, Service, Unanswered  # noqa: E402

PROJECT = "-home-me-project"


class SessionStore:
    """A key is (project_key, session_id) or, of a subagent's transcript, (project_key, session_id, subpath)."""

    def __init__(self, address):
        self.connection = Connection(address)

    def call(self, method, target, body=None, kind="application/json", accept="*/*"):
        headers = {"Accept": accept, **({} if body is None else {"Content-Type": kind})}
        return self.connection.call(method, target, body, headers)

    @staticmethod
    def target(key):
        stream = f"?stream={quote(key[2], safe='')}" if len(key) > 2 else ""
        return f"/sessions/{key[1]}/entries{stream}"

    def append(self, key, entries):
        body = "".join(json.dumps(entry) + "\n" for entry in entries).encode()
        response = self.call("POST", self.target(key), body, "application/x-ndjson")
        if response.status == 404:
            session = json.dumps({"project_path": key[0], "thread_id": "sdk"}).encode()
            self.call("PUT", f"/sessions/{key[1]}", session)
            response = self.call("POST", self.target(key), body, "application/x-ndjson")
        if response.status != 200:
            raise OSError(f"append: {response.status} {response.body}")
        return response.json()

    def load(self, key):
        response = self.call("GET", self.target(key), accept="application/x-ndjson")
        lines = response.body.splitlines() if response.status == 200 else []
        return [json.loads(line)["entry"] for line in lines] or None

    def list_sessions(self, project_key):
        ids, cursor = [], ""
        while cursor is not None:
            page = self.call("GET", f"/sessions?project_path={quote(project_key, safe='')}{cursor}").json()
            ids += [session["id"] for session in page["sessions"]]
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
        return ids

    def list_subkeys(self, key):
        streams = self.call("GET", f"/sessions/{key[1]}/streams").json()["streams"]
        return [stream["stream"] for stream in streams if stream["stream"] != "main"]

    def delete(self, key):
        self.call("DELETE", f"/sessions/{key[1]}")


def entry(kind, text):
    return {"type": kind, "uuid": str(uuid.uuid4()), "message": {"role": kind, "content": text}}


def a_transcript_is_mirrored_and_resumed(service):
    store, key = SessionStore(service.address), (PROJECT, str(uuid.uuid4()))
    check(store.load(key) is None, "a session that was never written to is loaded")
    transcript = [entry("user", f"turn {i} é \u2028") for i in range(1200)]
    for first in range(0, len(transcript), 500):
        store.append(key, transcript[first:first + 500])
    check(SessionStore(service.address).load(key) == transcript, "another host loads something else")


def what_is_flushed_again_is_there_once(service):
    """The SDK sends a batch again when it got no answer; the service may be killed at any time."""
    store, key = SessionStore(service.address), (PROJECT, str(uuid.uuid4()))
    transcript = []
    for turn in range(20):
        batch = [entry("user", f"{turn}.{i}") for i in range(10)]
        transcript += batch
        store.append(key, batch)
        again = store.append(key, batch)
        check((again["appended"], again["duplicates"]) == (0, 10), f"sent again: {again}")
    service.kill()
    try:
        store.append(key, batch)
    except (OSError, Unanswered):
        pass
    store = SessionStore(service.start().address)
    batch = batch[5:] + [entry("user", "after the crash")]
    check(store.append(key, batch)["appended"] == 1, "of a batch that overlaps only the new one is appended")
    check(store.load(key) == transcript + batch[-1:], "the transcript has gaps or twins")


def subagents_have_transcripts_of_their_own(service):
    store, key = SessionStore(service.address), (PROJECT, str(uuid.uuid4()))
    main, first, second = [entry("user", "a")], [entry("user", "b")], [entry("user", "c"), entry("assistant", "d")]
    store.append((*key, "subagents/agent-1"), first)
    store.append(key, main)
    store.append((*key, "subagents/agent-2"), second)
    check(store.load(key) == main, "the main transcript")
    check(store.list_subkeys(key) == ["subagents/agent-1", "subagents/agent-2"], f"{store.list_subkeys(key)}")
    check(store.load((*key, "subagents/agent-2")) == second, "a subagent's transcript")


def sessions_are_listed_and_deleted(service):
    store, project = SessionStore(service.address), f"-project-{uuid.uuid4()}"
    keys = [(project, str(uuid.uuid4())) for _ in range(60)]
    for key in keys:
        store.append(key, [entry("user", "x")])
    check(store.list_sessions(project) == [key[1] for key in reversed(keys)], "the list, newest first")
    store.delete(keys[0])
    store.delete(keys[0])
    check(store.load(keys[0]) is None, "a deleted session is loaded")
    check(keys[0][1] not in store.list_sessions(project), "a deleted session is listed")
    store.append(keys[0], [entry("user", "anew")])
    check(len(store.load(keys[0])) == 1, "a session made anew has old entries")


def main(binary):
    service = Service(under_test(binary)).start()
    checks = [a_transcript_is_mirrored_and_resumed, what_is_flushed_again_is_there_once,
              subagents_have_transcripts_of_their_own, sessions_are_listed_and_deleted]
    return run(checks, service, end=service.stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
