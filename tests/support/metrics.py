"""What a running service says of itself in /metrics, and the kernel of its memory."""

import re
import resource
import time

PATIENCE_S = 60


def metric(service, name, default=None):
    """The value of one series, labels included in its name; `default` when there is none."""
    found = re.search(rf"(?m)^{re.escape(name)} (\S+)$", service.call("GET", "/metrics").body.decode())
    if found is None and default is None:
        raise AssertionError(f"/metrics has no {name}")
    return float(found[1]) if found else default


def await_metric(service, name, wanted):
    until = time.monotonic() + PATIENCE_S
    while (value := metric(service, name)) != wanted:
        if time.monotonic() > until:
            raise AssertionError(f"{name} is {value}, not {wanted}")
        time.sleep(0.02)


def rss_mib(service):
    with open(f"/proc/{service.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / (1 << 20)
