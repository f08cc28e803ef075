"""A disk whose fsync takes long: no write is acknowledged before its own fsync has ended, reads do not
wait for it, and writers that wait together share one."""

import re
import sys
import time
import unittest

from crash import arguments, parse, preloaded, verify
from ledger import Ledger
from service import Service
from writers import Crowd

DELAY_S = 0.1
options = None


class SlowDisk(unittest.TestCase):
    def setUp(self):
        self.service = Service(options.binary, "--log-level", "warning")
        self.addCleanup(self.service.abandon)
        self.service.start(environment=preloaded(options.faulty_disk,
                                                 SESSIOND_TEST_FSYNC_DELAY_MS=str(round(DELAY_S * 1000))))
        self.ledger = Ledger()

    def test_one_writer_waits_for_each_fsync(self):
        crowd = Crowd(self.service, self.ledger, options.seed, count=1)
        begin = time.monotonic()
        self.assertTrue(crowd.await_acknowledged(10))
        self.assertGreaterEqual(time.monotonic() - begin, 9 * DELAY_S)
        crowd.stop()
        self.end_well(crowd)

    def test_many_writers_share_an_fsync(self):
        crowd = Crowd(self.service, self.ledger, options.seed)
        self.assertTrue(crowd.await_acknowledged(160))
        crowd.stop()
        commits, jobs = self.batch_size("count"), self.batch_size("sum")
        print(f"{jobs} writes in {commits} commits")
        self.assertGreater(jobs, 2 * commits)
        self.end_well(crowd)

    def test_a_read_does_not_wait(self):
        """Else one write at least would end with each of them."""
        crowd = Crowd(self.service, self.ledger, options.seed, count=1)
        self.assertTrue(crowd.await_acknowledged(1))
        before = crowd.acknowledged()
        for _ in range(30):
            self.service.call("GET", f"/sessions/{next(iter(self.ledger.shared))}")
        self.assertLess(crowd.acknowledged() - before, 20)
        crowd.stop()
        self.end_well(crowd)

    def batch_size(self, figure):
        text = self.service.call("GET", "/metrics").body.decode()
        return int(re.search(rf"^sessiond_commit_batch_size_{figure} (\d+)$", text, re.MULTILINE)[1])

    def end_well(self, crowd):
        self.assertEqual(crowd.faults, [])
        self.assertEqual(verify(self.service, self.ledger).failures(), [])
        self.assertEqual(self.service.terminate(), 0, self.service.log())
        self.assertEqual(self.service.reports(), [])


def main():
    global options
    options = parse(arguments(__doc__))
    unittest.main(argv=sys.argv[:1], verbosity=2)


if __name__ == "__main__":
    main()
