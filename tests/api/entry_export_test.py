"""A log of any length is read in constant memory, and what others ask for meanwhile is not held up.

usage: export_test.py BINARY [--full]      --full: 1,000,000 entries in place of 50,000, and the bounds on times
"""

import multiprocessing
import os
import sys
import time
import uuid

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from checks import FULL, check, run, under_test  # noqa: E402
from entry_log import LINES, Log  # noqa: E402
from service import Connection, Service  # noqa: E402

COUNT = 1000000 if FULL else 50000
TEXT = b"x" * 900  # about 1 KiB an entry
GROWTH_KIB = 16 * 1024
SLOWER = 3
PATIENCE_S = 60
CACHES = 4  # there are as many as threads that read


def resident_kib(service):
    with open(f"/proc/{service.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def keeps_what_is_freed(service):
    """A sanitizer does."""
    with open(f"/proc/{service.process.pid}/maps", encoding="utf-8", errors="replace") as file:
        maps = file.read()
    return "libasan" in maps or "libtsan" in maps


def fill(log, count):
    for first in range(1, count + 1, 1000):
        numbers = range(first, min(first + 1000, count + 1))
        log.append(b"".join(b'{"uuid":"%s","n":%d,"text":"%s"}\n' % (str(uuid.uuid4()).encode(), n, TEXT)
                            for n in numbers))


def percentile_ms(seconds, share=0.99):
    return 1000 * sorted(seconds)[int(len(seconds) * share)]


class Getter(multiprocessing.Process):
    """Gets a session by its id again and again. A process: a thread would wait for the one that reads the export."""

    def __init__(self, address, target):
        super().__init__()
        self.address, self.target = address, target
        self.ended = multiprocessing.Event()
        self.times, self.sink = multiprocessing.Pipe(duplex=False)

    def run(self):
        connection, seconds = Connection(self.address), []
        while not self.ended.is_set():
            began = time.perf_counter()
            if connection.call("GET", self.target).status != 200:
                return
            seconds.append(time.perf_counter() - began)
        self.sink.send(seconds)

    def end(self):
        self.ended.set()
        check(self.times.poll(PATIENCE_S), "a get failed")
        seconds = self.times.recv()
        self.join()
        return seconds


def export(service, log, look):
    """Reads the whole stream and holds each line against its place. Returns how many there were."""
    connection = Connection(service.address).http
    connection.request("GET", f"{log.target}/entries", headers={"Accept": LINES})
    response = connection.getresponse()
    count = 0
    for line in response:
        count += 1
        check(line.startswith(b'{"seq":%d,' % count) and b'"n":%d,' % count in line[:160], f"line {count}: {line[:160]}")
        if count % 5000 == 0:
            look()
    connection.close()
    return count


def a_long_log_is_read_in_constant_memory(binary):
    service = Service(binary).start()
    log, other = Log(Connection(service.address)), Log(Connection(service.address))
    fill(log, COUNT)
    idle = Getter(service.address, other.target)
    idle.start()
    time.sleep(2)
    idle_ms = percentile_ms(idle.end())

    # SQLite's page cache is not the export's: whatever is read fills it, up to its bound. It is full before.
    for _ in range(CACHES):
        log.lines("?before=40001")
    before = resident_kib(service)
    highest = [before]
    busy = Getter(service.address, other.target)
    busy.start()
    began = time.monotonic()
    seen = export(service, log, lambda: highest.append(resident_kib(service)))
    took = time.monotonic() - began
    busy_ms = percentile_ms(busy.end())
    growth = max(highest) - before
    print(f"       {seen} entries in {took:.1f} s; memory {before} KiB and {growth} KiB more; "
          f"get p99 idle {idle_ms:.2f} ms, meanwhile {busy_ms:.2f} ms")
    check(seen == COUNT, f"{seen} entries of {COUNT}")
    if keeps_what_is_freed(service):
        print("       a sanitizer keeps what is freed: memory is not judged")
    else:
        check(growth <= GROWTH_KIB, f"the memory grew by {growth} KiB")
    check(not FULL or busy_ms <= SLOWER * idle_ms, f"gets took {busy_ms:.2f} ms meanwhile, and {idle_ms:.2f} ms before")
    return service.stop()


if __name__ == "__main__":
    sys.exit(run([a_long_log_is_read_in_constant_memory], under_test(sys.argv[1])))
