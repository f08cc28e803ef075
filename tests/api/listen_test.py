"""Where the service listens beside a port: a file, and a socket that a service manager passes.

usage: listen_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import functools
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
from checks import check  # noqa: E402
from service import Connection, Refused, Service, Unanswered  # noqa: E402

JSON = {"Content-Type": "application/json"}
NEW = b'{"project_path":"/p","thread_id":"t"}'
# What a manager does: the process that it starts has its own id in LISTEN_PID and the socket as descriptor 3.
MANAGER = 'export LISTEN_PID=$$; fd=$1; shift; exec "$@" 3<&"$fd"'


def stop(service):
    wrong = service.stop()
    check(not wrong, "\n".join(wrong))


def refusal(service, status, words):
    """The service ends before it listens, and says why."""
    check(not service.launch().await_listening(), "it listens")
    ended = service.await_end()
    told = [event["detail"] for event in service.events("cannot_start")]
    check(ended == status, f"the exit status is {ended}, not {status}:\n{service.log()}")
    check(len(told) == 1 and words in told[0], f"it says {told}, not {words}")
    check(not service.reports(), service.log())


def serves(address):
    connection = Connection(address)
    try:
        return connection.call("GET", "/healthz").status == 200
    except (Refused, Unanswered):
        return False
    finally:
        connection.close()


def command(binary, *words):
    return subprocess.run([binary, *words], capture_output=True, text=True, timeout=60)


def a_file_is_served(binary, folder):
    service = Service(binary, "--listen", f"unix:{folder}/a").start()
    check(service.address == f"unix:{folder}/a", f"the address is {service.address}")
    check(stat.S_IMODE(os.stat(f"{folder}/a").st_mode) == 0o600, "the mode is not 0600")
    connection = Connection(service.address)
    context = '"%s"' % ("x" * 8000000)
    made = connection.call("POST", "/sessions", b'{"project_path":"/p","thread_id":"t","context":{"a":%s}}'
                           % context.encode(), JSON)
    check(made.status == 201, f"a create is answered {made.status}")
    read = connection.call("GET", made.headers["location"])
    check(read.json()["context"] == {"a": context[1:-1]}, "a large context does not come back")
    connection.close()
    stop(service)
    check(not os.path.exists(f"{folder}/a"), "the file is left after a stop")


def an_empty_host_is_taken_on_a_file(binary, folder):
    """The target's URI has no authority there (RFC 9112, section 3.2)."""
    service = Service(binary, "--listen", f"unix:{folder}/a").start()
    for host in ("Host:", "Host: ", "Host: a.example"):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"{folder}/a")
        connection.sendall(f"GET /sessions HTTP/1.1\r\n{host}\r\nConnection: close\r\n\r\n".encode())
        answer = connection.recv(65536)
        check(answer.startswith(b"HTTP/1.1 200 "), f"{host!r} is answered with {answer[:100]}")
        connection.close()
    stop(service)


def the_mode_can_be_set(binary, folder):
    service = Service(binary, "--listen", f"unix:{folder}/a", "--socket-mode", "0660").start()
    check(stat.S_IMODE(os.stat(f"{folder}/a").st_mode) == 0o660, "the mode is not 0660")
    stop(service)


def what_a_killed_process_left_is_replaced(binary, folder):
    service = Service(binary, "--listen", f"unix:{folder}/a").start()
    service.kill()
    check(os.path.exists(f"{folder}/a"), "a killed process leaves its file")
    service.start()
    check(serves(service.address), "the next process serves")
    stop(service)


def one_that_is_served_is_left_alone(binary, folder):
    service = Service(binary, "--listen", f"unix:{folder}/a").start()
    refusal(Service(binary, "--listen", f"unix:{folder}/a"), 1, "a process listens")
    check(serves(service.address), "the first goes on")
    stop(service)


def of_many_that_start_at_once_one_listens(binary, folder):
    """On a stale file, which each of them finds and none may take from another."""
    Service(binary, "--listen", f"unix:{folder}/a").start().kill()
    services = [Service(binary, "--listen", f"unix:{folder}/a").launch() for _ in range(8)]
    listening = [service for service in services if service.await_listening()]
    check(len(listening) == 1, f"{len(listening)} of them listen")
    check(serves(listening[0].address), "the file is another's")
    stop(listening[0])
    check(not os.path.exists(f"{folder}/a"), "the file is left after a stop")


def what_is_no_socket_is_left_alone(binary, folder):
    with open(f"{folder}/a", "w", encoding="utf-8") as file:
        file.write("mine")
    refusal(Service(binary, "--listen", f"unix:{folder}/a"), 1, "not a socket")
    with open(f"{folder}/a", encoding="utf-8") as file:
        check(file.read() == "mine", "the file is as it was")


def a_path_that_is_too_long_is_refused(binary, folder):
    refusal(Service(binary, "--listen", f"unix:{folder}/{'a' * 108}"), 2, "the limit is 107")


def a_failed_start_leaves_nothing(binary, folder):
    refusal(Service(binary, "--listen", f"unix:{folder}/a", "--db", folder), 1, "")
    check(not os.path.exists(f"{folder}/a"), "the file is left")


def the_commands_find_it(binary, folder):
    service = Service(binary, "--listen", f"unix:{folder}/a").start()
    well = command(binary, "healthcheck", "--listen", service.address)
    check((well.returncode, well.stderr) == (0, ""), f"healthcheck: {well}")
    backup = command(binary, "backup", f"{folder}/backup.db", "--listen", service.address)
    check(backup.returncode == 0 and "no problem found" in backup.stdout, f"backup: {backup}")
    service.kill()
    for what in ("stale", "missing"):
        gone = command(binary, "healthcheck", "--listen", service.address)
        check(gone.returncode == 1 and f"cannot connect to a service at unix:{folder}/a" in gone.stderr, f"{what}: {gone}")
        if what == "stale":
            os.unlink(f"{folder}/a")


def many_at_once(binary, folder):
    service = Service(binary, "--listen", f"unix:{folder}/a").start()
    answers = []

    def client():
        connection = Connection(service.address)
        for _ in range(20):
            answers.append(connection.call("POST", "/sessions", NEW, JSON).status)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(answers == [201] * 640, f"{len(answers)} answers, {set(answers)}")
    check(service.terminate() == 0, service.log()[-5000:])
    lines = [event for event in service.events("request") if event["path"] == "/sessions"]
    check(len(lines) == 640, f"the access log has {len(lines)} lines")
    stop(service)


class Activated(Service):
    """One that a manager starts, as often as it likes, on a socket of the manager's own."""

    def __init__(self, binary, listener, *flags, count="1"):
        super().__init__(binary, *flags, environment={"LISTEN_FDS": count})
        self.command = ["bash", "-c", MANAGER, "manager", str(listener.fileno()), *self.command]
        self.pass_fds = (listener.fileno(),)


def a_passed_port_is_served(binary, folder):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        service = Activated(binary, listener, "--listen", f"unix:{folder}/a").start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        check(service.address == address, f"the address is {service.address}")
        check(service.events("listening")[0]["socket"] == "passed by the service manager", "the log does not say so")
        check(not os.path.exists(f"{folder}/a"), "--listen is used, too")
        check(serves(address), "it does not serve")
        stop(service)


def a_passed_file_is_the_managers(binary, folder):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/a")
        listener.listen()
        service = Activated(binary, listener).start()
        check(service.address == f"unix:{folder}/a", f"the address is {service.address}")
        check(serves(service.address), "it does not serve")
        stop(service)
        check(os.path.exists(f"{folder}/a"), "the file is gone")


def nobody_is_turned_away_by_a_restart(binary, _folder):
    """With one connection a request, each is answered by one process or the next."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        service = Activated(binary, listener).start()
        going_on = True
        answers, failures = [], []

        def client():
            while going_on:
                connection = Connection(service_address)
                try:
                    answers.append(connection.call("POST", "/sessions", NEW, JSON).status)
                except (Refused, Unanswered) as error:
                    failures.append(repr(error))
                connection.close()

        service_address = service.address
        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            time.sleep(0.3)
            check(service.terminate() == 0, f"the exit status is not 0:\n{service.log()[-5000:]}")
            time.sleep(0.1)
            service.start()
        going_on = False
        for thread in threads:
            thread.join()
        figures = service.call("GET", "/metrics").body.decode()
        sessions = figures.split('sessiond_sessions{status="CREATED"} ')[1].split()[0]
        check(not failures, f"{len(failures)} of {len(answers)} failed: {failures[:3]}")
        check(set(answers) <= {201, 503}, f"the answers are {set(answers)}")
        check(answers.count(201) == int(sessions) > 100, f"{answers.count(201)} made, {sessions} there")
        stop(service)


def what_cannot_be_served_is_refused(binary, _folder):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusal(Activated(binary, listener, count="2"), 2, "exactly one")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        refusal(Activated(binary, datagrams), 2, "ListenStream=")
    with socket.socket() as silent:
        refusal(Activated(binary, silent), 2, "does not listen")


STORIES = (a_file_is_served, an_empty_host_is_taken_on_a_file, the_mode_can_be_set, what_a_killed_process_left_is_replaced,
           one_that_is_served_is_left_alone, of_many_that_start_at_once_one_listens, what_is_no_socket_is_left_alone,
           a_path_that_is_too_long_is_refused, a_failed_start_leaves_nothing, the_commands_find_it, many_at_once,
           a_passed_port_is_served, a_passed_file_is_the_managers, nobody_is_turned_away_by_a_restart,
           what_cannot_be_served_is_refused)


def in_a_folder(story):
    """The story as a check: with a folder of its own."""
    @functools.wraps(story)
    def checked(binary):
        with tempfile.TemporaryDirectory() as folder:
            return story(binary, folder)
    return checked


if __name__ == "__main__":
    sys.exit(checks.run([in_a_folder(story) for story in STORIES], checks.under_test(sys.argv[1])))
