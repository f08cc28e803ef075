"""SIGTERM while 16 writers are at work, again and again on one file.

The service ends with 0. A request that was sent before the signal, or that the service read (its
log says so), has got its whole answer; one that came too late found its connection closed and
changed nothing. Nothing acknowledged is lost.
"""

import random
import socket
import sys
import time

from crash import arguments, faults_of_file, finish, parse, preloaded, table, verify, versions_in_file
from ledger import Ledger, Verdict
from service import Service
from writers import Crowd


class Run:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.ledger = Ledger()
        self.service = Service(options.binary)
        self.total = Verdict()
        self.failures = []
        self.acknowledged = 0
        self.refused = 0
        self.late = 0
        self.stops_ms = []

    def environment(self, cycle):
        """Half of the lives have a slow disk, so that a signal finds all writers waiting for it."""
        return preloaded(self.options.faulty_disk, SESSIOND_TEST_FSYNC_DELAY_MS="20") if cycle % 4 < 2 else {}

    def half_sent(self):
        """A request that never comes to its end: a stop waits no longer for it than it was told."""
        host, port = self.service.address.rsplit(":", 1)
        connection = socket.create_connection((host, int(port)))
        connection.sendall(b"POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           b"Content-Length: 100\r\n\r\n{")
        return connection

    def check_unanswered(self, cycle, crowd, signal_s):
        """Once the service has ended: its log is whole."""
        read = {event["request_id"] for event in self.service.events("request")}
        for sent in crowd.unanswered():
            when = f"{(sent.sent_s - signal_s) * 1000:.3f} ms after the signal"
            if sent.sent_s < signal_s:
                self.failures.append(f"cycle {cycle}: {sent.request_id}, begun {when}, got no answer: {sent.why}")
            elif sent.request_id in read:
                self.failures.append(f"cycle {cycle}: {sent.request_id}, begun {when}, was read but got no answer")
            self.late += 1

    def verify(self, cycle):
        """Requests that came too late are in doubt for the ledger; none may have happened."""
        self.failures += [f"cycle {cycle}: {fault}" for fault in faults_of_file(self.service.database)]
        versions = versions_in_file(self.service.database)
        self.service.start("--log-level", "warning")
        verdict = verify(self.service, self.ledger, versions)
        if verdict.new > 0:
            self.failures.append(f"cycle {cycle}: {verdict.new} requests happened but got no answer")
        self.failures += [f"cycle {cycle}: {failure}" for failure in verdict.failures()]
        self.total.add(verdict)
        self.service.kill()

    def cycle(self, cycle):
        self.service.start("--shutdown-timeout", "2s" if cycle == 0 else "60s",
                           environment=self.environment(cycle))
        half_sent = self.half_sent() if cycle == 0 else None
        crowd = Crowd(self.service, self.ledger, self.random.random(), allowed=["stopping"], name=f"c{cycle}",
                      stubborn=cycle % 2 == 1)
        if not crowd.await_acknowledged(32):
            self.failures.append(f"cycle {cycle}: the writers do not get on")
        time.sleep(self.random.uniform(0, self.options.span_s))
        signal_s = time.monotonic()
        status = self.service.terminate()
        self.stops_ms.append((time.monotonic() - signal_s) * 1000)
        crowd.join()
        if half_sent is not None:
            half_sent.close()
        if status != 0:
            self.failures.append(f"cycle {cycle}: the exit status is {status}:\n{self.service.log()[-2000:]}")
        self.failures += [f"cycle {cycle}: {fault}" for fault in crowd.faults]
        self.check_unanswered(cycle, crowd, signal_s)
        self.acknowledged += crowd.acknowledged()
        self.refused += sum(writer.refused for writer in crowd.writers)
        self.verify(cycle)

    def report(self):
        table([
            ("cycles", self.options.cycles),
            ("acknowledged writes", self.acknowledged),
            ("answered 503 stopping", self.refused),
            ("too late: connection closed, nothing changed", self.late),
            ("lost", len(self.total.lost)),
            ("torn", len(self.total.torn)),
            ("phantoms", len(self.total.phantoms)),
            ("stop, median", f"{sorted(self.stops_ms)[len(self.stops_ms) // 2]:.0f} ms"),
            ("stop, slowest", f"{max(self.stops_ms):.0f} ms"),
        ])


def main():
    parser = arguments(__doc__, cycles=20)
    parser.add_argument("--span-s", type=float, default=0.5, help="longest time that the writers have")
    run = Run(parse(parser))
    for cycle in range(run.options.cycles):
        run.cycle(cycle)
    run.failures += run.service.reports()
    run.report()
    return finish(run.failures)


if __name__ == "__main__":
    sys.exit(main())
