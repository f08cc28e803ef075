"""Many clients, resets, half-closes, SIGHUP, freezes, a full disk and stops, over TCP, TLS and a Unix socket, search on.

usage: stress_test.py BINARY [--requests N] [--lives N] [--kind tcp|tls|unix] [--processes N] [--disk-mib N] [--seed N]
                      [--calm]

Each life of the service ends with SIGTERM under load; then `sessiond check` has to find the file sound, the next life
has to start on it, and every acknowledged session has to be there with its entries. No sanitizer may report.
Prints its seed and the responses by request and status. (SESSIOND_BINARY, where set, goes before BINARY)
"""

import argparse
import collections
import errno
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import crew  # noqa: E402
from mounts import enter_namespace, mount_tmpfs, unmount  # noqa: E402
from service import Connection, Service  # noqa: E402

TOKEN = "stress-token-of-the-tests"
DISASTERS = {"SIGHUP": 6, "short freeze": 3, "long freeze": 1, "full disk": 2}  # how often, as weights
SAMPLE = 400  # sessions of the ledger that are looked up after each life
# The service takes a pause of the whole process for lost time beyond this.
LONG_FREEZE_S = 3.5
KINDS = ("tcp", "tls", "unix")


class Stress:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.random = random.Random(options.seed)
        self.answered, self.counts, self.disasters = 0, collections.Counter(), collections.Counter()
        self.ledger, self.wrong = {}, []
        self.first_disasters = self.random.sample(sorted(DISASTERS), len(DISASTERS))
        self.ballast = os.path.join(folder, "ballast")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "2", "-subj", "/CN=localhost", "-keyout", f"{folder}/key", "-out", f"{folder}/pem"],
                       check=True, capture_output=True)

    def flags(self, kind):
        if kind == "tls":
            return ["--tls-cert", f"{self.folder}/pem", "--tls-key", f"{self.folder}/key"]
        return ["--listen", f"unix:{self.folder}/socket"] if kind == "unix" else []

    def new_service(self, kind):
        service = Service(self.options.binary, "--search", "on", *self.flags(kind), database=f"{self.folder}/sessions.db",
                          environment={"SESSIOND_TOKEN": TOKEN})
        return service.start()

    def fill_disk(self):
        """The disk has no room for a moment."""
        with open(self.ballast, "wb") as file:
            size = 0
            # The service takes room meanwhile, so the steps become smaller.
            for step in (1 << 28, 1 << 20, 1 << 12):
                try:
                    while True:
                        os.posix_fallocate(file.fileno(), size, step)
                        size += step
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
        time.sleep(self.random.uniform(0.2, 1))
        os.remove(self.ballast)

    def freeze(self, seconds):
        self.service.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.service.process.send_signal(signal.SIGCONT)

    def one_disaster(self):
        """Each kind once, then at random."""
        name = (self.first_disasters.pop() if self.first_disasters
                else self.random.choices(list(DISASTERS), DISASTERS.values())[0])
        self.disasters[name] += 1
        if name == "SIGHUP":
            self.service.process.send_signal(signal.SIGHUP)
        elif name == "full disk":
            self.fill_disk()
        else:
            self.freeze(LONG_FREEZE_S if name == "long freeze" else self.random.uniform(0.05, 0.5))

    def live(self, kind, requests):
        """One life under load, ended with SIGTERM while the clients still send."""
        self.service = self.new_service(kind)
        phase = multiprocessing.Value("b", crew.RUNNING)
        target = (kind, f"{self.folder}/socket" if kind == "unix" else self.service.address)
        workers, pipes = [], []
        for _ in range(self.options.processes):
            ours, theirs = multiprocessing.Pipe(duplex=False)
            # Some requests are left over for the stop.
            share = requests // self.options.processes + 200
            worker = multiprocessing.Process(target=crew.work, daemon=True,
                                             args=(theirs, target, TOKEN, self.random.getrandbits(64), phase, share))
            worker.start()
            theirs.close()
            workers.append(worker)
            pipes.append(ours)
        self.disturb(pipes)
        self.end_life(kind, phase)
        for worker, pipe in zip(workers, pipes):
            self.take(pipe.recv())
            worker.join()

    def disturb(self, pipes):
        """Until the first process has sent all its requests."""
        while not multiprocessing.connection.wait(pipes, timeout=self.random.uniform(0.2, 2)):
            if not self.options.calm:
                self.one_disaster()
            if self.service.process.poll() is not None:
                self.wrong.append(f"the service ended by itself:\n{self.service.log()[-3000:]}")
                return

    def take(self, result):
        answered, counts, ledger, wrong = result
        self.answered += answered
        self.counts.update(counts)
        self.ledger.update(ledger)
        self.wrong += wrong

    def end_life(self, kind, phase):
        phase.value = crew.STOPPING
        status = self.service.terminate()
        phase.value = crew.STOPPED
        if status != 0:
            self.wrong.append(f"{kind}: the exit status is {status}:\n{self.service.log()[-3000:]}")
        self.wrong += self.service.reports()
        checked = subprocess.run([self.options.binary, "check", self.service.database], capture_output=True, text=True,
                                 env={**os.environ, "SESSIOND_TOKEN": TOKEN})
        if checked.returncode != 0:
            self.wrong.append(f"{kind}: sessiond check: {checked.returncode} {checked.stdout[-2000:]}{checked.stderr[-2000:]}")

    def look_up(self):
        """Every acknowledged session is there, with at least its acknowledged entries."""
        service = self.new_service("tcp")
        connection = Connection(service.address)
        for id in self.random.sample(sorted(self.ledger), min(SAMPLE, len(self.ledger))):
            response = connection.call("GET", f"/sessions/{id}", headers={"Authorization": f"Bearer {TOKEN}"})
            if response.status != 200 or response.json()["entry_count"] < self.ledger[id]:
                self.wrong.append(f"{id}: {self.ledger[id]} entries were acknowledged; {response.status} {response.body[:300]}")
        connection.close()
        if service.terminate() != 0:
            self.wrong.append("the service that was looked at did not stop")
        self.wrong += service.reports()

    def run(self):
        lives = self.options.lives
        for life in range(lives):
            kind = self.options.kind or KINDS[life % len(KINDS)]
            began = time.monotonic()
            before = self.answered
            self.live(kind, self.options.requests // lives)
            self.look_up()
            print(f"life {life + 1} ({kind}): {self.answered - before} requests answered in "
                  f"{time.monotonic() - began:.0f} s, {len(self.ledger)} sessions acknowledged", flush=True)
            if self.wrong:
                break


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--requests", type=int, default=6000, help="of all lives together (default 6000)")
    parser.add_argument("--lives", type=int, default=3, help="default 3: one over TCP, one over TLS, one over a Unix socket")
    parser.add_argument("--kind", choices=KINDS, help="of the listener in all lives")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--disk-mib", type=int, default=2048, help="of the disk that becomes full (default 2048)")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--calm", action="store_true", help="no signals, no full disk")
    options = parser.parse_args()
    options.binary = os.environ.get("SESSIOND_BINARY") or options.binary
    return options


def main():
    options = read_options()
    enter_namespace()
    print(f"seed {options.seed}", flush=True)
    folder = mount_tmpfs(options.disk_mib)
    stress = Stress(options, folder)
    try:
        stress.run()
    finally:
        unmount(folder)
    for name, count in sorted(stress.counts.items()):
        print(f"  {name:28} {count:9}")
    print("disasters:", ", ".join(f"{count} × {name}" for name, count in sorted(stress.disasters.items())) or "none")
    print(f"{stress.answered} requests answered, {len(stress.wrong)} findings")
    for sentence in stress.wrong[:10]:
        print(f"not ok - {sentence}")
    return 1 if stress.wrong or stress.answered < options.requests * 0.9 else 0


if __name__ == "__main__":
    sys.exit(main())
