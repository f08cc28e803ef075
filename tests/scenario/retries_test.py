"""Many clients send the same keyed creates again and again, and the service is killed in the middle.

Exactly one session a key, and the same answer to everyone who got one.
"""

import collections
import sys
import threading
import uuid

from scenario import Client, at_once, await_true, run


class Answers:
    """What came back under each key."""

    def __init__(self):
        self.lock = threading.Lock()
        self.first = collections.Counter()
        self.seen = collections.defaultdict(set)
        self.count = 0

    def add(self, key, response):
        with self.lock:
            self.count += 1
            self.first[key] += "idempotency-replayed" not in response.headers
            self.seen[key].add((response.status, response.headers.get("location"), response.headers.get("etag"),
                                response.body))


def body_of(key):
    return {"project_path": "/story/retries", "thread_id": key, "context": {"key": key, "n": 100}}


def kill_in_the_middle(service, answers, total, kills):
    for kill in range(1, kills + 1):
        await_true(lambda: answers.count >= total * kill // (kills + 1))
        service.kill()
        service.start()


def stored(client):
    """The ids of all sessions, by thread."""
    ids = collections.defaultdict(list)
    target = "/sessions?limit=1000&project_path=/story/retries"
    while target:
        response = client.call("GET", target)
        for session in response.json()["sessions"]:
            ids[session["thread_id"]].append(session["id"])
        target = response.headers.get("link", "").partition(">")[0].removeprefix("<")
    return ids


def retries(story):
    options = story.arguments
    service = story.service()
    keys = [str(uuid.uuid4()) for _ in range(options.keys)]
    answers = Answers()
    killer = threading.Thread(target=kill_in_the_middle,
                              args=(service, answers, options.clients * options.keys, options.kills))

    def send_all(_):
        client = Client(service)
        for key in keys:
            answers.add(key, client.insist("POST", "/sessions", body_of(key), key=key))
        client.close()

    killer.start()
    at_once(options.clients, send_all)
    killer.join()
    client = Client(service)
    ids = stored(client)
    story.equal(sorted(ids), sorted(keys), "the threads that have sessions")
    for key in keys:
        story.equal(len(ids[key]), 1, f"the number of sessions of the key {key}")
        story.equal(len(answers.seen[key]), 1, f"the number of different answers under the key {key}")
        story.check(answers.first[key] <= 1, f"{answers.first[key]} answers were the first under the key {key}")
        status, location, etag, body = next(iter(answers.seen[key]))
        session = client.call("GET", f"/sessions/{ids[key][0]}")
        story.equal((status, location, etag, body), (201, f"/sessions/{ids[key][0]}", '"1"', session.body),
                    f"the answer under the key {key}")
    lost = sum(answers.first[key] == 0 for key in keys)
    story.say(f"{answers.count} answers to {options.clients} clients under {len(keys)} keys, {options.kills} kills: "
              f"{sum(map(len, ids.values()))} sessions; {lost} first answers were lost and replayed")


if __name__ == "__main__":
    sys.exit(run(__doc__, retries, clients=64, keys=100, kills=1))
