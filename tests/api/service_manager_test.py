"""What a service manager sees: sd_notify's datagrams, and the answers of `sessiond healthcheck`.

usage: manager_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import os
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from service import Service  # noqa: E402


def notifications(binary, name):
    """The states that one life of the service sends to the socket of this name, in order."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name.replace("@", "\0") if name.startswith("@") else name)
        manager.settimeout(60)
        service = Service(binary, environment={"NOTIFY_SOCKET": name}).start()
        states = [manager.recv(100)]
        wrong = service.stop()
        return states + [manager.recv(100)] + wrong


def healthcheck(binary, address):
    return subprocess.run([binary, "healthcheck", "--listen", address], capture_output=True, text=True)


def main(binary):
    binary = os.environ.get("SESSIOND_BINARY") or binary
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for name in (f"{folder}/notify", f"@sessiond-test-{os.getpid()}"):
            states = notifications(binary, name)
            if states != [b"READY=1", b"STOPPING=1"]:
                failures.append(f"{name} got {states}")
    for name in ("relative", "/" + "x" * 200, "/nobody/listens"):
        failures += Service(binary, environment={"NOTIFY_SOCKET": name}).start().stop()
    service = Service(binary, "--listen", "0.0.0.0:0", "--allow-anonymous").start()
    any_address = healthcheck(binary, service.address)
    address = "127.0.0.1:" + service.address.rsplit(":", 1)[1]
    ready = healthcheck(binary, address)
    failures += service.stop()
    gone = healthcheck(binary, address)
    for what, result, wanted in (("ready", ready, 0), ("at 0.0.0.0", any_address, 0), ("gone", gone, 1)):
        if result.returncode != wanted or bool(result.stderr) != (wanted == 1):
            failures.append(f"{what}: healthcheck ends with {result.returncode}: {result.stderr}")
    print("\n".join(failures) or "the manager sees what it should")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
