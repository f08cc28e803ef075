"""Stops that have to be prompt, whatever clients do meanwhile."""

import time

from checks import check

# A wait that is not meant to be: --shutdown-timeout is a minute in these tests, a slow machine has the rest.
PROMPT_S = 25
STOP_TIMEOUT = ("--shutdown-timeout", "60000ms")


def stop(service, what):
    """Seconds that it took."""
    began = time.monotonic()
    status = service.terminate()
    took = time.monotonic() - began
    check(status == 0, f"{what}: the exit status is {status}\n{service.log()[-3000:]}")
    check(took < PROMPT_S, f"{what}: the stop took {took:.1f} s")
    check(not service.reports(), f"{what}: a sanitizer's report:\n{service.log()[-5000:]}")
    return took
