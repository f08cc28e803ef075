"""Many clients at once get or create a session for one thread, for many threads: each time one creates it."""

import collections
import sys

from scenario import Client, at_once, run


def get_or_create(story):
    options = story.arguments
    service = story.service()
    clients = [Client(service) for _ in range(options.clients)]
    for pair in range(options.pairs):
        body = {"project_path": "/story/pairs", "thread_id": f"thread {pair}", "if_exists": "return"}
        answers = at_once(options.clients, lambda i: clients[i].call("POST", "/sessions", body))
        statuses = collections.Counter(answer.status for answer in answers)
        story.equal(statuses, {201: 1, 200: options.clients - 1}, f"the statuses of pair {pair}")
        story.equal(len({answer.body for answer in answers}), 1, f"the number of different answers of pair {pair}")
    listed = clients[0].call("GET", "/sessions?limit=1000&project_path=/story/pairs").json()["sessions"]
    story.equal(len(listed), min(1000, options.pairs), "the number of sessions")
    story.say(f"{options.clients} clients at once on each of {options.pairs} pairs: {len(listed)} sessions")


if __name__ == "__main__":
    sys.exit(run(__doc__, get_or_create, clients=64, pairs=20))
