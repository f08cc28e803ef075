"""What one more entry costs does not depend on how many there are.

usage: cost_test.py BINARY [--full]      --full: beside 100,000 entries in place of 5,000, and the bound holds

The two logs take turns, so that what else the machine does meets them alike.
"""

import json
import os
import statistics
import sys
import time
import uuid

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from checks import FULL, check, run, under_test  # noqa: E402
from entry_log import Log  # noqa: E402
from service import Connection, Service  # noqa: E402

FEW, MANY = 10, 100000 if FULL else 5000
TURNS = 1500
DEARER = 1.2


def entry():
    return {"uuid": str(uuid.uuid4()), "text": "x" * 960}


def fill(log, count):
    for first in range(0, count, 1000):
        log.append([entry() for _ in range(min(1000, count - first))])


def append_us(log):
    body = json.dumps([entry()]).encode()
    began = time.perf_counter()
    log.call(200, "POST", f"{log.target}/entries", body)
    return 1e6 * (time.perf_counter() - began)


def one_more_costs_the_same(binary):
    service = Service(binary).start()
    connection = Connection(service.address)
    short, long = Log(connection), Log(connection)
    fill(long, MANY)
    times = {short: [], long: []}
    for turn in range(TURNS):
        if turn % FEW == 0:  # the short one stays short
            short = Log(connection)
            fill(short, FEW)
            times[short] = times.pop(next(log for log in times if log is not long))
        for log in ((short, long), (long, short))[turn % 2]:
            times[log].append(append_us(log))
    few_us, many_us = statistics.median(times[short]), statistics.median(times[long])
    print(f"       an append of 1 KiB: {few_us:.0f} us beside {FEW} entries, {many_us:.0f} us beside {MANY}, "
          f"{many_us / few_us:.2f} times as much")
    check(not FULL or many_us <= DEARER * few_us, "it is more than it may be")
    return service.stop()


if __name__ == "__main__":
    sys.exit(run([one_more_costs_the_same], under_test(sys.argv[1])))
