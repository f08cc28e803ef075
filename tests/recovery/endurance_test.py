"""Mixed load for a long time: descriptors, memory and the log of writes stay as they are.

Sessions are made, changed, read, listed, leased and deleted, requests of every bad kind are sent, and
connections come and go, at a steady rate. What is compared is the first and the last third of the
time behind a warm-up.
"""

import json
import os
import random
import statistics
import sys
import threading
import time

from crash import arguments, parse
from service import Connection, Service

WORKERS = 8
KEPT = 40  # sessions of a worker
WARM_UP = 0.25
SAMPLE_S = 0.5
JSON = {"Content-Type": "application/json"}
MERGE = {"Content-Type": "application/merge-patch+json"}
EXPECTED = {200, 201, 204, 304, 400, 404, 405, 409, 412, 413, 414, 415, 422, 431}
CHECKPOINT_PAGES = 2000
MAX_EVENTS = 5000  # those of the first minute of a long run: behind it the file grows no more
MIB = 1 << 20


class Worker(threading.Thread):
    def __init__(self, address, seed, rate, until_s):
        super().__init__(daemon=True)
        self.address = address
        self.random = random.Random(seed)
        self.pause_s = 1 / rate
        self.until_s = until_s
        self.connection = Connection(address)
        self.ids = []
        self.requests = 0
        self.faults = []
        self.start()

    def run(self):
        try:
            while time.monotonic() < self.until_s:
                self.act()
                time.sleep(self.random.random() * 2 * self.pause_s)
        except Exception as error:  # one that dies must not look like one that is done
            self.faults.append(f"{type(error).__name__}: {error}")
        self.connection.close()

    def call(self, method, target, body=None, headers=None):
        response = self.connection.call(method, target, body, headers)
        self.requests += 1
        if response.status not in EXPECTED:
            self.faults.append(f"{method} {target[:60]}: {response.status} {response.body[:200]!r}")
        return response

    def context(self):
        long = self.random.random() < 0.02
        return {"text": self.random.randbytes(self.random.randrange(100000 if long else 1500)).hex()}

    def act(self):
        self.random.choice(self.ACTIONS)(self)

    def create(self):
        body = {"project_path": f"/p{self.random.randrange(20)}", "thread_id": "t", "context": self.context()}
        key = {"Idempotency-Key": f'"{self.random.getrandbits(64):x}"'}
        self.ids.append(self.call("POST", "/sessions", json.dumps(body).encode(), {**JSON, **key}).json()["id"])
        if len(self.ids) > KEPT:
            self.call("DELETE", f"/sessions/{self.ids.pop(0)}")

    def patch(self):
        self.call("PATCH", self.one(), json.dumps({"context": self.context()}).encode(), JSON)

    def merge(self):
        self.call("PATCH", self.one(), json.dumps({"context": {"n": self.requests}}).encode(), MERGE)

    def lease(self):
        target = self.one() + "/lease"
        lease = self.call("PUT", target, b'{"owner":"o","ttl_seconds":30}', JSON).json()
        self.call("DELETE", target, None, {"Lease-Token": str(lease["token"])})

    def read(self):
        self.call("GET", self.one())

    def page(self):
        self.call("GET", self.random.choice(["/sessions", "/sessions?status=CREATED&limit=200", "/sessions?thread_id=t",
                                             "/sessions?limit=20&include=context", "/metrics"]))

    def mistake(self):
        self.call(*self.random.choice([
            ("GET", "/nothing"), ("POST", "/sessions", b"{", JSON), ("DELETE", "/sessions"),
            ("PATCH", self.one(), b"[]", JSON), ("GET", "/sessions?x=1"), ("GET", "/" + "x" * 15000),
            ("POST", "/sessions", bytes(70000), {"Content-Type": "text/plain"}),
            ("PATCH", self.one(), b"{}", {**JSON, "If-Match": '"0"'})]))

    def reconnect(self):
        self.connection.close()
        self.connection = Connection(self.address)

    def one(self):
        if not self.ids:
            self.create()
        return f"/sessions/{self.random.choice(self.ids)}"

    ACTIONS = [create] * 3 + [patch] * 4 + [merge] * 4 + [lease] + [read] * 6 + [page] * 2 + [mistake] * 2 + [reconnect]


class Sample:
    def __init__(self, service):
        process = f"/proc/{service.process.pid}"
        self.descriptors = len(os.listdir(process + "/fd"))
        with open(process + "/statm", encoding="ascii") as file:
            self.memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        log = service.database + "-wal"
        self.log = os.path.getsize(log) if os.path.exists(log) else 0
        self.file = os.path.getsize(service.database)


def watch(service, until_s):
    samples = []
    while time.monotonic() < until_s:
        samples.append(Sample(service))
        time.sleep(SAMPLE_S)
    return samples[int(len(samples) * WARM_UP):]


def judge(samples, slack_of):
    third = len(samples) // 3
    failures = []
    print(f"{'':24}{'first third':>14}{'last third':>14}{'most':>14}")
    for name, slack in slack_of.items():
        unit = 1 if name == "descriptors" else MIB
        values = [getattr(sample, name) / unit for sample in samples]
        first, last = statistics.median(values[:third]), statistics.median(values[-third:])
        print(f"{name + (', MiB' if unit == MIB else ''):24}{first:14.1f}{last:14.1f}{max(values):14.1f}")
        if last > first + slack:
            failures.append(f"{name}: from {first:.1f} to {last:.1f}")
    longest = max(sample.log for sample in samples)
    if longest > 5 * CHECKPOINT_PAGES * 4096:
        failures.append(f"a log of {longest} bytes, with {CHECKPOINT_PAGES} pages until a checkpoint")
    return failures


def main():
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=400, help="requests a second in all, about")
    options = parse(parser)
    choices = random.Random(options.seed)
    service = Service(options.binary, "--checkpoint-pages", str(CHECKPOINT_PAGES), "--max-events", str(MAX_EVENTS),
                      # Keys are kept for so long, and cleared away once a minute.
                      "--idempotency-ttl", "1s").start()
    until_s = time.monotonic() + options.seconds
    workers = [Worker(service.address, choices.random(), options.rate / WORKERS, until_s) for _ in range(WORKERS)]
    slack = {"descriptors": 4, "memory": 8, "log": 4, "file": 8}
    if service.is_checked():
        print("a sanitizer keeps what is freed: memory is not judged")
        slack["memory"] = 1 << 20
    failures = judge(watch(service, until_s), slack)
    for worker in workers:
        worker.join()
        failures += worker.faults[:5]
    print(f"{sum(worker.requests for worker in workers)} requests in {options.seconds:.0f} s")
    if service.terminate() != 0:
        failures.append("it did not end well: " + service.log()[-500:])
    failures += service.reports()
    print("\n".join(failures) or "all stayed as it was")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
