"""What a fault in the running service would be worth: foreign code in its process tries to get out of it.

usage: confine_test.py BINARY INTRUDER   (INTRUDER: the shared object of intruder.c)
"""

import errno
import os
import re
import signal
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from service import PATIENCE_S, Service  # noqa: E402

SESSION = b'{"project_path":"/confine","thread_id":"a","context":{"a":1}}'
JSON = {"Content-Type": "application/json"}


class Intruded:
    """A service with the intruder inside, which `attempt` makes do something when told."""

    def __init__(self, binary, intruder, attempt, confine="on", port=0):
        # A sanitizer's search for leaks needs what is given up.
        options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0"
        self.service = Service(binary, "--threads", "2", "--sandbox", confine)
        self.trigger = os.path.join(self.service.folder.name, "trigger")
        self.report = os.path.join(self.service.folder.name, "report")
        self.service.start(environment={
            "LD_PRELOAD": os.path.abspath(intruder), "ASAN_OPTIONS": options, "INTRUDER_ATTEMPT": attempt,
            "INTRUDER_TRIGGER": self.trigger, "INTRUDER_REPORT": self.report, "INTRUDER_PORT": str(port)})

    def intrude(self):
        with open(self.trigger, "w", encoding="ascii"):
            pass

    def results(self):
        """{thread: errno}"""
        with open(self.report, encoding="ascii") as file:
            return {int(thread): int(result) for thread, result in (line.split() for line in file)}

    def threads(self):
        return {int(task) for task in os.listdir(f"/proc/{self.service.process.pid}/task")}

    def work(self):
        """Something for every thread to do: HTTP, the writer, the feed, the lists, the searches, the log, the one that
        ends connections whose client still sends."""
        def ask():
            try:
                made = self.service.call("POST", "/sessions", SESSION, JSON).json()
                self.service.call("GET", f"/sessions/{made['id']}/entries?wait=1")
                self.service.call("GET", "/sessions?include=context&limit=1000")
                self.service.call("GET", "/search?q=word")
                self.service.call("POST", "/sessions", bytes(1 << 20), {"Content-Type": "text/plain"})
            except Exception:  # the service has ended: that is for the test to judge
                pass
        clients = [threading.Thread(target=ask) for _ in range(16)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()


def await_event(service, name):
    """The event of the log, which follows `listening`; None when it does not come."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for event in service.events(name):
            return event
        time.sleep(0.01)
    return None


def status_lines(service, names):
    """What /proc says of each thread of the process."""
    folder = f"/proc/{service.process.pid}/task"
    for task in os.listdir(folder):
        with open(f"{folder}/{task}/status", encoding="ascii") as file:
            found = dict(re.findall(r"(\w+):\s+(\S+)", file.read()))
        yield tuple(found[name] for name in names)


def core_limit(service):
    with open(f"/proc/{service.process.pid}/limits", encoding="ascii") as file:
        return re.search(r"Max core file size +(\S+) +(\S+)", file.read()).groups()


def ends(binary, intruder, attempt, wanted, confine="on", port=0):
    """The process's end after the attempt; wrong when it is another than `wanted`."""
    intruded = Intruded(binary, intruder, attempt, confine, port)
    intruded.intrude()
    intruded.work()
    status = intruded.service.await_end(PATIENCE_S)
    return [] if status == wanted else [f"--sandbox {confine}: after {attempt} the process ends with {status}, not {wanted}"]


def every_thread(binary, intruder, confine):
    """Each thread tries to read a file elsewhere; the main thread does at the stop."""
    intruded = Intruded(binary, intruder, "read", confine)
    event = await_event(intruded.service, "sandbox_enabled" if confine == "on" else "sandbox_disabled") or {}
    wanted = errno.EACCES if event.get("landlock", "unsupported") != "unsupported" else 0
    threads = intruded.threads()
    main = intruded.service.process.pid
    wrong = []
    if confine == "on" and wanted == 0:
        print("this kernel has no Landlock: what it keeps out of reach is not shown")
    intruded.intrude()
    until = time.monotonic() + PATIENCE_S
    while threads - {main} - set(intruded.results()) and time.monotonic() < until:
        intruded.work()
    intruded.service.process.send_signal(signal.SIGTERM)
    status = intruded.service.await_end()
    if status != 0:
        wrong.append(f"--sandbox {confine}: the exit status is {status}, not 0:\n{intruded.service.log()}")
    if intruded.results() != dict.fromkeys(threads, wanted):
        wrong.append(f"--sandbox {confine}: {intruded.results()}, not {wanted} for each of {threads}")
    print(f"--sandbox {confine}: {len(threads)} threads tried to read /etc/passwd: errno {set(intruded.results().values())}")
    return wrong


def what_proc_says(binary):
    wrong = []
    for confine, event, status, limit in (("on", "sandbox_enabled", ("1", "2"), ("0", "0")), ("off", "sandbox_disabled", ("0", "0"), None)):
        service = Service(binary, "--sandbox", confine).start(
            environment={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})
        found = set(status_lines(service, ("NoNewPrivs", "Seccomp")))
        if confine == "on" and found != {status}:
            wrong.append(f"--sandbox on: (NoNewPrivs, Seccomp) of the threads are {found}")
        if confine == "off" and len(found) != 1:
            wrong.append(f"--sandbox off: (NoNewPrivs, Seccomp) of the threads are {found}")
        if limit is not None and core_limit(service) != limit:
            wrong.append(f"--sandbox {confine}: the core limits are {core_limit(service)}")
        if await_event(service, event) is None:
            wrong.append(f"--sandbox {confine}: no event {event} in the log:\n{service.log()}")
        wrong += service.stop()
    return wrong


def leaves_no_core(binary):
    """A crash of the process, whose limit would allow a core dump."""
    service = Service("/bin/sh", database="/nowhere")
    service.command = ["/bin/sh", "-c", 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"', "sh", binary, "--listen", "127.0.0.1:0",
                       "--db", os.path.join(service.folder.name, "sessions.db"), "--sandbox", "on"]
    service.start(environment={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0:detect_leaks=0"})
    service.process.send_signal(signal.SIGSEGV)
    _, status = os.waitpid(service.process.pid, 0)
    service.process.returncode = -os.WTERMSIG(status)
    if os.WCOREDUMP(status) or os.WTERMSIG(status) != signal.SIGSEGV:
        return [f"the process ended with status {status}: a core dump"]
    return []


def main(binary, intruder):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        wrong = every_thread(binary, intruder, "on") + every_thread(binary, intruder, "off")
        for attempt in ("execute", "connect", "fork"):
            wrong += ends(binary, intruder, attempt, -signal.SIGSYS, port=port)
        wrong += ends(binary, intruder, "execute", 0, confine="off")
    wrong += what_proc_says(binary) + leaves_no_core(binary)
    print("\n".join(wrong) or "nothing gets out")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
