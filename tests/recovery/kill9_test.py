"""SIGKILL while 16 writers are at work, again and again on one file.

After each restart every acknowledged change has to be there, a request that got no answer has
happened or not but never in part, nothing is there that nobody sent, the events are what happened
to the sessions, and the file is sound. Half of the lives checkpoint all the time, and some starts
are killed too.
"""

import os
import random
import sys
import time

from crash import arguments, faults_of_events, faults_of_file, finish, parse, seed_rows, table, verify, versions_in_file
from ledger import Ledger, Verdict
from service import Service
from writers import Crowd

OFTEN = ("--checkpoint-pages", "10")


class Run:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.ledger = Ledger()
        self.service = Service(options.binary, "--log-level", "warning")
        self.total = Verdict()
        self.failures = []
        self.acknowledged = 0
        self.restarts_ms = []
        self.killed_starts = 0

    def flags(self, cycle):
        return OFTEN if cycle % 2 else ()

    def restart(self, cycle):
        """Starts the service and holds it against the ledger."""
        versions = self.look(cycle) if os.path.exists(self.service.database) else None
        if cycle % 4 == 3:
            self.kill_start(cycle)
        self.service.start(*self.flags(cycle))
        ready_s = self.service.await_ready()
        if cycle > 0:
            self.restarts_ms.append(ready_s * 1000)
        verdict = verify(self.service, self.ledger, versions)
        self.failures += [f"cycle {cycle}: {failure}" for failure in verdict.failures()]
        self.total.add(verdict)

    def look(self, cycle):
        """What the file holds before the service looks at it."""
        faults = faults_of_file(self.service.database) + faults_of_events(self.service.database)
        self.total.unequal += faults
        self.failures += [f"cycle {cycle}: {fault}" for fault in faults]
        return versions_in_file(self.service.database)

    def kill_start(self, cycle):
        self.service.launch(*self.flags(cycle))
        time.sleep(self.random.uniform(0, 0.001 * max(self.restarts_ms, default=50)))
        self.service.kill()
        self.killed_starts += 1

    def crash(self, cycle):
        crowd = Crowd(self.service, self.ledger, self.random.random(), name=f"c{cycle}")
        if not crowd.await_acknowledged(32):
            self.failures.append(f"cycle {cycle}: the writers do not get on")
        time.sleep(self.random.uniform(0, self.options.span_s))
        self.service.kill()
        crowd.join()
        self.acknowledged += crowd.acknowledged()
        self.failures += [f"cycle {cycle}: {fault}" for fault in crowd.faults]

    def run(self):
        if self.options.seed_rows:
            seed_rows(self.service, self.ledger, self.options.seed_rows, self.random)
        for cycle in range(self.options.cycles):
            self.restart(cycle)
            self.crash(cycle)
        self.restart(self.options.cycles)
        if self.service.terminate() != 0:
            self.failures.append("the last life did not end with 0")
        self.failures += self.service.reports()
        self.failures += faults_of_file(self.service.database)

    def report(self):
        slowest = max(self.restarts_ms)
        table([
            ("cycles", self.options.cycles),
            ("rows at the start", self.options.seed_rows),
            ("rows at the end", sum(state is not None for state in self.ledger.states.values())),
            ("starts killed as well", self.killed_starts),
            ("acknowledged writes", self.acknowledged),
            ("without an answer: had happened", self.total.new),
            ("without an answer: had not", self.total.old),
            ("lost", len(self.total.lost)),
            ("torn", len(self.total.torn)),
            ("phantoms", len(self.total.phantoms)),
            ("list unlike get, or unsound file", len(self.total.unequal)),
            ("restart to ready, median", f"{sorted(self.restarts_ms)[len(self.restarts_ms) // 2]:.0f} ms"),
            ("restart to ready, slowest", f"{slowest:.0f} ms"),
        ])
        if self.options.max_restart_ms is not None and slowest > self.options.max_restart_ms:
            self.failures.append(f"a restart took {slowest:.0f} ms")


def main():
    parser = arguments(__doc__, cycles=50)
    parser.add_argument("--seed-rows", type=int, default=0, help="sessions in the file beforehand")
    parser.add_argument("--span-s", type=float, default=0.7, help="longest time that the writers have")
    parser.add_argument("--max-restart-ms", type=float, help="fail when a restart takes longer")
    run = Run(parse(parser))
    run.run()
    run.report()
    return finish(run.failures)


if __name__ == "__main__":
    sys.exit(main())
