"""How the process ends when its clients or whoever reads its log do not play along.

usage: stop_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
import raw  # noqa: E402
from checks import check  # noqa: E402
from service import Service  # noqa: E402
from stops import PROMPT_S, STOP_TIMEOUT, stop  # noqa: E402

NEW = b'{"project_path":"/p","thread_id":"t"}'


def half_requests_do_not_hold_up_a_stop(binary):
    whole = raw.request("POST", "/sessions", body=NEW)
    for what, part in (("nothing", b""), ("half a line", b"GET /hea"), ("half the headers", whole[:60]),
                       ("half the body", whole[:-5])):
        service = Service(binary, *STOP_TIMEOUT).start()
        connections = [raw.connect(service) for _ in range(5)]
        for connection in connections:
            raw.send(connection, part)
        raw.exchange(service, raw.request("GET", "/healthz"))
        stop(service, what)


def processor_s(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def a_stop_that_waits_leaves_the_processor_to_others(binary):
    """For the rest of a body a stop waits 2 s."""
    service = Service(binary, *STOP_TIMEOUT, "--log-level", "debug").start()
    connection = raw.connect(service)
    raw.send(connection, raw.request("POST", "/sessions", body=NEW)[:-5])
    raw.exchange(service, raw.request("GET", "/healthz"))
    service.process.send_signal(signal.SIGTERM)
    while not service.events("stopping"):
        time.sleep(0.01)
    before, began = processor_s(service.process), time.monotonic()
    time.sleep(1)
    share = (processor_s(service.process) - before) / (time.monotonic() - began)
    status = service.await_end(PROMPT_S)
    check(status == 0, f"the exit status is {status}")
    check(share < 0.3, f"the wait takes {share:.0%} of a processor")
    check(len(service.events("libmicrohttpd")) < 20, "the log is full of the closed listener")
    connection.close()


def a_second_signal_hurries(binary):
    """A client that does not read its answer is waited for, but not by somebody who is in a hurry."""
    service = Service(binary, *STOP_TIMEOUT, "--max-page-size", "67108864").start()
    large = b'{"project_path":"/p","thread_id":"t","context":{"a":"' + b"x" * 8000000 + b'"}}'
    for _ in range(4):
        service.call("POST", "/sessions", large, {"Content-Type": "application/json"})
    connection = raw.connect(service)
    raw.send(connection, raw.request("GET", "/sessions?include=context"))
    connection.recv(1)
    service.process.send_signal(signal.SIGTERM)
    while not service.events("stopping"):
        time.sleep(0.01)
    stop(service, "a second SIGTERM")


def reconnecting_clients_get_whole_answers(binary):
    service = Service(binary).start()
    broken = []
    going_on = True

    def hammer():
        while going_on:
            try:
                connection = raw.connect(service)
            except OSError:
                continue
            sent = raw.send(connection, raw.request("POST", "/sessions", "Connection: close", body=NEW))
            # An end without an answer; a reset says that the request was not taken.
            if sent and raw.read_until_end(connection) == b"":
                broken.append("an accepted request was left without an answer")
            connection.close()

    threads = [threading.Thread(target=hammer) for _ in range(16)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    try:
        stop(service, "under reconnecting clients")
    finally:
        going_on = False
        for thread in threads:
            thread.join()
    check(not broken, f"{len(broken)} requests: {broken[:1]}")


def an_unread_log_does_not_stop_the_service_or_its_stop(binary):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([binary, "--listen", "127.0.0.1:0", "--db", f"{folder}/s.db", *STOP_TIMEOUT],
                                   stderr=writer, stdin=subprocess.DEVNULL)
        os.close(writer)
        line = b""
        while b'"listening"' not in line:
            line += os.read(reader, 1)
        while not line.endswith(b"\n"):
            line += os.read(reader, 1)
        service = type("Address", (), {"address": line.decode().split('"address":"')[1].split('"')[0]})
        for _ in range(200):
            check(raw.exchange(service, raw.request("GET", "/healthz"))[0] == 200, "a request beside a full pipe")
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(PROMPT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            status = "none"
        process.wait()
        os.close(reader)
        check(status == 0, f"with an unread log the exit status is {status}")


def a_shared_descriptor_loses_no_line(binary):
    """Whoever shares the log's descriptor may have made it non-blocking."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([binary, "--listen", "127.0.0.1:0", "--db", f"{folder}/s.db"],
                                   stderr=writer, stdin=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader, "rb") as log:
            lines.append(log.readline())
            service = type("Address", (), {"address": lines[0].decode().split('"address":"')[1].split('"')[0]})
            for _ in range(600):
                raw.exchange(service, raw.request("GET", "/healthz"))
            process.send_signal(signal.SIGTERM)
            lines += log.readlines()
        process.wait()
    requests = [line for line in lines if line.startswith(b'{"timestamp"') and b'"event":"request"' in line]
    check(len(requests) == 600, f"{len(requests)} of 600 lines were logged")


def few_descriptors_mean_fewer_connections(binary):
    def limit():
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))

    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([binary, "--listen", "127.0.0.1:0", "--db", f"{folder}/s.db"],
                                   stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, preexec_fn=limit)
        first = process.stderr.readline().decode()
        process.stderr.readline()
        process.terminate()
        process.stderr.read()
        process.wait()
    check('"nofile_limit_low"' in first, f"the first line is {first}")


CHECKS = [
    half_requests_do_not_hold_up_a_stop,
    a_stop_that_waits_leaves_the_processor_to_others,
    a_second_signal_hurries,
    reconnecting_clients_get_whole_answers,
    an_unread_log_does_not_stop_the_service_or_its_stop,
    a_shared_descriptor_loses_no_line,
    few_descriptors_mean_fewer_connections,
]


if __name__ == "__main__":
    sys.exit(checks.run(CHECKS, checks.under_test(sys.argv[1])))
