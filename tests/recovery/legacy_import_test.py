"""SIGKILL while a file of the Python SessionManager is being adopted.

The file holds the sessions as the Python program wrote them, or all of them adopted; the next start
goes on from there, and nothing is lost.
"""

import json
import random
import sys
import time
from datetime import datetime

from legacy_import import COLUMNS, CONTEXT, adopted, fill_python_file, python_rows
from crash import arguments, faults_of_file, finish, parse, table
from ledger import list_all
from service import Service

NAMES = COLUMNS.split(", ")


def served(service):
    """All sessions of a running service, like rows but with parsed contexts, oldest first."""
    return [tuple(session[name] for name in NAMES) for session in list_all(service).values()]


def as_served(rows):
    """What rows look like over HTTP."""
    stamp = [datetime.fromisoformat(row[4]).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for row in rows]
    return [(*row[:4], time, time, json.loads(row[CONTEXT])) for row, time in zip(rows, stamp)]


class Run:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.failures = []
        self.before = self.after = self.listened = self.sound = 0

    def adopt_once(self):
        """How long an adoption takes that is left alone, to its end."""
        service = self.python_service()
        service.start()
        seconds = time.monotonic() - service.launched_s
        self.failures += service.stop()
        return seconds

    def python_service(self):
        service = Service(self.options.binary, "--log-level", "error")
        fill_python_file(service.database, self.options.rows, self.random)
        return service

    def cycle(self, cycle, whole_s):
        service = self.python_service()
        rows = python_rows(service.database)
        wanted = adopted(rows)
        for _ in range(3):
            service.launch()
            time.sleep(self.random.uniform(0, 1.3 * whole_s))
            service.kill()
            self.look(cycle, service, rows, wanted)
        service.start()
        if served(service) != as_served(wanted):
            self.failures.append(f"cycle {cycle}: the sessions served are not those that were adopted")
        self.failures += [f"cycle {cycle}: {sentence}" for sentence in service.stop()]

    def look(self, cycle, service, rows, wanted):
        found = python_rows(service.database)
        self.before += found == rows
        self.after += found == wanted
        if found not in (rows, wanted):
            self.failures.append(f"cycle {cycle}: {len(found)} rows that are neither the old nor the adopted ones")
        self.failures += [f"cycle {cycle}: {fault}" for fault in faults_of_file(service.database)]


def main():
    parser = arguments(__doc__, cycles=5)
    parser.add_argument("--rows", type=int, default=3000, help="sessions in the file")
    run = Run(parse(parser))
    whole_s = run.adopt_once()
    for cycle in range(run.options.cycles):
        run.cycle(cycle, whole_s)
    table([("an adoption left alone", f"{whole_s * 1000:.0f} ms"), ("kills", run.options.cycles * 3),
           ("file as it was", run.before), ("file adopted", run.after)])
    return finish(run.failures)


if __name__ == "__main__":
    sys.exit(main())
