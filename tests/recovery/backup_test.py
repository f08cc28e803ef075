"""`sessiond backup`: whole and of one instant whatever goes on, or not there at all.

usage: backup_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import concurrent.futures
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import signal
import socket
import tempfile
import threading

from case import (Answering, Case, SmallDisk, ask, binary, command, end_command, main, make_database, make_python_file,
                       start_command, until)
from mounts import enter_namespace
from service import Connection, Unanswered

JSON = {"Content-Type": "application/json"}
WRITERS = 16
# Of about 4 KiB each: enough for a backup to be in the middle of it.
MANY = 12000


class Writer(threading.Thread):
    """Creates sessions and changes its first one, and notes each write that was acknowledged."""

    def __init__(self, address, number):
        super().__init__(daemon=True)
        self.connection = Connection(address)
        self.number = number
        self.acknowledged = []  # (updated_at, id, version)
        self.stopping = False
        self.faults = []
        self.start()

    def write(self, status, method, target, body):
        response = self.connection.call(method, target, json.dumps(body).encode(), JSON)
        session = response.json()
        if response.status != status:
            raise AssertionError(f"{method} {target}: {response.status} {session}")
        self.acknowledged.append((session["updated_at"], session["id"], session["version"]))
        return session["id"]

    def run(self):
        new = {"project_path": f"/writer/{self.number}", "thread_id": "t"}
        try:
            first = self.write(201, "POST", "/sessions", new)
            count = 0
            while not self.stopping:
                count += 1
                self.write(201, "POST", "/sessions", {**new, "context": {"n": count}})
                self.write(200, "PATCH", f"/sessions/{first}", {"context": {"n": count}})
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")
        self.connection.close()


def listed(service):
    """Every session of a service, by id."""
    found = {}
    target = "/sessions?limit=1000&include=context"
    while target:
        response = service.call("GET", target)
        found.update((session["id"], session) for session in response.json()["sessions"])
        target = response.headers.get("link", "<>").split(">")[0][1:]
    return found


class UnderLoad(Case):
    def backed_up(self):
        """Writes of 16 clients with a backup in their midst: (acknowledged before it, all, its file)."""
        database, file = self.path("a.db"), self.path("backup.db")
        make_database(database, 2000)
        service = self.service(database, "--log-level", "warning", "--checkpoint-pages", "200")
        writers = [Writer(service.address, number) for number in range(WRITERS)]
        until(lambda: all(len(writer.acknowledged) > 10 for writer in writers), "the first writes")
        before = [write for writer in writers for write in list(writer.acknowledged)]
        self.run_well("backup", file, "--listen", service.address)
        length = len(writers[0].acknowledged)
        until(lambda: len(writers[0].acknowledged) > length or writers[0].faults, "a write after the backup")
        for writer in writers:
            writer.stopping = True
        for writer in writers:
            writer.join()
            self.assertEqual(writer.faults, [])
        self.stop(service)
        return before, [write for writer in writers for write in writer.acknowledged], file

    def test_it_is_the_source_at_one_instant(self):
        before, writes, file = self.backed_up()
        self.run_well("check", file)
        self.run_well("restore", file, "--db", self.path("elsewhere", "b.db"))
        restored = self.service(self.path("elsewhere", "b.db"), "--log-level", "warning")
        sessions = listed(restored)
        self.stop(restored)

        # Times never repeat: the snapshot is all writes up to its latest one, and no later write.
        instant = max(session["updated_at"] for session in sessions.values())
        for time_of_write, name, version in writes:
            there = sessions.get(name, {"version": 0})["version"]
            self.assertEqual(there >= version, time_of_write <= instant, (time_of_write, name, version, instant))
        self.assertGreaterEqual(instant, max(before)[0])
        self.assertLess(instant, max(writes)[0], "nothing was written after the backup")
        self.assertEqual(len([name for name in sessions if name.startswith("00000000")]), 2000)


class HalfWay(Case):
    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.mkdtemp(prefix="sessiond-whole-")
        cls.addClassCleanup(shutil.rmtree, cls.made)
        make_database(os.path.join(cls.made, "a.db"), MANY)

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("db"))
        self.database, self.file = self.path("db", "a.db"), self.path("backup.db")
        shutil.copy(os.path.join(self.made, "a.db"), self.database)
        self.running = self.service(self.database)

    def begin(self, bytes_of_it=0):
        """A backup that has so many bytes of the file already, and is not done."""
        for _ in range(20):
            process = start_command("backup", self.file, "--listen", self.running.address)
            until(lambda: self.size() > bytes_of_it or process.poll() is not None, "the backup's beginning")
            if process.poll() is None and not os.path.exists(self.file):
                return process
            end_command(process)
            os.remove(self.file)
        raise AssertionError("each backup was done before it could be caught in the middle")

    def size(self):
        """Of the unfinished file; -1 when there is none."""
        try:
            return os.stat(self.file + ".tmp").st_size
        except FileNotFoundError:
            return -1

    def files(self):
        return sorted(name for name in os.listdir(self.folder) if name != "db")

    def test_a_killed_client_leaves_no_file_under_the_name(self):
        process = self.begin(bytes_of_it=1)
        process.kill()
        process.communicate()
        self.assertNotIn("backup.db", self.files())
        self.run_well("backup", self.file, "--listen", self.running.address)
        self.assertEqual(self.files(), ["backup.db"])
        self.run_well("check", self.file)
        self.stop(self.running)

    def test_an_interrupted_client_removes_what_it_has(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.begin()
            process.send_signal(number)
            self.assertEqual(end_command(process)[0], 3)
            self.assertEqual(self.files(), [])
        self.stop(self.running)

    def test_a_killed_service_leaves_no_file_anywhere(self):
        for bytes_of_it in (-1, 1):
            process = self.begin(bytes_of_it)
            self.running.kill()
            status, _, err = end_command(process)
            self.assertEqual(status, 3, err)
            self.assertEqual(self.files(), [])
            self.running.start()
            names = {name.removeprefix("a.db") for name in os.listdir(self.path("db"))}
            self.assertLessEqual(names, {"", "-wal", "-shm", ".lock"})
        self.stop(self.running)

    def test_a_service_that_is_stopped_ends_the_backup_and_itself(self):
        process = self.begin(-1)
        self.assertEqual(self.running.terminate(), 0)
        self.assertIn(end_command(process)[0], (0, 3))
        self.assertIn(self.files(), ([], ["backup.db"]))
        self.assertEqual(self.running.reports(), [])

    def test_a_stop_does_not_wait_for_a_backup(self):
        self.assertEqual(self.running.terminate(), 0)
        self.running.start("--shutdown-timeout", "0ms")
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            for _ in range(20):
                first = thread.submit(self.running.call, "POST", "/admin/backup")
                if self.running.call("POST", "/admin/backup").status == 409:
                    break
                first.result()
            self.assertEqual(self.running.terminate(), 0, self.running.log())
            with contextlib.suppress(Unanswered):
                self.assertEqual(first.result().status, 503)

    def test_a_file_that_was_there_is_replaced_whole(self):
        make_python_file(self.file, ["{}"])
        process = self.begin_over_a_file()
        self.assertEqual(ask(self.file, "SELECT count(*) FROM sessions"), [(1,)])
        process.kill()
        process.communicate()
        self.assertEqual(ask(self.file, "SELECT count(*) FROM sessions"), [(1,)])
        # The service goes on with a snapshot that nobody waits for any more.
        until(lambda: command("backup", self.file, "--listen", self.running.address)[0] == 0, "the next backup")
        self.assertEqual(ask(self.file, "SELECT count(*) FROM sessions"), [(MANY,)])
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        self.stop(self.running)

    def test_a_backup_to_stdout_leaves_no_file(self):
        with open(self.file, "wb") as out:
            done = subprocess.run([binary(), "backup", "-", "--listen", self.running.address, "--db", self.path("of.db")],
                                  stdout=out, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(ask(self.file, "SELECT count(*) FROM sessions"), [(MANY,)])
        self.run_well("check", self.file)
        self.assertEqual(self.files(), ["backup.db"])
        self.stop(self.running)

    def test_a_backup_to_stdout_is_what_was_received(self):
        """A user with write access to the folder may replace the unfinished file by another database."""
        make_database(self.path("other.db"), 1)
        unfinished = self.path("of.db.backup.tmp")
        with open(self.file, "wb") as out:
            process = subprocess.Popen([binary(), "backup", "-", "--listen", self.running.address, "--db", self.path("of.db")],
                                       stdout=out, stderr=subprocess.PIPE, text=True)
            while process.poll() is None:
                if os.path.exists(unfinished):
                    shutil.copy(self.path("other.db"), self.path("copy"))
                    os.replace(self.path("copy"), unfinished)
            done = end_command(process)
        self.assertEqual(done[0], 0, done)
        self.assertEqual(ask(self.file, "SELECT count(*) FROM sessions"), [(MANY,)])

    def test_a_backup_to_a_full_stdout_fails_and_leaves_no_file(self):
        with open("/dev/full", "wb") as out:
            done = subprocess.run([binary(), "backup", "-", "--listen", self.running.address, "--db", self.path("of.db")],
                                  stdout=out, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("No space left on device", done.stderr)
        self.assertEqual(self.files(), [])
        self.stop(self.running)

    def begin_over_a_file(self):
        process = start_command("backup", self.file, "--listen", self.running.address)
        until(lambda: self.size() >= 0, "the backup's beginning")
        return process

    def test_the_databases_own_name_is_refused(self):
        self.run_badly(3, "is the database of a service", "backup", self.database, "--listen", self.running.address)
        self.stop(self.running)


class Answers(Case):
    def sound(self):
        make_python_file(self.path("sound.db"), ["{}"] * 500)
        with open(self.path("sound.db"), "rb") as file:
            return file.read()

    def check(self, answer, status, phrase):
        with Answering(answer) as address:
            self.run_badly(status, phrase, "backup", self.path("backup.db"), "--listen", address)
        self.assertNotIn("backup.db", os.listdir(self.folder))
        self.assertNotIn("backup.db.tmp", os.listdir(self.folder))

    def with_length(self, body, length=None):
        length = len(body) if length is None else length
        return b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.sqlite3\r\ncontent-length: %d\r\n\r\n" % length + body

    def test_a_short_body_is_refused(self):
        body = self.sound()
        self.check(self.with_length(body[:-1], len(body)), 3, "before the response was complete")
        self.check(self.with_length(b"", len(body)), 3, "before the response was complete")

    def test_a_damaged_body_is_refused(self):
        body = bytearray(self.sound())
        body[4096 * 5:4096 * 6] = bytes(4096)
        self.check(self.with_length(bytes(body)), 1, "the snapshot is corrupt: ")
        self.check(self.with_length(b"no database, but long enough to be looked at" * 20), 3, "it is not an SQLite database")
        self.check(self.with_length(b""), 3, "too short")

    def test_other_answers_are_passed_on(self):
        problem = b'{"type":"t","title":"x","status":409,"detail":"a backup is under way"}'
        head = b"HTTP/1.1 409 Conflict\r\nContent-Length: %d\r\n\r\n" % len(problem)
        self.check(head + problem, 3, 'the service returned status 409: a backup is under way')
        self.check(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 3, "the service returned status 404")
        self.check(b"HTTP/1.1 200 OK\r\n\r\n", 3, "no Content-Length and no Transfer-Encoding")
        self.check(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 3, "not HTTP")
        self.check(b"", 3, "before the response was complete")

    def test_nobody_answers(self):
        self.run_badly(3, "cannot connect to a service", "backup", self.path("backup.db"), "--listen", "127.0.0.1:1")


class Names(Case):
    def test_what_is_no_regular_file_is_left_alone(self):
        """Before anything is asked: nobody answers there, and that is not what is said."""
        os.mkfifo(self.path("fifo"))
        os.symlink("nothing", self.path("dangling"))
        make_python_file(self.path("file"), ["{}"])
        os.symlink("file", self.path("link"))
        os.mkdir(self.path("folder"))
        before = {name: os.lstat(self.path(name)) for name in sorted(os.listdir(self.folder))}
        for name, kind in (("fifo", "a FIFO"), ("dangling", "a symbolic link"), ("link", "a symbolic link"),
                           ("folder", "a folder")):
            path = self.path(name)
            self.run_badly(3, f"{path} is {kind}; FILE must be a regular file", "backup", path, "--listen", "127.0.0.1:1")
        self.assertEqual({name: os.lstat(self.path(name)) for name in sorted(os.listdir(self.folder))}, before)

    def test_standard_output_without_a_path_for_the_database_is_refused(self):
        environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "SESSIOND_DB")}
        done = subprocess.run([os.path.abspath(binary()), "backup", "-", "--listen", "127.0.0.1:1"], env=environment,
                              cwd=self.path(""), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("HOME is not set", done.stderr)
        self.assertEqual(os.listdir(self.path("")), [])

    def test_a_second_backup_of_the_same_name_leaves_the_file_of_the_first_alone(self):
        """The first waits for a service that never responds."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            for name, unfinished in ((self.path("a.db"), "a.db.tmp"), ("-", "of.db.backup.tmp")):
                words = ("backup", name, "--db", self.path("of.db"), "--listen")
                first = subprocess.Popen([binary(), *words, "127.0.0.1:%d" % silent.getsockname()[1]],
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.addCleanup(first.kill)
                peer = silent.accept()[0]
                peer.recv(1)  # a request: the unfinished file is there
                before = os.stat(self.path(unfinished)).st_ino
                second = subprocess.run([binary(), *words, "127.0.0.1:1"], capture_output=True, text=True, check=False)
                self.assertEqual((second.returncode, second.stdout), (3, ""))
                self.assertIn(f"another backup is writing {self.path(unfinished)}", second.stderr)
                self.assertEqual(os.stat(self.path(unfinished)).st_ino, before)
                first.terminate()
                first.communicate()
                peer.close()
                self.assertEqual(first.returncode, 3)
                self.assertEqual(os.listdir(self.folder), [])


class Tokens(Case):
    """A service that asks for tokens; the commands have theirs in SESSIOND_TOKEN."""

    def setUp(self):
        super().setUp()
        lines = (f"{scope}:{scope}:{hashlib.sha256(scope.encode()).hexdigest()}\n" for scope in ("write", "admin"))
        with open(self.path("tokens"), "w", encoding="ascii") as file:
            file.writelines(lines)
        self.running = self.service(self.path("a.db"), "--token-file", self.path("tokens"))
        self.words = ("backup", self.path("b.db"), "--listen", self.running.address)
        self.addCleanup(os.environ.pop, "SESSIOND_TOKEN", None)

    def test_an_admins_token_is_enough(self):
        os.environ["SESSIOND_TOKEN"] = "admin"
        self.run_well(*self.words)
        self.assertIn("b.db", os.listdir(self.folder))
        self.stop(self.running)

    def test_what_would_be_right_is_said(self):
        self.run_badly(3, "returned status 401: set SESSIOND_TOKEN to a token of scope admin", *self.words)
        self.run_badly(3, "only digests", *self.words, "--token-file", self.path("tokens"))
        for token, status in (("other", 401), ("write", 403)):
            os.environ["SESSIOND_TOKEN"] = token
            self.run_badly(3, f"returned status {status}: SESSIOND_TOKEN is set, but it is not a token of scope admin", *self.words)
        os.environ["SESSIOND_TOKEN"] = "x" * 5000
        self.run_badly(2, "the limit is 512", *self.words)
        self.assertNotIn("b.db", os.listdir(self.folder))
        self.stop(self.running)

    def test_the_health_check_needs_none(self):
        self.run_well("healthcheck", "--listen", self.running.address)
        self.stop(self.running)


class FullDisk(Case):
    def create(self, service):
        body = json.dumps({"project_path": "/p", "thread_id": "t"}).encode()
        return service.call("POST", "/sessions", body, JSON).status

    def service_on_disk(self, mib):
        disk = SmallDisk(self, mib)
        make_database(self.path("a.db"), 6000)
        shutil.move(self.path("a.db"), disk.path("a.db"))
        return disk, self.service(disk.path("a.db"))

    def test_without_room_for_the_snapshot_none_is_begun(self):
        disk, service = self.service_on_disk(48)
        response = service.call("POST", "/admin/backup")
        self.assertEqual((response.status, response.problem()), (507, "storage-full"))
        self.assertIn("bytes of free space in the folder of the database; ", response.json()["detail"])
        self.run_badly(3, "the service returned status 507", "backup", self.path("b.db"), "--listen", service.address)
        self.assertEqual(self.create(service), 201)
        self.stop(service)

    def test_a_disk_that_fills_ends_the_backup_and_no_write_waits_for_it(self):
        disk, service = self.service_on_disk(80)
        for _ in range(20):
            process = start_command("backup", self.path("b.db"), "--listen", service.address)
            until(lambda: os.path.exists(self.path("b.db.tmp")), "the backup's beginning")
            disk.fill()
            status, _, err = end_command(process)
            os.remove(disk.path("ballast"))
            if status != 0:
                break
        self.assertEqual(status, 3)
        self.assertIn("507", err)
        self.assertEqual(self.create(service), 201)
        self.run_well("backup", self.path("b.db"), "--listen", service.address)
        self.stop(service)

    def test_a_full_disk_of_the_client(self):
        disk = SmallDisk(self, 8)
        make_database(self.path("a.db"), 6000)
        service = self.service(self.path("a.db"))
        self.run_badly(3, "the file system of FILE has less free space", "backup", disk.path("b.db"), "--listen", service.address)
        self.assertEqual(os.listdir(disk.folder), [])
        limited = 'trap "" XFSZ; ulimit -f 1000; exec "$@"'
        done = subprocess.run(["sh", "-c", limited, "sh", binary(), "backup", self.path("b.db"), "--listen", service.address],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("cannot write the backup: File too large", done.stderr)
        self.assertNotIn("b.db.tmp", os.listdir(self.folder))
        self.stop(service)


if __name__ == "__main__":
    enter_namespace()
    main()
