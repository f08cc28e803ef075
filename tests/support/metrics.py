"""What a running service says of itself in /metrics, and the kernel of its memory."""

import re
import resource
import time

from service import Connection

PATIENCE_S = 60


def metric(service, name, default=None):
    """The value of one series, labels included in its name; `default` when there is none."""
    return value_of(service.call("GET", "/metrics"), name, default)


def value_of(response, name, default=None):
    found = re.search(rf"(?m)^{re.escape(name)} (\S+)$", response.body.decode())
    if found is None and default is None:
        raise AssertionError(f"/metrics has no {name}")
    return float(found[1]) if found else default


def await_metric(service, name, wanted):
    """Afterwards the memory of the response of /metrics is given back, too: its connection has served another request."""
    connection = Connection(service.address)
    until = time.monotonic() + PATIENCE_S
    try:
        while (value := value_of(connection.call("GET", "/metrics"), name)) != wanted:
            if time.monotonic() > until:
                raise AssertionError(f"{name} is {value}, not {wanted}")
            time.sleep(0.02)
        connection.call("GET", "/healthz")
    finally:
        connection.close()


def rss_mib(service):
    with open(f"/proc/{service.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / (1 << 20)
