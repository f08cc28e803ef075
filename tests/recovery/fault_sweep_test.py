"""Each call of the service fails in turn, in each operation: the Nth sync, write, truncation, open, mapping,
read or allocation, once or from then on, until an operation is through before its Nth call.

Allowed is a clean problem, a start that is refused with its reason, exit 74, and for memory an abort
or a connection that is closed. Whatever it was: after the next start nothing that was acknowledged is
lost, nothing is torn, and nothing is there that was refused.

Without --full it takes a random sample for --seconds. A sanitizer has an allocator of its own, so
memory is swept with a build that has none.
"""

import concurrent.futures
import os
import random
import sys
import tempfile
import threading
import time
import typing

from trial import MEMORY, OUTCOMES, Fault, Libraries, Template, Trial, make_due_template, make_template

from crash import arguments, finish, parse
from ledger import Ledger
from service import Service

SESSIONS, ENTRIES = 12, 20
ONCE, FOREVER = False, True
# What is interrupted for ever is tried again for ever: that is no fault that a kernel makes.
FAULTS = [
    ("sync", "EIO", ONCE), ("sync", "EIO", FOREVER), ("sync", "ENOSPC", ONCE), ("sync", "ENOSPC", FOREVER),
    ("sync", "EINTR", ONCE),
    ("write", "EIO", ONCE), ("write", "EIO", FOREVER), ("write", "ENOSPC", ONCE), ("write", "ENOSPC", FOREVER),
    ("write", "EINTR", ONCE),
    ("torn", "EIO", ONCE), ("torn", "ENOSPC", ONCE), ("torn", "ENOSPC", FOREVER),
    ("short", "EIO", ONCE), ("short", "EIO", FOREVER),
    ("truncate", "EIO", ONCE), ("truncate", "EIO", FOREVER), ("truncate", "ENOSPC", ONCE), ("truncate", "EINTR", ONCE),
    ("open", "EIO", ONCE), ("open", "EIO", FOREVER), ("open", "ENOSPC", ONCE), ("open", "ENOSPC", FOREVER),
    ("open", "EMFILE", FOREVER), ("open", "EINTR", ONCE),
    ("mmap", "EIO", ONCE), ("mmap", "ENOMEM", ONCE), ("mmap", "ENOMEM", FOREVER),
    ("read", "EIO", ONCE), ("read", "EIO", FOREVER), ("read", "EINTR", ONCE),
    (MEMORY, "ENOMEM", ONCE), (MEMORY, "ENOMEM", FOREVER),
]
# A sweep of memory is long: so many workers share one. A start makes thousands of allocations, of which
# every so many-th fails, from one to another run of the sweep not the same.
LANES = 8
START_STEP = 4
CLEAN_PASSES = 2


class Operation(typing.NamedTuple):
    name: str
    run: typing.Callable
    template: str
    at_start: bool = False
    flags: tuple = ()


OPERATIONS = [
    Operation("start, new file", Trial.list, "none", at_start=True),
    Operation("start after a kill", Trial.list, "killed", at_start=True),
    Operation("create", Trial.create, "stopped"),
    Operation("patch", Trial.patch, "stopped"),
    Operation("append", Trial.append, "stopped"),
    Operation("fork", Trial.fork, "stopped"),
    Operation("import", Trial.bring, "stopped"),
    Operation("list", Trial.list, "stopped"),
    Operation("checkpoint", Trial.checkpoint, "stopped", flags=("--checkpoint-pages", "10")),
    Operation("backup", Trial.backup, "stopped"),
    Operation("maintenance", Trial.maintain, "due", at_start=True, flags=("--retain-terminated", "1s")),
    Operation("stop", Trial.stop, "stopped"),
]


class Row:
    """Of the table: an operation, a call and an error."""

    def __init__(self):
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.violations = 0

    def count(self, trial):
        self.outcomes[trial.outcome] += 1
        self.violations += bool(trial.violations)


class Sweep:
    def __init__(self, options):
        self.options = options
        self.folder = tempfile.TemporaryDirectory(prefix="sessiond-sweep-")
        self.libraries = Libraries(options.faulty_disk, options.faulty_memory)
        self.local = threading.local()
        self.lock = threading.Lock()
        self.choices = random.Random(options.seed)
        self.rows = {}
        self.failures = []
        self.beyond = 0
        self.templates = {
            "none": self.empty_template(),
            "stopped": make_template(self.folder.name, options.binary, True, SESSIONS, ENTRIES),
            "killed": make_template(self.folder.name, options.binary, False, SESSIONS, ENTRIES),
        }
        self.templates["due"] = make_due_template(self.folder.name, options.binary, self.templates["stopped"])

    def empty_template(self):
        folder = os.path.join(self.folder.name, "template-none")
        os.mkdir(folder)
        return Template(folder, Ledger())

    def service(self):
        """Of this worker."""
        if not hasattr(self.local, "service"):
            service = Service(self.options.binary, "--threads", "1")
            os.mkdir(os.path.join(service.folder.name, "data"))
            service.database = os.path.join(service.folder.name, "data", "sessions.db")
            service.command[service.command.index("--db") + 1] = service.database
            self.local.service = service
        return self.local.service

    def attempt(self, operation, fault):
        """Whether the fault was met."""
        service = self.service()
        trial = Trial(service, self.templates[operation.template], self.libraries, fault)
        trial.run(operation.run, operation.at_start, operation.flags)
        failures = trial.violations + service.reports()
        with self.lock:
            if trial.is_hit():
                self.rows.setdefault((operation.name, fault.call, fault.error), Row()).count(trial)
            else:
                self.beyond += 1
            self.failures += [f"{operation.name}, {fault}: {failure}" for failure in failures]
        return trial.is_hit()

    def series(self, operation, fault, stride):
        """Later and later calls, until the operation is through without one. Threads take turns as they
        like, so one pass may be clean by chance."""
        nth, clean = fault.nth, 0
        while clean < CLEAN_PASSES:
            clean = 0 if self.attempt(operation, fault._replace(nth=nth)) else clean + 1
            nth += stride

    def faults(self):
        return [Fault(*fault) for fault in FAULTS if fault[0] != MEMORY or self.libraries.memory]

    def run_full(self):
        tasks = []
        for operation in OPERATIONS:
            if self.options.operation and self.options.operation not in operation.name:
                continue
            for fault in self.faults():
                if self.options.call in (None, fault.call):
                    tasks += self.lanes(operation, fault)
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for done in [pool.submit(self.series, *task) for task in tasks]:
                done.result()

    def lanes(self, operation, fault):
        """The series that one sweep is made of."""
        if fault.call != MEMORY:
            return [(operation, fault, 1)]
        step = self.options.start_step if operation.at_start else 1
        first = self.choices.randrange(step) + 1
        return [(operation, fault._replace(nth=first + lane * step), LANES * step) for lane in range(LANES)]

    def run_sample(self):
        choices = self.choices
        until = time.monotonic() + self.options.seconds
        pairs = [(operation, fault) for operation in OPERATIONS for fault in self.faults()]
        choices.shuffle(pairs)
        points = [(operation, fault._replace(nth=int(choices.expovariate(0.02 if fault.call == MEMORY else 0.4)) + 1))
                  for operation, fault in pairs]

        def attempt(point):
            if time.monotonic() < until:
                self.attempt(*point)

        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            list(pool.map(attempt, points))

    def report(self):
        print(f"{'operation':<19} {'call':<9} {'error':<7} {'points':>6}"
              + "".join(f" {outcome:>10}" for outcome in OUTCOMES) + "  violations")
        names = [operation.name for operation in OPERATIONS]
        total = Row()
        for key in sorted(self.rows, key=lambda key: names.index(key[0])):
            row = self.rows[key]
            self.print_row(*key, row)
            total.violations += row.violations
            for outcome, count in row.outcomes.items():
                total.outcomes[outcome] += count
        self.print_row("all", "", "", total)
        print(f"{self.beyond} passes were through before their fault")
        if self.options.full and self.libraries.memory:
            print(f"of the allocations of a start, every {self.options.start_step}th failed")
        if not self.libraries.memory:
            print("memory was left out: the build has a sanitizer's allocator, or --faulty-memory is missing")
        if sum(total.outcomes.values()) == 0:
            self.failures.append("no fault was met")

    @staticmethod
    def print_row(operation, call, error, row):
        print(f"{operation:<19} {call:<9} {error if call != 'short' else '':<7} {sum(row.outcomes.values()):>6}"
              + "".join(f" {row.outcomes[outcome]:>10}" for outcome in OUTCOMES) + f"  {row.violations:>10}")


def has_allocator(binary):
    with open(binary, "rb") as file:
        text = file.read()
    return any(name in text for name in (b"__asan_init", b"__tsan_init"))


def main():
    parser = arguments(__doc__)
    parser.add_argument("--faulty-memory", help="the library made of faulty_memory.c")
    parser.add_argument("--full", action="store_true", help="every point")
    parser.add_argument("--seconds", type=float, default=30, help="of the sample")
    parser.add_argument("--start-step", type=int, default=START_STEP, help="of a start, every so many-th allocation")
    parser.add_argument("--jobs", type=int, default=4, help="trials at once")
    parser.add_argument("--operation", help="of a full sweep, this operation alone")
    parser.add_argument("--call", help="of a full sweep, this call alone")
    options = parse(parser)
    if has_allocator(options.binary):
        options.faulty_memory = None
    sweep = Sweep(options)
    if options.full:
        sweep.run_full()
    else:
        sweep.run_sample()
    sweep.report()
    return finish(sweep.failures)


if __name__ == "__main__":
    sys.exit(main())
