"""Two daemons fight for one session and are stopped in the middle of their work for longer than their lease lasts.

Each counts up in the session's context: reads under its lease, writes with its token. Every acknowledged increment is
there in the end, and no write with an old token was accepted.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

from scenario import PATIENCE_S, Client, run

DAEMON = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fight_daemon.py")
TTL_SECONDS = 1


def start_daemons(service, session, options):
    return {owner: subprocess.Popen([sys.executable, DAEMON, service.address, session, owner, str(TTL_SECONDS),
                                     str(options.run_s), f"{options.seed} {owner}"], stdout=subprocess.PIPE)
            for owner in (f"daemon-{i}" for i in range(options.daemons))}


def stop_now_and_then(daemons, client, session, options):
    """Mostly the one that holds the lease, often for longer than that lasts. Returns the durations."""
    chance = random.Random(options.seed)
    durations = []
    end = time.monotonic() + options.run_s - 2 * TTL_SECONDS
    while time.monotonic() < end:
        lease = client.call("GET", session).json()["lease"]
        holder = lease["owner"] if lease and chance.random() < 0.75 else chance.choice(list(daemons))
        durations.append(chance.uniform(0.3, 2.2) * TTL_SECONDS)
        daemons[holder].send_signal(signal.SIGSTOP)
        time.sleep(durations[-1])
        daemons[holder].send_signal(signal.SIGCONT)
        time.sleep(chance.uniform(0, 0.3))
    return durations


def fight(story):
    options = story.arguments
    service = story.service()
    client = Client(service)
    new = {"project_path": "/story/fight", "thread_id": "one", "context": {"counter": 0}}
    session = client.call("POST", "/sessions", new).headers["location"]
    daemons = start_daemons(service, session, options)
    try:
        durations = stop_now_and_then(daemons, client, session, options)
        reports = [json.loads(daemon.communicate(timeout=PATIENCE_S)[0]) for daemon in daemons.values()]
    finally:
        for daemon in daemons.values():
            daemon.kill()
            daemon.wait()
    writes = sorted(write for report in reports for write in report["acknowledged"])
    stored = client.call("GET", session).json()["context"]["counter"]
    story.equal(stored, len(writes), "the counter, after so many acknowledged increments,")
    story.equal([counter for counter, _ in writes], list(range(1, len(writes) + 1)), "the acknowledged values")
    tokens = [token for _, token in writes]
    story.equal(tokens, sorted(tokens), "the tokens of the writes in their order")
    totals = {name: sum(report[name] for report in reports) for name in reports[0] if name not in
              ("acknowledged", "unexpected")}
    story.equal(totals["accepted_with_an_old_token"], 0, "accepted writes with an old token")
    story.equal([what for report in reports for what in report["unexpected"]], [], "what nobody expected")
    story.check(totals["fenced"] > 0, "no daemon was fenced: the story tells nothing")
    metrics = client.call("GET", "/metrics").body.decode()
    fenced = int(metrics.split("\nsessiond_fenced_writes_total ")[1].split("\n")[0])
    stolen = metrics.split("\nsessiond_lease_steals_total ")[1].split("\n")[0]
    story.check(fenced >= totals["fenced"], f"sessiond_fenced_writes_total is {fenced}")
    story.say(f"{len(writes)} increments acknowledged ({', '.join(str(len(r['acknowledged'])) for r in reports)}), "
              f"counter {stored}; stopped {len(durations)} times, {sum(d > TTL_SECONDS for d in durations)} of them "
              f"for longer than the lease of {TTL_SECONDS} s")
    story.say(", ".join(f"{name} {total}" for name, total in totals.items()) + f", stolen {stolen}")


if __name__ == "__main__":
    sys.exit(run(__doc__, fight, daemons=2, run_s=6.0, seed="fight"))
