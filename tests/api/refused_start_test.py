"""Every reason for which the service cannot start on its files, sockets, tokens or certificates: one log line names the path and the next step,
and the start changes nothing on disk.

usage: start_test.py BINARY [ROW…]   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import collections
import contextlib
import fcntl
import hashlib
import os
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
import mounts  # noqa: E402
from checks import check  # noqa: E402
from journal import PAGE_BYTES, super_journal  # noqa: E402
from service import NOBODY, Service  # noqa: E402
from session_manager import COLUMNS, SCHEMA as PYTHON_SCHEMA  # noqa: E402

ID = "00000000-0000-4000-8000-000000000000"
DIGEST = "3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30"
# Holds SQLite's lock until its input ends. A process of its own: this one closes the file, which drops the locks of a process.
PROGRAM = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""

CANNOT_START, WRONG_USAGE = 1, 2

# `prepare(place)` returns flags. The message contains `named`, below the place, unless that is an address, and each of `words`.
Row = collections.namedtuple("Row", "name prepare status named words")


class Place:
    """A folder for one start: data/sessions.db, run/ for sockets, and whatever else a row puts there."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.database = self.path("data/sessions.db")
        self.held = []  # what stays open during the start
        self.modes = []  # taken away last, when all files are there
        self.address = None
        self.disk = None
        for name in ("data", "run"):
            os.mkdir(self.path(name))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data=b""):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def change(self, offset, data):
        with open(self.database, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def run_sql(self, sql):
        database = sqlite3.connect(self.database, isolation_level=None)
        database.executescript(sql)
        database.close()

    def made(self):
        """With a database that a service made."""
        service = Service(self.binary, database=self.database).start()
        check(service.terminate() == 0, service.log())

    def take_rights(self, name, mode):
        self.modes.append((self.path(name), mode))

    def hold(self, thing):
        self.held.append(thing)
        return thing

    def release(self):
        for thing in self.held:
            if isinstance(thing, subprocess.Popen):
                thing.communicate()
            else:
                thing.close()
        for path, _ in self.modes:
            os.chmod(path, 0o700)
        if self.disk:
            mounts.unmount(self.disk)


# --- The database ------------------------------------------------------------------------------


def without_rights(name, mode, made=True):
    def prepare(place):
        if made:
            place.made()
        if not os.path.exists(place.path(name)):
            place.write(name)
        place.take_rights(name, mode)
    return prepare


def with_bytes(offset, data):
    def prepare(place):
        place.made()
        place.change(offset, data)
    return prepare


def with_sql(sql, made=True):
    def prepare(place):
        if made:
            place.made()
        place.run_sql(sql)
    return prepare


def with_text(data):
    def prepare(place):
        place.write("data/sessions.db", data)
    return prepare


def with_folder(name):
    def prepare(place):
        os.mkdir(place.path(name))
    return prepare


def with_link(name, target):
    def prepare(place):
        os.symlink(target, place.path(name))
    return prepare


def with_long_path(place):
    os.makedirs(os.path.dirname(place.path(LONG)))
    database = sqlite3.connect(place.path(LONG))
    database.execute("CREATE TABLE messages (id)")
    database.close()
    return ["--db", place.path(LONG)]


def at(name):
    return lambda place: ["--db", place.path(name)]


def locked_by_a_service(place):
    place.made()
    lock = place.hold(open(f"{place.database}.lock", "rb"))
    fcntl.flock(lock, fcntl.LOCK_EX)


def locked_by_a_program(place):
    place.made()
    program = place.hold(subprocess.Popen([sys.executable, "-c", PROGRAM, place.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    program.stdout.readline()


def with_super_journal(place):
    place.made()
    place.run_sql("PRAGMA journal_mode = DELETE")
    victim = place.write("data/victim", b"precious").encode()
    place.write("data/sessions.db-journal", super_journal(victim, os.path.getsize(place.database) // PAGE_BYTES))


def python_row(status, time):
    return f"{PYTHON_SCHEMA} INSERT INTO sessions ({COLUMNS}) VALUES ('{ID}', '/p', 't', '{status}', '{{}}', '{time}', '{time}')"


DATABASE = "data/sessions.db"
LONG = f"data/{100 * 'a'}/sessions.db"
CHECK_RIGHTS = "check the path and the permissions of the user of the service"
POINT_ELSEWHERE = "point --db at another file"
RESTORE = "restore a backup"
DATABASE_ROWS = [
    Row("a_database_without_rights", without_rights(DATABASE, 0o000), CANNOT_START, DATABASE,
        ["ermission denied", CHECK_RIGHTS]),
    Row("a_read_only_database", without_rights(DATABASE, 0o444), CANNOT_START, DATABASE, ["ermission denied", CHECK_RIGHTS]),
    Row("a_database_in_a_read_only_folder", without_rights("data", 0o555), CANNOT_START, "data",
        ["ermission denied", CHECK_RIGHTS]),
    Row("a_new_database_in_a_read_only_folder", without_rights("data", 0o555, made=False), CANNOT_START, "data",
        ["ermission denied", CHECK_RIGHTS]),
    Row("a_folder_that_cannot_be_entered", without_rights("data", 0o000), CANNOT_START, "data",
        ["ermission denied", CHECK_RIGHTS]),
    Row("a_parent_folder_that_cannot_be_entered", lambda place: without_rights("data", 0o000)(place) or at("data/a/b.db")(place),
        CANNOT_START, "data/a", ["ermission denied", CHECK_RIGHTS]),
    Row("a_missing_parent_folder", at("a/b/sessions.db"), CANNOT_START, "a/b", ["parent folder does not exist", "create it"]),
    Row("a_wal_without_rights", without_rights(f"{DATABASE}-wal", 0o444), CANNOT_START, f"{DATABASE}-wal",
        ["ermission denied", CHECK_RIGHTS]),
    Row("a_journal_without_rights", without_rights(f"{DATABASE}-journal", 0o000), CANNOT_START, f"{DATABASE}-journal",
        ["ermission denied", CHECK_RIGHTS]),
    Row("a_lock_file_without_rights", without_rights(f"{DATABASE}.lock", 0o000), CANNOT_START, f"{DATABASE}.lock",
        ["ermission denied", CHECK_RIGHTS]),
    Row("a_link_in_place_of_the_lock_file", with_link(f"{DATABASE}.lock", "elsewhere"), CANNOT_START, f"{DATABASE}.lock",
        ["symbolic link", "remove it"]),
    Row("a_folder_in_place_of_the_database", with_folder(DATABASE), CANNOT_START, DATABASE, ["not a regular file", POINT_ELSEWHERE]),
    Row("a_folder_in_place_of_the_wal", with_folder(f"{DATABASE}-wal"), CANNOT_START, f"{DATABASE}-wal",
        ["not a regular file", "move it away"]),
    Row("a_link_to_itself", with_link(DATABASE, "sessions.db"), CANNOT_START, DATABASE, ["symbolic links", CHECK_RIGHTS]),
    Row("a_path_through_a_file", lambda place: at("data/a/b")(place) if place.write("data/a") else None, CANNOT_START, "data/a",
        ["ot a directory", CHECK_RIGHTS]),
    Row("a_name_that_is_too_long", at("data/" + 256 * "a"), CANNOT_START, "data/aaa", ["too long", POINT_ELSEWHERE]),
    Row("a_path_that_is_too_long", at("data/" + 2500 * "a/"), CANNOT_START, "data/a/a", ["too long", POINT_ELSEWHERE]),
    Row("a_long_path_of_a_file_of_another_program", with_long_path, CANNOT_START, LONG, ["another program", POINT_ELSEWHERE]),
    Row("a_text_in_place_of_the_database", with_text(200 * b"Dear diary. "), CANNOT_START, DATABASE,
        ["not a database", "move it away"]),
    Row("a_short_text_in_place_of_the_database", with_text(b"Dear diary. "), CANNOT_START, DATABASE,
        ["not a database", "move it away"]),
    Row("a_corrupt_first_page", with_bytes(100, (PAGE_BYTES - 100) * b"\xa5"), CANNOT_START, DATABASE,
        ["malformed", "sessiond check", RESTORE]),
    Row("a_corrupt_header", with_bytes(16, b"\xff\xff"), CANNOT_START, DATABASE, ["not a database", "move it away"]),
    Row("a_corrupt_second_page", with_bytes(PAGE_BYTES, 10 * PAGE_BYTES * b"\xa5"), CANNOT_START, DATABASE,
        ["malformed", "sessiond check", RESTORE]),
    Row("a_newer_schema", with_sql("PRAGMA user_version = 99"), CANNOT_START, DATABASE,
        ["schema version is 99", "newer", RESTORE]),
    Row("a_foreign_trigger", with_sql("CREATE TRIGGER mine AFTER INSERT ON sessions BEGIN SELECT 1; END"), CANNOT_START, DATABASE,
        ["the trigger mine", "drop it", RESTORE]),
    Row("a_missing_table", with_sql("DROP TABLE consumers"), CANNOT_START, DATABASE, ["the table consumers", RESTORE]),
    Row("a_database_of_another_program", with_sql("CREATE TABLE messages (id)", made=False), CANNOT_START, DATABASE,
        ["another program", POINT_ELSEWHERE]),
    Row("a_python_file_with_another_column", with_sql(PYTHON_SCHEMA + "ALTER TABLE sessions ADD COLUMN mine", made=False), CANNOT_START,
        DATABASE, ["column mine", POINT_ELSEWHERE]),
    Row("a_python_file_with_an_unknown_status",
        with_sql(python_row("ODD", "2026-01-01T00:00:00"), made=False), CANNOT_START, DATABASE, [ID, "correct it"]),
    Row("a_python_file_with_two_empty_times", with_sql(python_row("ACTIVE", ""), made=False), CANNOT_START, DATABASE, [ID, "correct it"]),
    Row("a_database_that_another_service_serves", locked_by_a_service, CANNOT_START, DATABASE, ["another sessiond", "stop it"]),
    Row("a_database_that_another_program_locks", locked_by_a_program, CANNOT_START, DATABASE, ["another program", "stop that program"]),
    Row("a_journal_that_names_a_super_journal", with_super_journal, CANNOT_START, f"{DATABASE}-journal",
        ["names another file", "move it away"]),
]

# --- Where it listens --------------------------------------------------------------------------


def socket_in_use(place):
    listener = place.hold(socket.socket(socket.AF_UNIX))
    listener.bind(place.path("run/socket"))
    listener.listen()
    return ["--listen", f"unix:{place.path('run/socket')}"]


def file_in_place_of_the_socket(place):
    return ["--listen", f"unix:{place.write('run/socket', b'mine')}"]


def socket_without_rights(place):
    place.take_rights("run", 0o555)
    return ["--listen", f"unix:{place.path('run/socket')}"]


def port_in_use(place):
    listener = place.hold(socket.create_server(("127.0.0.1", 0)))
    place.address = "127.0.0.1:%d" % listener.getsockname()[1]
    return ["--listen", place.address]


def listening_on(address):
    def prepare(place):
        place.address = address
        return ["--listen", address, "--allow-anonymous"]
    return prepare


SOCKET = "run/socket"
LISTEN_ELSEWHERE = "use another --listen"
LISTEN_ROWS = [
    Row("a_socket_that_is_in_use", socket_in_use, CANNOT_START, SOCKET, ["a process listens on it", LISTEN_ELSEWHERE]),
    Row("a_file_in_place_of_the_socket", file_in_place_of_the_socket, CANNOT_START, SOCKET, ["not a socket", LISTEN_ELSEWHERE]),
    Row("a_socket_in_a_read_only_folder", socket_without_rights, CANNOT_START, SOCKET, ["ermission denied", LISTEN_ELSEWHERE]),
    Row("a_socket_in_a_missing_folder", lambda place: ["--listen", f"unix:{place.path('none/socket')}"], CANNOT_START, "none/socket",
        ["No such file or directory", LISTEN_ELSEWHERE]),
    Row("a_socket_path_that_is_too_long", lambda place: ["--listen", f"unix:{place.path('run/' + 108 * 'a')}"], WRONG_USAGE, "run/aaa",
        ["the limit is 107"]),
    Row("a_port_in_use", port_in_use, CANNOT_START, None, ["in use", "stop the process", LISTEN_ELSEWHERE]),
    Row("an_address_of_another_machine", listening_on("192.0.2.1:8082"), CANNOT_START, None,
        ["requested address", LISTEN_ELSEWHERE]),
    Row("an_address_without_a_port", listening_on("127.0.0.1"), WRONG_USAGE, None, ["HOST:PORT"]),
]

# --- Tokens and certificates -------------------------------------------------------------------


def with_tokens(data, mode=0o600):
    def prepare(place):
        place.write("tokens", data)
        place.take_rights("tokens", mode)
        return ["--token-file", place.path("tokens")]
    return prepare


def make_pair(place, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=a",
                    "-keyout", place.path(f"{name}.key"), "-out", place.path(f"{name}.pem")], check=True, capture_output=True)


def with_pair(certificate, key, modes=()):
    """Of the pairs a and b; `empty` is an empty file."""
    def prepare(place):
        make_pair(place, "a")
        make_pair(place, "b")
        place.write("empty")
        for name, mode in modes:
            place.take_rights(name, mode)
        return ["--tls-cert", place.path(certificate), "--tls-key", place.path(key)]
    return prepare


MAKE_A_TOKEN = "sessiond token NAME SCOPE"
LET_READ = "use a file that the user of the service can read"
GIVE_A_PAIR = "use a PEM file that the user of the service can read"
FILE_ROWS = [
    Row("a_missing_token_file", lambda place: ["--token-file", place.path("tokens")], WRONG_USAGE, "tokens",
        ["No such file", MAKE_A_TOKEN]),
    Row("a_token_file_without_rights", with_tokens(b"", 0o000), WRONG_USAGE, "tokens", ["ermission denied", LET_READ]),
    Row("a_folder_in_place_of_the_token_file", lambda place: ["--token-file", place.path("run")], WRONG_USAGE, "run",
        [LET_READ, MAKE_A_TOKEN]),
    Row("an_empty_token_file", with_tokens(b"# nobody\n"), WRONG_USAGE, "tokens", ["the file has no token", MAKE_A_TOKEN]),
    Row("a_malformed_token_file", with_tokens(f"a:read:{DIGEST}\nb:reed:{DIGEST}\n".encode()), WRONG_USAGE, "tokens",
        ["line 2", "the scope is read, write or admin"]),
    Row("a_large_token_file", with_tokens((1 << 21) * b"#"), WRONG_USAGE, "tokens", ["more than", "remove"]),
    Row("a_missing_certificate", with_pair("none.pem", "a.key"), WRONG_USAGE, "none.pem", ["--tls-cert", "No such file", GIVE_A_PAIR]),
    Row("a_missing_key", with_pair("a.pem", "none.key"), WRONG_USAGE, "none.key", ["--tls-key", "No such file", GIVE_A_PAIR]),
    Row("a_key_without_rights", with_pair("a.pem", "a.key", [("a.key", 0o000)]), WRONG_USAGE, "a.key",
        ["--tls-key", "ermission denied", GIVE_A_PAIR]),
    Row("a_certificate_that_is_none", with_pair("empty", "a.key"), WRONG_USAGE, "empty", ["--tls-cert", GIVE_A_PAIR]),
    Row("a_key_that_is_none", with_pair("a.pem", "a.pem"), WRONG_USAGE, "a.pem", ["--tls-key", GIVE_A_PAIR]),
    Row("a_key_of_another_certificate", with_pair("a.pem", "b.key"), WRONG_USAGE, "b.key",
        ["--tls-key", "does not belong to the first certificate", "a.pem"]),
    Row("a_certificate_without_a_key", lambda place: ["--tls-cert", place.path("a.pem")], WRONG_USAGE, None, ["only --tls-cert is set", "set both or neither"]),
]

# --- A full disk -------------------------------------------------------------------------------


def full_disk(prepare_database):
    """data/ is a small disk on which nothing more fits."""
    def prepare(place):
        os.rmdir(place.path("data"))
        place.disk = mounts.mount_tmpfs(2)
        os.symlink(place.disk, place.path("data"))
        prepare_database(place)
        with open(place.path("data/ballast"), "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(PAGE_BYTES))
    return prepare


def python_file(place):
    place.run_sql(python_row("ACTIVE", "2026-01-01T00:00:00"))


DISK_ROWS = [
    Row("a_new_database_on_a_full_disk", full_disk(lambda place: None), CANNOT_START, DATABASE, ["full", "free disk space"]),
    Row("a_python_file_on_a_full_disk", full_disk(python_file), CANNOT_START, DATABASE, ["full", "free disk space"]),
]


def picture(place):
    """{name: (type and mode, content)} of all files, except a lock file and a new database that are empty."""
    found = {}
    for folder, folders, files in os.walk(place.folder, followlinks=True):
        for name in folders + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            content = None  # the size of a folder depends on the file system
            if stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK):
                with open(path, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
            if not (name in ("sessions.db", "sessions.db.lock") and status.st_size == 0):
                found[os.path.relpath(path, place.folder)] = (status.st_mode, content)
    return found


def give_away(folder):
    """To the user of the service, for whom modes count."""
    os.chmod(folder, 0o755)
    for parent, folders, files in os.walk(folder):
        for name in ["."] + folders + files:
            os.chown(os.path.join(parent, name), NOBODY, NOBODY, follow_symlinks=False)


def expect_refusal(row, service, place):
    """What is wrong with the end of the service, as sentences."""
    listens = service.await_listening()
    ended = service.kill() if listens else service.await_end()
    details = [event["detail"] for event in service.events("cannot_start")]
    named = (place.address or "") if row.named is None else place.path(row.named)
    if listens or len(details) != 1:
        return [f"it listens: {listens}; cannot_start {len(details)} times:\n{service.log()}"]
    wrong = [f"the exit status is {ended}, not {row.status}"] if ended != row.status else []
    wrong += [f"the message lacks \"{text}\"" for text in [named, *row.words] if text not in details[0]]
    wrong += ["it has a number of SQLite's"] if "SQLite error" in details[0] else []
    wrong += service.reports()
    return wrong + [f"it says: {details[0]}"] if wrong else []


def run_row(row, binary):
    with tempfile.TemporaryDirectory(prefix="sessiond-start-") as folder:
        os.mkdir(os.path.join(folder, "place"))
        place = Place(binary, os.path.join(folder, "place"))
        flags = row.prepare(place) or []
        service = Service(binary, database=place.database)
        if os.geteuid() == 0 and mounts.NAMESPACE not in os.environ:
            service.drop_privileges()
            give_away(folder)
        for path, mode in place.modes:
            os.chmod(path, mode)
        before = picture(place)
        wrong = expect_refusal(row, service.launch(*flags), place)
        after = picture(place)
        wrong += [f"{name} has changed" for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
        place.release()
        return wrong


def check_of(row):
    def checked(binary):
        return run_row(row, binary)
    checked.__name__ = row.name
    return checked


def main():
    binary = checks.under_test(sys.argv[1])
    if mounts.NAMESPACE in os.environ:
        return checks.run([check_of(row) for row in DISK_ROWS], binary)
    status = checks.run([check_of(row) for row in DATABASE_ROWS + LISTEN_ROWS + FILE_ROWS], binary)
    if status == 0:
        mounts.enter_namespace()  # where the disk is
    return status


if __name__ == "__main__":
    sys.exit(main())
