"""The power fails while 16 writers are at work, again and again on one file: nothing acknowledged is lost.

The database is on an ext4 of the test's own, on a loop device. The ioctl with which a file system is shut
down without its journal being written leaves on the device exactly what was written to it so far; then the
service is killed, and the file system is mounted again, which replays the journal. The ioctl takes
milliseconds, in which a sync that is under way may succeed for what never reaches the device. With the power
nobody would hear of that; so the service is stopped first, a call of the kernel that is under way goes on,
and no thread comes back from one.

The control is the same without the sync of the log at a commit, which is what synchronous=NORMAL leaves
out (https://sqlite.org/pragma.html#pragma_synchronous): it has to lose, or the test would show nothing.

Takes root, a loop device and e2fsprogs.
"""

import fcntl
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

from crash import arguments, faults_of_file, finish, parse, preloaded, table, verify, versions_in_file  # noqa: E402
from ledger import Ledger, Verdict  # noqa: E402
from mounts import enter_namespace  # noqa: E402
from service import Service  # noqa: E402
from writers import Crowd  # noqa: E402

DISK_MIB = 512
# EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH of linux/fs/ext4/ext4.h.
SHUTDOWN, WITHOUT_JOURNAL = 0x8004587D, 2
OFTEN = ("--checkpoint-pages", "50")


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"FAILED: this machine does not give the test what it needs (root, loop devices, ext4):"
                         f" {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


class Disk:
    """An ext4 on a loop device."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sessiond-power-")
        image = os.path.join(self.folder.name, "image")
        self.place = os.path.join(self.folder.name, "disk")
        self.device = None
        os.mkdir(self.place)
        with open(image, "wb") as file:
            file.truncate(DISK_MIB << 20)
        command("mkfs.ext4", "-q", "-F", image)
        self.device = command("losetup", "--find", "--show", image)
        try:
            self.mount()
        except SystemExit:
            self.close()
            raise

    def mount(self):
        command("mount", "-t", "ext4", "-o", "data=ordered", self.device, self.place)

    def cut(self):
        folder = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", WITHOUT_JOURNAL))
        except OSError as error:
            raise SystemExit(f"FAILED: the file system cannot be shut down here: {error}") from error
        finally:
            os.close(folder)

    def return_power(self):
        command("umount", self.place)
        self.mount()

    def close(self):
        if os.path.ismount(self.place):
            subprocess.run(["umount", "--lazy", self.place], check=False)
        if self.device is not None:
            subprocess.run(["losetup", "--detach", self.device], check=False)


def state_of(path):
    """The letter of a thread's state (proc_pid_stat(5))."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0]


class Run:
    """Cycles on one database. `environment` is for the service while it has power."""

    def __init__(self, options, disk, name, environment=None):
        self.options = options
        self.random = random.Random(options.seed)
        self.disk = disk
        self.database = os.path.join(disk.place, name)
        self.environment = environment
        self.ledger = Ledger()
        self.service = Service(options.binary, "--log-level", "warning", database=self.database)
        self.total = Verdict()
        self.acknowledged = 0
        self.faults = []
        self.trigger = os.path.join(self.service.folder.name, "trigger")

    def freeze(self):
        """No thread of the service runs any more; some may be in a call that reads or writes."""
        tasks = f"/proc/{self.service.process.pid}/task"
        self.service.process.send_signal(signal.SIGSTOP)
        while not all(state_of(f"{tasks}/{task}/stat") in "TD" for task in os.listdir(tasks)):
            pass

    def cycle(self, number):
        self.service.start(*(OFTEN if number % 2 else ()), environment=self.environment)
        crowd = Crowd(self.service, self.ledger, self.random.random(), name=f"p{number}")
        if not crowd.await_acknowledged(32):
            self.faults.append(f"cycle {number}: the writers do not get on")
        open(self.trigger, "w").close()
        time.sleep(self.random.uniform(0, self.options.span_s))
        self.freeze()
        self.disk.cut()
        self.service.kill()
        crowd.join()
        os.remove(self.trigger)
        self.acknowledged += crowd.acknowledged()
        self.faults += [f"cycle {number}: {fault}" for fault in crowd.faults]
        self.disk.return_power()
        self.look(number)

    def look(self, number):
        """The next start, against the ledger."""
        faults = faults_of_file(self.database)
        versions = versions_in_file(self.database) if not faults else None
        self.service.start()
        verdict = verify(self.service, self.ledger, versions)
        verdict.unequal += faults
        self.total.add(verdict)
        self.faults += [f"cycle {number}: {failure}" for failure in verdict.failures()]
        if self.service.terminate() != 0:
            self.faults.append(f"cycle {number}: the service did not stop well")
        self.faults += self.service.reports()


def control(options, disk):
    """How much is lost without the sync; each cycle on a file of its own, which begins whole."""
    lost = acknowledged = 0
    for number in range(options.control_cycles):
        run = Run(options, disk, f"control-{number}.db")
        run.environment = preloaded(options.faulty_disk, SESSIOND_TEST_FAULT="nosync:-wal:EIO:1",
                                    SESSIOND_TEST_FAULT_TRIGGER=run.trigger)
        run.cycle(0)
        lost += len(run.total.lost)
        acknowledged += run.acknowledged
    return lost, acknowledged


def main():
    parser = arguments(__doc__, cycles=100)
    parser.add_argument("--control-cycles", type=int, default=5, help="without the sync of the log")
    parser.add_argument("--span-s", type=float, default=0.4, help="longest time that the writers have")
    enter_namespace()
    options = parse(parser)
    disk = Disk()
    try:
        run = Run(options, disk, "sessions.db")
        for number in range(options.cycles):
            run.cycle(number)
        lost, acknowledged = control(options, disk)
    finally:
        disk.close()
    table([
        ("power cuts", options.cycles),
        ("acknowledged writes", run.acknowledged),
        ("without an answer: had happened", run.total.new),
        ("without an answer: had not", run.total.old),
        ("lost", len(run.total.lost)),
        ("torn", len(run.total.torn)),
        ("phantoms", len(run.total.phantoms)),
        ("list unlike get, or unsound file", len(run.total.unequal)),
        ("control: power cuts without the log's sync", options.control_cycles),
        ("control: acknowledged writes", acknowledged),
        ("control: lost", lost),
    ])
    if lost == 0:
        run.faults.append("the control lost nothing: this test would not see a loss")
    return finish(run.faults)


if __name__ == "__main__":
    sys.exit(main())
