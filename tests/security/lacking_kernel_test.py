"""What the kernel lacks is named, and the service goes on without it.

usage: lacking_kernel_test.py BINARY LAUNCHER   (LAUNCHER: lacking_kernel)
"""

import errno
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from service import PATIENCE_S, Service  # noqa: E402

SESSION = b'{"project_path":"/confine","thread_id":"a"}'


def await_event(service, name):
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for event in service.events(name):
            return event
        time.sleep(0.01)
    return None


def goes_on(binary, launcher, call, error):
    service = Service(binary, "--sandbox", "on")
    service.command = [launcher, call, str(error), *service.command]
    service.start(environment={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})
    event = await_event(service, "sandbox_enabled") or {}
    what = f"{call} answered with {errno.errorcode[error]}"
    wrong = []
    if (event.get(call), event.get("level")) != ("unsupported", "warning"):
        wrong.append(f"{what}: the log says {event}")
    if call == "landlock" and event.get("seccomp") != "on":
        wrong.append(f"{what}: seccomp is not on: {event}")
    status = service.call("POST", "/sessions", SESSION, {"Content-Type": "application/json"}).status
    if status != 201:
        wrong.append(f"{what}: a session is answered {status}")
    print(f"{what}: {event}")
    return wrong + service.stop()


def main(binary, launcher):
    wrong = []
    for call, error in (("landlock", errno.ENOSYS), ("landlock", errno.EOPNOTSUPP), ("landlock", errno.EPERM),
                        ("seccomp", errno.ENOSYS), ("seccomp", errno.EPERM), ("seccomp", errno.EINVAL)):
        wrong += goes_on(binary, launcher, call, error)
    print("\n".join(wrong) or "it goes on, and says without what")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
