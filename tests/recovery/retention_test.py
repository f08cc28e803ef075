"""SIGKILL, and a disk that is full, while retention deletes and the file gives pages back.

Large sessions that are over are put into the file between two lives. Writers, whose sessions never
end, work beside the purge; in every other life nobody writes, so that pages are moved. After each
life every session of the writers has to be there as it was acknowledged, what is left of the old
ones is whole, and the file is sound. In the end no old one is left, and the file is short again.
"""

import os
import random
import sys
import time
import uuid

from crash import FIRST, MICROSECOND, arguments, faults_of_file, finish, insert, parse, table
from ledger import Ledger, State, checksum, list_all, sealed
from mounts import enter_namespace, mount_tmpfs, unmount
from service import Service
import writers

OLD = "/old"
OLD_ROWS = 300
OLD_BYTES = 50000
DISK_MIB = 96
PATIENCE_S = 240

# What ends would be deleted under its writer's hands.
writers.NEXT_STATUS = {"CREATED": ["ACTIVE"], "ACTIVE": ["PAUSED"], "PAUSED": ["ACTIVE"]}


class Run:
    def __init__(self, options, *flags, database=None):
        self.options = options
        self.random = random.Random(options.seed)
        self.ledger = Ledger()
        self.service = Service(options.binary, "--retain-terminated", "1s", "--log-level", "info", *flags, database=database)
        self.failures = []
        self.acknowledged = 0
        self.made = 0
        self.deleted_before_kill = 0

    def put_old(self):
        """The service is not running; the file has its tables."""
        rows = []
        for _ in range(OLD_ROWS):
            id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
            context = sealed({"token": id, "text": self.random.randbytes(OLD_BYTES // 2).hex()})
            rows.append((FIRST + self.made * MICROSECOND, id, State(OLD, "t", "TERMINATED", context, 1)))
            self.made += 1
        insert(self.service.database, rows)

    def crowd(self, *allowed):
        return writers.Crowd(self.service, self.ledger, self.random.random(), name=f"c{self.made}", allowed=allowed)

    def sessions(self):
        """Those of the writers, and how many old ones are left."""
        found = list_all(self.service)
        old = {id: one for id, one in found.items() if one["project_path"] == OLD}
        for id, one in old.items():
            if one["context"]["sum"] != checksum(one["context"]):
                self.failures.append(f"the old session {id} is torn")
        return {id: one for id, one in found.items() if id not in old}, len(old)

    def verify(self, what):
        sessions, old = self.sessions()
        self.failures += [f"{what}: {failure}" for failure in self.ledger.verify(sessions).failures()]
        return old

    def look(self, what):
        self.failures += [f"{what}: {fault}" for fault in faults_of_file(self.service.database)]

    def await_that(self, holds, what):
        until = time.monotonic() + PATIENCE_S
        while not holds():
            if time.monotonic() > until:
                self.failures.append(f"{what}: not after {PATIENCE_S} s")
                return
            time.sleep(0.05)

    def bytes(self, what):
        metrics = self.service.call("GET", "/metrics").body.decode()
        return int(metrics.split(f"\nsessiond_database_{what} ")[1].split("\n")[0])

    def is_short(self):
        """Few free pages, and no others behind the end."""
        used, free = self.bytes("bytes"), self.bytes("free_bytes")
        return free <= max(2 << 20, used // 4) and os.path.getsize(self.service.database) <= used + free

    def end(self):
        """Lets retention come to its end, and holds everything against the ledger."""
        self.service.start()
        self.await_that(lambda: self.sessions()[1] == 0, "the old sessions go")
        self.await_that(self.is_short, "the file becomes short")
        self.verify("the end")
        if self.service.terminate() != 0:
            self.failures.append("the last life did not end with 0")
        self.look("the end")
        self.failures += self.service.reports()


def kills(options):
    run = Run(options)
    run.service.start()
    run.service.terminate()
    for cycle in range(options.cycles):
        run.put_old()
        run.service.start(*(("--checkpoint-pages", "100") if cycle % 3 == 0 else ()))
        crowd = run.crowd() if cycle % 2 == 0 else None
        if crowd is not None:
            crowd.await_acknowledged(16)
        time.sleep(run.random.uniform(0, options.span_s))
        run.service.kill()
        if crowd is not None:
            crowd.join()
            run.acknowledged += crowd.acknowledged()
            run.failures += crowd.faults
        run.look(f"cycle {cycle}")
        run.service.start("--retain-terminated", "off")
        run.deleted_before_kill += run.verify(f"cycle {cycle}") < run.made
        run.service.terminate()
    run.end()
    table([("cycles", options.cycles), ("old sessions put in", run.made), ("acknowledged writes", run.acknowledged),
           ("killed with some old ones gone", run.deleted_before_kill)])
    if run.deleted_before_kill == 0:
        run.failures.append("no kill met the purge")
    return run.failures


def full_disk(options):
    """Full while old sessions go, and while pages are given back; then there is room again."""
    folder = mount_tmpfs(DISK_MIB)
    run = Run(options, database=os.path.join(folder, "sessions.db"))
    ballast = os.path.join(folder, "ballast")

    def fill():
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    run.service.start()
    run.service.terminate()
    for cycle in range(2):
        run.put_old()
        run.service.start()
        crowd = run.crowd("storage-full")
        crowd.await_acknowledged(32)
        if cycle == 1:
            crowd.stop()
            run.await_that(lambda: run.bytes("free_bytes") > 4 << 20, "pages become free")
        fill()
        if cycle == 0:
            crowd.await_that(lambda: crowd.problems.get("storage-full", 0) > 50)
        else:
            time.sleep(2)
        os.remove(ballast)
        if cycle == 0:
            if not crowd.await_acknowledged(50):
                run.failures.append("writes do not go on")
            crowd.stop()
        run.failures += crowd.faults
        run.acknowledged += crowd.acknowledged()
        run.verify(f"full disk {cycle}")
        if run.service.terminate() != 0:
            run.failures.append("a life on a full disk did not end with 0")
        run.look(f"full disk {cycle}")
    run.end()
    unmount(folder)
    table([("acknowledged writes beside a full disk", run.acknowledged)])
    return run.failures


def main():
    enter_namespace()
    parser = arguments(__doc__, cycles=20)
    parser.add_argument("--span-s", type=float, default=1.0, help="longest time that a life has")
    options = parse(parser)
    return finish(kills(options) + full_disk(options))


if __name__ == "__main__":
    sys.exit(main())
