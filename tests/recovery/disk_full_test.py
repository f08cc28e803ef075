"""A disk that fills up: writes are answered 507, reads go on, and once there is space again writes
succeed by themselves; nothing acknowledged is lost, and the service is never killed by it.

The disk is a small tmpfs, mounted in a mount namespace of the test's own.
"""

import errno
import json
import os
import random
import sys
import threading
import time
import unittest

from crash import arguments, faults_of_file, parse, preloaded, verify
from ledger import Ledger, list_all
from mounts import enter_namespace, mount_tmpfs, unmount
from service import POLL_S, Connection, Service
from writers import Crowd

DISK_MIB = 64
BLOCK = 4096
# How soon writes succeed again once there is space.
RECOVERY_S = 5
READY_S, UNREADY_S = 20, 10
JSON = {"Content-Type": "application/json"}
options = None


class Disk:
    """A tmpfs of its own, which can be filled to the last block."""

    def __init__(self, mib=DISK_MIB):
        self.folder = mount_tmpfs(mib)
        self.database = os.path.join(self.folder, "sessions.db")
        self.ballast = os.path.join(self.folder, "ballast")

    def fill(self, leave=0):
        """Leaves so many blocks, which others may take at any moment."""
        with open(self.ballast, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(BLOCK))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            file.truncate(max(0, file.tell() // BLOCK - leave) * BLOCK)

    def free(self):
        os.remove(self.ballast)

    def close(self):
        unmount(self.folder)


class Readers(threading.Thread):
    """Reads in a loop; whatever is not 200 is a fault."""

    def __init__(self, address, id):
        super().__init__(daemon=True)
        self.connection = Connection(address)
        self.targets = [f"/sessions/{id}", "/sessions?limit=20", "/sessions?limit=200&include=context", "/healthz",
                        "/sessions?status=ACTIVE"]
        self.stopping = False
        self.count = 0
        self.faults = []
        self.start()

    def run(self):
        try:
            while not self.stopping:
                target = self.targets[self.count % len(self.targets)]
                response = self.connection.call("GET", target)
                self.count += 1
                if response.status != 200:
                    self.faults.append(f"{target}: {response.status} {response.body[:200]!r}")
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")
        self.connection.close()

    def stop(self):
        self.stopping = True
        self.join()


class DiskFull(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(options.seed)
        self.disk = Disk()
        self.addCleanup(self.disk.close)
        self.service = Service(options.binary, "--log-level", "warning", database=self.disk.database)
        self.addCleanup(self.service.abandon)
        self.ledger = Ledger()

    def crowd(self, *allowed, count=16):
        return Crowd(self.service, self.ledger, self.random.random(), count=count, allowed=allowed)

    def end_well(self):
        self.assertEqual(self.service.terminate(), 0, self.service.log())
        self.assertEqual(self.service.reports(), [])

    def check_ledger(self):
        verdict = verify(self.service, self.ledger)
        self.assertEqual(verdict.failures(), [])
        return verdict

    def create(self):
        body = {"project_path": "p", "thread_id": "t", "context": {"text": self.random.randbytes(9000).hex()}}
        return self.service.call("POST", "/sessions", json.dumps(body).encode(), JSON)

    def await_status(self, call, status, patience_s=60):
        """Seconds until a call was answered with this status."""
        begin = time.monotonic()
        while (response := call()).status != status:
            if time.monotonic() > begin + patience_s:
                self.fail(f"still {response.status} after {patience_s} s: {response.body[:300]!r}")
            time.sleep(POLL_S)
        return time.monotonic() - begin

    def await_unready(self, crowd):
        """/readyz is 503, unless small changes still find room in the log: then they are acknowledged meanwhile."""
        acknowledged, seen_at = crowd.acknowledged(), time.monotonic()
        until = seen_at + READY_S
        while self.service.call("GET", "/readyz").status == 200 and time.monotonic() < until:
            if crowd.acknowledged() != acknowledged:
                acknowledged, seen_at = crowd.acknowledged(), time.monotonic()
            self.assertLess(time.monotonic() - seen_at, UNREADY_S, "ready, and no change was acknowledged meanwhile")
            time.sleep(POLL_S)

    def fill_until_refused(self):
        """Fills the disk, and goes on while a checkpoint still finds room in its files. The 507."""
        self.disk.fill()
        self.await_status(self.create, 507)
        return self.create()

    def test_writes_are_refused_and_recover_by_themselves(self):
        for flags in ((), ("--checkpoint-pages", "10")):
            with self.subTest(flags=flags):
                self.full_and_free(*flags)

    def full_and_free(self, *flags):
        self.service.start(*flags)
        crowd = self.crowd("storage-full")
        self.assertTrue(crowd.await_acknowledged(100))
        readers = Readers(self.service.address, next(iter(self.ledger.shared)))
        self.disk.fill()
        self.assertTrue(crowd.await_that(lambda: crowd.problems.get("storage-full", 0) >= 200), crowd.problems)
        self.await_unready(crowd)
        self.assertEqual(self.service.call("GET", "/healthz").status, 200)
        problem = self.fill_until_refused()
        self.assertEqual((problem.status, problem.problem()), (507, "storage-full"))
        self.assertEqual(problem.headers["content-type"], "application/problem+json")
        self.assertIsNone(self.service.process.poll(), self.service.log())

        self.disk.free()
        recovered_s = self.await_status(self.create, 201, RECOVERY_S)
        self.assertTrue(crowd.await_acknowledged(50))
        self.assertEqual(self.service.call("GET", "/readyz").status, 200)
        readers.stop()
        crowd.stop()
        print(f"{crowd.acknowledged()} acknowledged, {crowd.problems} refused, {readers.count} reads,"
              f" written again after {recovered_s * 1000:.0f} ms, {len(self.service.events('checkpoint_failed'))}"
              " checkpoints failed")
        self.assertEqual(readers.faults, [])
        self.assertEqual(crowd.faults, [])
        self.end_well()

    def test_nothing_is_lost(self):
        """Full, free and full again under writers; then a kill while it is full."""
        for flags in ((), ("--checkpoint-pages", "10")):
            self.service.start(*flags)
            self.check_ledger()
            crowd = self.crowd("storage-full")
            for _ in range(3):
                self.assertTrue(crowd.await_acknowledged(60), crowd.problems)
                self.disk.fill(leave=self.random.randrange(40))
                self.assertTrue(crowd.await_that(lambda: crowd.problems.get("storage-full", 0) >= 40), crowd.problems)
                crowd.problems.clear()
                self.disk.free()
            self.assertTrue(crowd.await_acknowledged(60), crowd.problems)
            self.disk.fill()
            self.assertTrue(crowd.await_that(lambda: "storage-full" in crowd.problems))
            self.service.kill()
            crowd.join()
            self.assertEqual(crowd.faults, [])
            self.start_when_full()
            self.disk.free()
        self.service.start()
        self.check_ledger()
        self.end_well()

    def start_when_full(self):
        """It either refuses, saying why, or serves what is there."""
        self.service.launch()
        if self.service.await_listening():
            self.check_ledger()
            self.end_well()
            return "serves"
        self.assertEqual(self.service.await_end(), 1, self.service.log())
        reasons = [event["detail"] for event in self.service.events("cannot_start")]
        self.assertEqual(len(reasons), 1, self.service.log())
        return f"refuses to start: {reasons[0]}"

    def test_a_log_does_not_fill_a_small_disk(self):
        """The same sessions are rewritten without a pause, five times the disk's size in all."""
        self.service.start()
        ids = [self.create().json()["id"] for _ in range(4)]
        for nth in range(DISK_MIB * 10):
            body = {"context": {"text": self.random.randbytes(1 << 18).hex()}}
            response = self.service.call("PATCH", f"/sessions/{ids[nth % 4]}", json.dumps(body).encode(), JSON)
            self.assertEqual(response.status, 200, (nth, response.body[:300], self.log_bytes()))
        self.end_well()

    def test_a_new_file_on_a_full_disk(self):
        for blocks in (0, 1, 2, 3, 5, 8, 12, 20, 30, 40):
            self.disk.fill(leave=blocks)
            self.start_when_full()
            self.disk.free()
        self.service.start()
        self.assertEqual(list_all(self.service), {})
        self.assertEqual(self.create().status, 201)
        self.end_well()

    def test_a_file_that_was_stopped_on_a_full_disk(self):
        """The signal comes when the log cannot be copied into the file."""
        self.service.start()
        crowd = self.crowd("storage-full")
        self.assertTrue(crowd.await_acknowledged(200))
        self.disk.fill()
        self.assertTrue(crowd.await_that(lambda: "storage-full" in crowd.problems))
        crowd.stop()
        self.end_well()
        self.assertEqual(faults_of_file(self.disk.database), [])
        print(f"on a full disk, with a log of {self.log_bytes()} bytes, a start {self.start_when_full()}")
        self.disk.free()
        self.service.start()
        self.check_ledger()
        self.end_well()

    def log_bytes(self):
        log = self.disk.database + "-wal"
        return os.path.getsize(log) if os.path.exists(log) else 0

    def test_no_space_at_any_write_of_the_log(self):
        """A commit of some hundred kilobytes takes several writes; the last one that fits may be cut."""
        full = os.path.join(self.service.folder.name, "full")
        body = {"project_path": "p", "thread_id": "t"}
        created = set()
        for call in ("write", "torn"):
            for nth in (1, 2, 3, 7):
                self.service.start(environment=preloaded(options.faulty_disk, SESSIOND_TEST_FAULT_TRIGGER=full,
                                                         SESSIOND_TEST_FAULT=f"{call}:-wal:ENOSPC:{nth}:1"))
                open(full, "w").close()
                answers = []
                for _ in range(6):
                    body["context"] = {"text": self.random.randbytes(150000).hex()}
                    answers.append(self.service.call("POST", "/sessions", json.dumps(body).encode(), JSON))
                self.assertEqual(sorted(answer.status for answer in answers), [201] * 5 + [507], (call, nth))
                os.remove(full)
                created |= {answer.json()["id"] for answer in answers if answer.status == 201}
                self.service.kill()
        self.service.start()
        self.assertEqual(set(list_all(self.service)), created)
        self.end_well()

    def test_the_index_of_the_log_cannot_grow(self):
        """SQLite maps it into memory (-shm), and makes it longer with every 4,096 pages of log. Writes
        go on once the log begins anew, which needs no more of it."""
        full = os.path.join(self.service.folder.name, "full")
        self.service.start(environment=preloaded(
            options.faulty_disk, SESSIOND_TEST_FAULT="write:-shm:ENOSPC:1", SESSIOND_TEST_FAULT_TRIGGER=full))
        crowd = self.crowd("storage-full")
        self.assertTrue(crowd.await_acknowledged(32))
        open(full, "w").close()
        self.assertTrue(crowd.await_that(lambda: "storage-full" in crowd.problems), crowd.problems)
        self.assertTrue(crowd.await_acknowledged(32, RECOVERY_S), crowd.problems)
        crowd.stop()
        self.assertIsNone(self.service.process.poll(), self.service.log())
        self.assertEqual(crowd.faults, [])
        self.check_ledger()
        self.end_well()


def main():
    global options
    enter_namespace()
    options = parse(arguments(__doc__))
    # A service that does not recover is waited for: once is enough.
    unittest.main(argv=sys.argv[:1], verbosity=2, failfast=True)


if __name__ == "__main__":
    main()
