"""Random interleavings of all that changes sessions, each answer and what is stored held against a small model.

First one player alone, with kills of the service and leases that run out among its steps, then several at once on
sessions of their own. A seed repeats a run.
"""

import collections
import sys

from player import Mismatch, Player
from scenario import at_once, run

# What a run has to have met.
OUTCOMES = ["lease-held", "lease-lost", "no-lease", "status-mismatch", "invalid-transition", "precondition-failed",
            "session-exists", "idempotency-key-reused", "not-found", "replay", "entry-conflict", "append", "take", "recover", "relocate"]


def play(story, player, steps, seed):
    """Ends at the first mismatch: afterwards the model does not know what is stored."""
    for number in range(1, steps + 1):
        try:
            player.step()
        except Mismatch as mismatch:
            history = "\n    ".join(player.history)
            story.failures.append(f"step {number} of {player.space}, --seed {seed}: {mismatch}\n    {history}")
            return
    player.look_at_all()


def told(story, players):
    counts = collections.Counter()
    for player in players:
        counts.update(player.counts)
    for outcome in OUTCOMES:
        story.check(counts[outcome] > 0, f"no {outcome}: too few steps to tell")
    seen = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count)
    story.say(f"seed {story.arguments.seed}: {seen}")


def alone(story):
    seed, steps = story.arguments.seed, story.arguments.steps
    player = Player(story.service(), "alone", f"{seed} alone", True)
    play(story, player, steps, seed)
    told(story, [player])


def together(story):
    options = story.arguments
    service = story.service()
    players = [Player(service, f"player{i}", f"{options.seed} {i}", False) for i in range(options.clients)]
    at_once(len(players), lambda i: play(story, players[i], options.steps // 2, options.seed))
    told(story, players)


if __name__ == "__main__":
    sys.exit(run(__doc__, alone, together, steps=1500, clients=4, seed="20261123"))
