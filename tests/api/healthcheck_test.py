"""`sessiond healthcheck` against services that are unwell, silent or no sessiond: 1, in time, and why.

usage: healthcheck_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import os
import socket
import subprocess
import sys
import threading

PATIENCE_S = 60
DETAIL = b'{"detail":"a write to the database failed"}'
NOT_READY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: %d\r\n\r\n%s"
READY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Stub:
    """A listener on a free port that says `answer` to one connection and, unless `silent`, ends it."""

    def __init__(self, answer, silent=False, host="127.0.0.1"):
        self.socket = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.address = f"{f'[{host}]' if ':' in host else host}:{self.socket.getsockname()[1]}"
        self.answer = answer
        self.silent = silent
        self.request = b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        peer = self.socket.accept()[0]
        self.request = peer.recv(4096)
        peer.sendall(self.answer)
        if self.silent:
            peer.recv(1)  # until the other side gives up
        peer.close()
        self.socket.close()


def healthcheck(binary, address):
    """The exit status, None when it did not end, and what it said."""
    command = [binary, "healthcheck", "--listen", address]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stderr


def has_ipv6():
    """A container may know IPv6 and yet have no address of it."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def main(binary):
    binary = os.environ.get("SESSIOND_BINARY") or binary
    cases = [
        ("well", Stub(READY), 0, ""),
        ("not ready", Stub(NOT_READY % (len(DETAIL), DETAIL)), 1, "/readyz returned status 503: " + DETAIL.decode()),
        ("not ready, at length", Stub(NOT_READY % (100000, b"x" * 100000)), 1, "/readyz returned status 503: xxx"),
        ("cut off", Stub(NOT_READY % (100, b"")), 1, "/readyz returned status 503"),
        ("silent", Stub(b"", silent=True), 1, "no response from the service within 3 s"),
        ("silent half way", Stub(b"HTTP/1.1 20", silent=True), 1, "no response from the service within 3 s"),
        ("silent in the body", Stub(NOT_READY % (100, b"{"), silent=True), 1, "/readyz returned status 503: {"),
        ("mute", Stub(b""), 1, "closed the connection"),
        ("a mail server", Stub(b"220 mail\r\n\r\n"), 1, "the response is not HTTP"),
    ]
    if has_ipv6():
        cases.append(("well, by IPv6", Stub(READY, host="::1"), 0, ""))
    failures = []
    for what, stub, status, said in cases:
        got = healthcheck(binary, stub.address)
        if got[0] != status or said not in got[1] or bool(got[1]) != bool(said):
            failures.append(f"{what}: exit status {got[0]}, not {status}: {got[1]!r}, looked for {said!r}")
        if not stub.request.startswith(f"GET /readyz HTTP/1.1\r\nHost: {stub.address}\r\n".encode()):
            failures.append(f"{what}: the request is {stub.request!r}")
    for address in ("127.0.0.1:", "localhost:", "[::1]:", "[::1]", "127.0.0.1", ":8082"):
        got = healthcheck(binary, address)
        if got[0] != 1 or "--listen takes HOST:PORT" not in got[1]:
            failures.append(f"--listen {address}: exit status {got[0]}, not 1 and a refusal of the address: {got[1]!r}")
    print("\n".join(failures) or "healthcheck tells the well from the unwell")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
