"""What the stories have in common: clients that live through restarts, threads that begin together, verdicts.

A story is a function told(story); run() gives it the arguments of the command line and prints what it found.
"""

import argparse
import datetime
import json
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from service import PATIENCE_S, Connection, Refused, Service, Unanswered  # noqa: E402

SHOWN_FAILURES = 12
PAUSE_S = 0.002


class Client:
    """One client of the service at host.address, on one connection as long as that lives."""

    def __init__(self, host):
        self.host = host
        self.connection = None
        self.address = None

    def call(self, method, target, body=None, token=None, key=None, **headers):
        """One request; underscores in the names of further headers are dashes. Refused, Unanswered."""
        headers = {name.replace("_", "-"): str(value) for name, value in headers.items() if value is not None}
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        if token is not None:
            headers["Lease-Token"] = str(token)
        if key is not None:
            headers["Idempotency-Key"] = f'"{key}"'
        text = None if body is None else json.dumps(body).encode()
        return self._connected().call(method, target, text, headers)

    def insist(self, *request, **more):
        """Like call, sent again until there is an answer: for what may be sent again."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.call(*request, **more)
            except (Refused, Unanswered):
                if time.monotonic() > give_up:
                    raise
                time.sleep(PAUSE_S)

    def _connected(self):
        address = self.host.address
        if address is None:
            raise Refused("the service is not there")
        if address != self.address:
            self.close()
            self.connection, self.address = Connection(address), address
        return self.connection

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = self.address = None


def at_once(count, work):
    """Runs work(i) in `count` threads that begin together. Returns their results; raises the first exception."""
    barrier = threading.Barrier(count)
    results, raised = [None] * count, []

    def run_one(i):
        try:
            barrier.wait()
            results[i] = work(i)
        except BaseException as error:
            raised.append(error)
            barrier.abort()

    threads = [threading.Thread(target=run_one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in raised:
        if not isinstance(error, threading.BrokenBarrierError):
            raise error
    return results


def await_true(holds, patience_s=PATIENCE_S, pause_s=PAUSE_S):
    """Whether holds() became true in time."""
    give_up = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > give_up:
            return False
        time.sleep(pause_s)
    return True


def instant(text):
    """Seconds since 1970 of a time as the service writes it."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Story:
    """The arguments, what was found wrong, and the services that were started."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.failures = []
        self.services = []
        self.lock = threading.Lock()

    def check(self, holds, sentence):
        if not holds:
            with self.lock:
                self.failures.append(sentence)
        return holds

    def equal(self, got, expected, what):
        return self.check(got == expected, f"{what} is {got!r}, not {expected!r}")

    def say(self, sentence):
        print(f"  {sentence}", flush=True)

    def service(self, *flags, environment=None):
        """A service that listens; it is ended with the story."""
        service = Service(self.arguments.binary, "--log-level", "warning", *flags, environment=environment)
        self.services.append(service)
        return service.start()

    def end(self):
        for service in self.services:
            self.failures += service.stop()
        for failure in self.failures[:SHOWN_FAILURES]:
            print(f"  - {failure}")
        if len(self.failures) > SHOWN_FAILURES:
            print(f"  and {len(self.failures) - SHOWN_FAILURES} more")


def run(about, *told, **options):
    """Tells the stories with `--option VALUE` for each option, whose default gives the type; a story that returns
    False was not asked for. The exit status."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="SESSIOND_BINARY, where set, goes before it")
    for name, default in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    arguments = parser.parse_args()
    arguments.binary = os.environ.get("SESSIOND_BINARY") or arguments.binary
    failed = 0
    for tell in told:
        story = Story(arguments)
        began = time.monotonic()
        try:
            asked_for = tell(story) is not False
        finally:
            story.end()
        if not asked_for:
            continue
        print(f"{'FAILED' if story.failures else 'ok    '} {tell.__name__}, {time.monotonic() - began:.1f} s")
        failed += bool(story.failures)
    return 1 if failed else 0
