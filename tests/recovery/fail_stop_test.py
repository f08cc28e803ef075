"""A disk that fails: the service stops at once with 74, and the next start finds everything that was
acknowledged.

After a failed fsync only a restart tells what is on the disk, and a second one may succeed without
having written what the first could not (https://wiki.postgresql.org/wiki/Fsync_Errors). So once a
call has failed, the service changes nothing any more: the library that makes it fail watches.
"""

import os
import random
import sys
import unittest

from legacy_import import adopted, fill_python_file, python_rows
from crash import arguments, faults_of_file, parse, preloaded, verify, versions_in_file
from ledger import Ledger
from service import Service
from writers import Crowd

EXIT_DISK = 74
OFTEN = ("--checkpoint-pages", "10")
LOG, FILE = "-wal", "sessions.db"
options = None


class FailStop(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(options.seed)
        self.ledger = Ledger()
        self.service = Service(options.binary, "--log-level", "warning")
        self.addCleanup(self.service.abandon)
        self.trigger = os.path.join(self.service.folder.name, "trigger")
        self.trace = os.path.join(self.service.folder.name, "trace")

    def faulty(self, fault, armed=False, **more):
        """The environment of a service whose disk fails once the trigger is there."""
        for path in (self.trigger, self.trace):
            if os.path.exists(path):
                os.remove(path)
        if armed:
            self.arm()
        return preloaded(options.faulty_disk, SESSIOND_TEST_FAULT=fault, SESSIOND_TEST_FAULT_TRIGGER=self.trigger,
                         SESSIOND_TEST_FAULT_TRACE=self.trace, **more)

    def arm(self):
        open(self.trigger, "w").close()

    def after_failure(self):
        """What was done to the database and its log from the first failure on."""
        if not os.path.exists(self.trace):
            return []
        with open(self.trace, encoding="utf-8") as file:
            lines = file.read().splitlines()
        return [line for line in lines if FILE in line]

    def end_of(self, crowd):
        """The status with which the service ends by itself, None when it does not."""
        status = self.service.await_end()
        if status is None:
            self.service.kill()
        crowd.join()
        return status

    def check_stopped(self, status):
        """It ended at once, without one more change."""
        self.assertEqual(status, EXIT_DISK, self.service.log())
        self.assertEqual(len(self.service.events("storage_failed")), 1, self.service.log())
        self.assertEqual(len(self.after_failure()), 1, self.after_failure())
        self.check_restart()

    def check_restart(self):
        self.assertEqual(faults_of_file(self.service.database), [])
        versions = versions_in_file(self.service.database)
        self.service.start()
        verdict = verify(self.service, self.ledger, versions)
        self.assertEqual(verdict.failures(), [])
        self.assertEqual(self.service.terminate(), 0, self.service.log())
        self.assertEqual(self.service.reports(), [])
        return verdict

    def start_crowd(self, fault, *flags, **more):
        self.service.start(*flags, environment=self.faulty(fault, **more))
        crowd = Crowd(self.service, self.ledger, self.random.random(), allowed=["outcome-unknown", "stopping"])
        self.assertTrue(crowd.await_acknowledged(50))
        return crowd

    def test_a_failed_commit(self):
        for fault in (f"sync:{LOG}:EIO:1", f"sync:{LOG}:EIO:5:1", f"sync:{LOG}:ENOSPC:1:1", f"write:{LOG}:EIO:1",
                      f"write:{LOG}:EIO:7:1", f"torn:{LOG}:EIO:1", f"torn:{LOG}:EIO:4:1"):
            with self.subTest(fault=fault):
                crowd = self.start_crowd(fault)
                self.arm()
                status = self.end_of(crowd)
                self.assertEqual(crowd.faults, [])
                self.assertGreaterEqual(crowd.problems.get("outcome-unknown", 0), 1, crowd.problems)
                print(f"{fault}: {crowd.acknowledged()} acknowledged, then {crowd.problems},"
                      f" {len(crowd.unanswered())} without an answer")
                self.check_stopped(status)

    def test_a_failed_checkpoint(self):
        for fault in (f"sync:{FILE}:EIO:1:1", f"write:{FILE}:EIO:1", f"write:{FILE}:EIO:3:1", f"torn:{FILE}:EIO:2:1"):
            with self.subTest(fault=fault):
                crowd = self.start_crowd(fault, *OFTEN)
                self.arm()
                status = self.end_of(crowd)
                self.assertEqual(crowd.faults, [])
                self.check_stopped(status)

    def test_a_failed_checkpoint_of_an_idle_service(self):
        crowd = self.start_crowd(f"sync:{FILE}:EIO:1:1")
        crowd.stop()
        self.arm()
        self.check_stopped(self.service.await_end())

    def test_a_failed_last_checkpoint(self):
        """SIGTERM, and the log cannot be copied: it stays for the next start."""
        for fault in (f"sync:{LOG}:EIO:1:1", f"sync:{FILE}:EIO:1:1", f"write:{FILE}:EIO:1:1"):
            with self.subTest(fault=fault):
                crowd = self.start_crowd(fault)
                crowd.stop()
                self.arm()
                status = self.service.terminate()
                self.assertEqual(status, EXIT_DISK, self.service.log())
                self.assertEqual(len(self.after_failure()), 1, self.after_failure())
                self.check_restart()

    def test_a_commit_that_fails_during_a_stop(self):
        """The signal comes while a commit is under way, and the one behind it fails."""
        crowd = self.start_crowd(f"sync:{LOG}:EIO:1:1", SESSIOND_TEST_FSYNC_DELAY_MS="200")
        before = crowd.acknowledged()
        crowd.await_that(lambda: crowd.acknowledged() > before)
        self.service.process.terminate()
        self.arm()
        status = self.end_of(crowd)
        self.assertEqual(crowd.faults, [])
        self.check_stopped(status)

    def refused_starts(self, call, place, quiet=True):
        """Makes an ever later call of a start fail, until one gets by without it. How many starts were
        refused. `quiet`: nothing is changed any more after the failure."""
        nth, refused = 1, 0
        while True:
            self.service.launch(environment=self.faulty(f"{call}:{place}:EIO:{nth}:1", armed=True))
            if self.service.await_listening():
                self.service.kill()
                return refused
            self.assertEqual(self.service.await_end(), 1, self.service.log())
            self.assertEqual(len(self.service.events("cannot_start")), 1, self.service.log())
            with self.subTest(call=call, place=place, nth=nth):
                self.assertTrue(not quiet or len(self.after_failure()) == 1, self.after_failure())
            refused += 1
            nth += 1 + nth // 2

    def test_a_start_on_a_new_file(self):
        for call, place in (("sync", FILE), ("sync", LOG), ("write", FILE), ("write", LOG)):
            # A file that is being made has a rollback journal: what failed is taken back with it.
            self.refused_starts(call, place, quiet=False)
            self.check_restart()
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(self.service.database + suffix):
                    os.remove(self.service.database + suffix)

    def test_a_start_after_a_crash(self):
        """The log that was left is copied first."""
        for call, place in (("sync", LOG), ("sync", FILE), ("write", FILE), ("torn", FILE), ("truncate", LOG)):
            self.service.start()
            crowd = Crowd(self.service, self.ledger, self.random.random())
            self.assertTrue(crowd.await_acknowledged(50))
            self.service.kill()
            crowd.join()
            refused = self.refused_starts(call, place)
            print(f"{call} on {place}: {refused} starts refused")
            self.assertGreater(refused, 0)
            self.check_restart()

    def test_an_adoption(self):
        """The file of the Python program stays as it was until a start succeeds."""
        fill_python_file(self.service.database, 300, self.random)
        before = python_rows(self.service.database)
        for call in ("write", "torn", "sync"):
            environment = self.faulty(f"{call}:{LOG}:EIO:1:1", armed=True)
            self.service.launch(environment=environment)
            self.assertFalse(self.service.await_listening())
            self.assertEqual(self.service.await_end(), 1, self.service.log())
            found = python_rows(self.service.database)
            self.assertIn(found, (before, adopted(before)))
        self.service.start()
        self.assertEqual(self.service.terminate(), 0)
        self.assertEqual(python_rows(self.service.database), adopted(before))


def main():
    global options
    options = parse(arguments(__doc__))
    # A service that does not stop is waited for: once is enough.
    unittest.main(argv=sys.argv[:1], verbosity=2, failfast=True)


if __name__ == "__main__":
    main()
