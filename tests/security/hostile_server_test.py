"""The commands against servers that are broken, hostile or no sessiond.

Each command ends within seconds with its documented exit code and one clear message, prints no character that controls
a terminal, follows no redirect, and leaves no file behind.

usage: hostile_server_test.py BINARY [CHECK]…   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import concurrent.futures
import gzip
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from checks import check, run, under_test  # noqa: E402
from service import REPORT  # noqa: E402

ID = "00000000-0000-4000-8000-000000000001"
SESSION = f'{{"type":"session","id":"{ID}","project_path":"/p","context":{{}}}}\n'.encode()
ENTRY = f'{{"type":"entry","session_id":"{ID}","stream":"main","seq":1,"created_at":"x","entry":{{}}}}\n'.encode()
TRANSCRIPT = f'{{"sessionId":"{ID}","uuid":"{ID}","cwd":"/p","type":"user"}}\n'

# The media type that a command expects of a response with 200, and its exit code when it cannot be done.
COMMANDS = {
    ("backup", "FILE"): ("application/vnd.sqlite3", 3),
    ("export",): ("application/x-ndjson", 3),
    ("import", "-"): ("application/json", 3),
    ("import", "--claude", "--thread", "t", "TRANSCRIPT"): ("application/json", 3),
    ("purge",): ("application/json", 3),
    ("purge", "--dry-run"): ("application/json", 3),
    ("healthcheck",): ("application/json", 1),
}
# Much longer than the limit of 1 s that is given to the commands: the machine may be busy, and an export takes a line
# of up to 257 MiB.
PROMPT_S = 120
STALL = {"SESSIOND_COMMAND_TIMEOUT": "1s"}
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]")


class Server:
    """Plays the same part for every connection: bytes, or a function that yields them for ever."""

    def __init__(self, part, hold=False):
        self.part = part
        self.hold = hold
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.play, args=[peer], daemon=True).start()

    def play(self, peer):
        try:
            head = b""
            while b"\r\n\r\n" not in head and (part := peer.recv(65536)):
                head += part
            for part in [self.part] if isinstance(self.part, bytes) else self.part():
                peer.sendall(part)
            if self.hold:
                peer.recv(1 << 20)
                peer.recv(1)
        except OSError:
            pass
        finally:
            peer.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Folder:
    """Where a command works; nothing may be left in it."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="sessiond-hostile-")
        with open(f"{self.path}/{ID}.jsonl", "w", encoding="ascii") as file:
            file.write(TRANSCRIPT)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def words(self, command):
        place = {"FILE": f"{self.path}/backup.db", "TRANSCRIPT": f"{self.path}/{ID}.jsonl"}
        return [place.get(word, word) for word in command]

    def left(self):
        return set(os.listdir(self.path)) - {f"{ID}.jsonl"}


def response(body, *fields, status="200 OK"):
    head = "".join(f"{field}\r\n" for field in (f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}"))
    return head.encode() + b"\r\n" + body


def ends(binary, name, part, hold=False, commands=COMMANDS, wanted=None, phrase=None):
    """Sentences about what is wrong. `part` may be a function of the expected media type."""

    def one(command):
        wrong = []
        media_type, failed = COMMANDS[command]
        words = " ".join(command)
        played = part(media_type) if callable(part) else part
        with Folder() as folder, Server(played, hold) as server:
            try:
                done = subprocess.run([binary, *folder.words(command), "--listen", server.address], input=SESSION,
                                      capture_output=True, timeout=PROMPT_S, env={**os.environ, **STALL}, check=False)
            except subprocess.TimeoutExpired:
                wrong.append(f"{name}, {words}: still running after {PROMPT_S} s")
                return wrong
            said = done.stderr.decode("utf-8", "backslashreplace")
            both = done.stdout.decode("utf-8", "backslashreplace") + said
            code = failed if wanted is None else wanted
            if done.returncode != code:
                wrong.append(f"{name}, {words}: exit {done.returncode}, not {code}: {both[-600:]!r}")
            if REPORT.search(both):
                wrong.append(f"{name}, {words}: {both[-1500:]}")
            if code != 0 and not re.search(rf"^sessiond {command[0]}: .{{10,}}", said, re.M):
                wrong.append(f"{name}, {words}: no reason: {said!r}")
            if phrase and phrase not in both:
                wrong.append(f"{name}, {words}: not {phrase!r} in {both[-600:]!r}")
            if CONTROLS.search(both):
                wrong.append(f"{name}, {words}: control characters: {both[-600:]!r}")
            if folder.left():
                wrong.append(f"{name}, {words}: left {folder.left()}")
        return wrong

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return [sentence for found in pool.map(one, commands) for sentence in found]


def but(*names):
    return [command for command in COMMANDS if command[0] not in names]


def only(*names):
    return [command for command in COMMANDS if command[0] in names]


def endless(begin, again, pause_s=0):
    def part():
        yield begin
        while True:
            yield again
            time.sleep(pause_s)

    return part


def typed(head, body=b""):
    """HEAD with the media type that the command expects."""
    return lambda media_type: head % media_type.encode() + body


OK = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def malformed_heads_are_refused(binary):
    """What is no HTTP/1 response, or none that says where it ends."""
    wrong = []
    for name, part in (
            ("nothing", b""),
            ("half a status line", b"HTTP/1.1 2"),
            ("half a head", b"HTTP/1.1 200 OK\r\nContent-Type: x"),
            ("binary junk", bytes(range(256)) * 400),
            ("a long line", b"x" * 100000),
            ("a NUL in the status line", b"HTTP/1.1 200\0\r\n\r\n"),
            ("bare LF and no length", b"HTTP/1.1 200 OK\n\n"),
            ("HTTP/0.9", b"<html>hello</html>"),
            ("HTTP/2", b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x64\0\4\0\x10\0\0"),
            ("a TLS alert", b"\x15\3\3\0\2\2\x0a"),
            ("a huge status", b"HTTP/1.1 99999999999999999999 OK\r\nContent-Length: 0\r\n\r\n"),
            ("status 0", b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"),
            ("a negative length", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
            ("a length of 20 digits", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc"),
            ("no length", b"HTTP/1.1 200 OK\r\n\r\nbody"),
            ("a body to the end of the connection", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}"),
            ("an upgrade", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx"),
            ("an interim response and the end", b"HTTP/1.1 100 Continue\r\n\r\n"),
            ("compressed for the transfer", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            ("an unknown transfer coding", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\n")):
        wrong += ends(binary, name, part)
    return wrong


def endless_heads_are_refused(binary):
    wrong = []
    for name, part in (
            ("header fields without end", endless(b"HTTP/1.1 200 OK\r\n", b"X-Field: value\r\n" * 100)),
            ("a header field without end", endless(b"HTTP/1.1 200 OK\r\nX-Field: ", b"v" * 65536)),
            ("interim responses without end", endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 100)),
            ("a status line without end", endless(b"HTTP/1.1 200 ", b"v" * 65536)),
            ("header fields that drip", endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n", 0.05))):
        wrong += ends(binary, name, lambda _, part=part: part)
    return wrong


def malformed_bodies_are_refused(binary):
    wrong = []
    rest = but("healthcheck")
    for name, part in (
            ("cut off", typed(OK + b"Content-Length: 100\r\n\r\n", b'{"a":')),
            ("the largest length", typed(OK + b"Content-Length: 9223372036854775807\r\n\r\n", b"xx")),
            ("a negative chunk", typed(CHUNKED, b"-5\r\nabcde\r\n0\r\n\r\n")),
            ("the largest chunk", typed(CHUNKED, b"7fffffffffffffff\r\nabc")),
            ("a chunk of more than 64 bits", typed(CHUNKED, b"f" * 18 + b"\r\nabc")),
            ("a long chunk size", typed(CHUNKED, b"1" * 400 + b"\r\n")),
            ("no chunk size", typed(CHUNKED, b"zz\r\n")),
            ("no last chunk", typed(CHUNKED, b"2\r\n{}\r\n")),
            ("no body", typed(OK + b"Content-Length: 0\r\n\r\n")),
            ("another media type", response(b"{}", "Content-Type: text/html")),
            ("no media type", response(b"{}")),
            ("gzip", lambda media_type: response(gzip.compress(bytes(1 << 24)), f"Content-Type: {media_type}",
                                                 "Content-Encoding: gzip")),
            ("204", b"HTTP/1.1 204 No Content\r\n\r\n"),
            ("junk", lambda media_type: response(os.urandom(100000), f"Content-Type: {media_type}")),
            ("not UTF-8", lambda media_type: response(b'{"a":"\xff\xc0\xaf"}\n', f"Content-Type: {media_type}")),
            ("another object", lambda media_type: response(b'{"a":1}\n', f"Content-Type: {media_type}"))):
        # An append of a transcript takes any JSON object for an answer: it says nothing that is needed.
        tolerant = [command for command in rest if not (name == "another object" and "--claude" in command)]
        if name in ("204", "another media type", "no media type", "not UTF-8", "junk", "no body"):
            tolerant = [command for command in rest if "--claude" not in command]
        if name == "no body":
            tolerant.remove(("export",))
        wrong += ends(binary, name, part, commands=tolerant)
    return wrong


def endless_bodies_are_refused(binary):
    wrong = []
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    rest = [command for command in but("healthcheck") if "--claude" not in command]
    for name, part in (
            ("white space", lambda media_type: endless(CHUNKED % media_type.encode(), chunk)),
            ("digits", lambda media_type: endless(CHUNKED % media_type.encode(), chunk.replace(b" ", b"1"))),
            ("arrays", lambda media_type: endless(CHUNKED % media_type.encode(), chunk.replace(b" ", b"["))),
            ("a drip", lambda media_type: endless(CHUNKED % media_type.encode(), b"1\r\n{\r\n", 0.05))):
        wrong += ends(binary, f"endless: {name}", part, commands=rest)
    wrong += ends(binary, "silent after the head", typed(CHUNKED), hold=True, commands=but("healthcheck"))
    return wrong + ends(binary, "silent", b"", hold=True)


def errors_are_reported_without_control_characters(binary):
    wrong = []
    detail = {"detail": "\u001b[2Jwiped\u009b31m\u202egnihsif\u0007\r\n\u2066"}
    problem = "Content-Type: application/problem+json"
    rest = but("healthcheck")
    for status, body in (("500 Error", json.dumps(detail).encode()),
                         ("500 Error", json.dumps(detail, ensure_ascii=False).encode())):
        wrong += ends(binary, "escapes", response(body, problem, status=status), phrase="wiped")
    for name, body in (("no JSON", b"\x1b[2J"), ("an array", b"[1]"), ("a number", b'{"detail":1}'),
                       ("too long", b'{"detail":"' + b"x" * 10000000 + b'"}'), ("empty", b"")):
        wrong += ends(binary, name, response(body, problem, status="500 Error"), phrase="500")
    wrong += ends(binary, "an endless problem",
                  lambda _: endless(b"HTTP/1.1 500 E\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000))
    wrong += ends(binary, "401", response(b"", status="401 Unauthorized"), commands=rest, phrase="SESSIOND_TOKEN")
    return wrong


def redirects_are_not_followed(binary):
    with Server(response(b"{}", "Content-Type: application/json")) as other:
        wrong = []
        for status in ("301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
            wrong += ends(binary, status, response(b"", f"Location: http://{other.address}/x", status=status),
                          phrase=status[:3])
            wrong += ends(binary, status, response(b"", "Location: file:///etc/passwd", status=status), phrase=status[:3])
        check(other.connections == 0, f"the target of a redirect had {other.connections} connections")
    return wrong


def proxies_of_the_environment_are_not_used(binary):
    with Server(response(b"{}")) as proxy, Server(response(b"", status="200 OK")) as server:
        address = f"http://{proxy.address}"
        environment = {name: address for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY")}
        done = subprocess.run([binary, "healthcheck", "--listen", server.address], capture_output=True, check=False,
                              env={**os.environ, **environment})
        check(done.returncode == 0, f"{done}")
        check((server.connections, proxy.connections) == (1, 0), "the proxy was asked")


def answers_of_an_import_are_checked(binary):
    """Members that are missing, of another type or out of range; escapes in a conflict."""
    wrong = []
    counts = {"created": 1, "present": 0}
    good = {"sessions": counts, "entries": counts, "conflicts": []}
    command = [("import", "-")]
    values = [None, True, 0, -1, 1.5, 10 ** 30, "", "{", "x" * 300000, [], [[]], {}, {"created": "1", "present": 0},
              {"created": -1, "present": 0}, [1], ["{"], [{}], [{"session_id": 1, "detail": "d"}],
              [{"session_id": "x" * 36}], [{"session_id": "short", "detail": "d"}],
              [{"session_id": "x" * 100000, "detail": "d"}]]
    for member in good:
        for value in values:
            if (member, value) == ("conflicts", []):
                continue
            body = json.dumps({**good, member: value}).encode()
            wrong += ends(binary, f"{member} {body[:80]}", response(body, "Content-Type: application/json"),
                          commands=command)
        body = json.dumps({name: value for name, value in good.items() if name != member}).encode()
        wrong += ends(binary, f"no {member}", response(body, "Content-Type: application/json"), commands=command)
    nested = b'{"sessions":{},"entries":{},"conflicts":' + b"[" * 100000 + b"]" * 100000 + b"}"
    wrong += ends(binary, "deep", response(nested, "Content-Type: application/json"), commands=command)
    twice = json.dumps(good).encode()[:-1] + b',"conflicts":[]}'
    wrong += ends(binary, "a member twice", response(twice, "Content-Type: application/json"), commands=command)
    conflict = {"session_id": "\u001b" * 36, "stream": "\u001b]0;x\u0007", "seq": 1, "detail": "\u001b[2Jx\u202e"}
    body = json.dumps({**good, "conflicts": [conflict] * 3}).encode()
    wrong += ends(binary, "escapes", response(body, "Content-Type: application/json"), commands=command, wanted=1,
                  phrase="conflicts: 3")
    return wrong


def counts_of_an_import_do_not_overflow(binary):
    """The lines are sent in several requests, whose counts are added."""
    body = json.dumps({name: {"created": 2 ** 63 - 1, "present": 0} for name in ("sessions", "entries")} | {"conflicts": []})
    with Server(response(body.encode(), "Content-Type: application/json")) as server:
        done = subprocess.run([binary, "import", "-", "--listen", server.address], input=SESSION * 1000,
                              capture_output=True, timeout=PROMPT_S, check=False)
    check(not REPORT.search(done.stderr.decode()) and done.returncode == 3, f"{done.returncode}: {done.stderr[-600:]!r}")
    check(b"it has no counts of imported sessions and entries" in done.stderr, f"{done.stderr!r}")


def answers_of_a_purge_are_checked(binary):
    wrong = []
    command = [("purge",)]
    purged = {"terminated": 0, "idle": 0, "bytes": 0}
    for value in (None, 1, "x", [], {}, {**purged, "idle": "1"}, {**purged, "bytes": -1}, {"terminated": 1}):
        body = json.dumps({"purged": value, "next_cursor": None}).encode()
        wrong += ends(binary, f"purged {value}", response(body, "Content-Type: application/json"), commands=command)
    for cursor in ("", "a b", "a\r\nX: y", "/../sessions", "x" * 1000, "\u001b", "a&b=c", "always-the-same"):
        body = json.dumps({"purged": purged, "next_cursor": cursor}).encode()
        wrong += ends(binary, f"cursor {cursor[:20]}", response(body, "Content-Type: application/json"), commands=command)
    for member in purged:
        body = json.dumps({"purged": {**purged, member: 2 ** 63 - 1}, "next_cursor": "again"}).encode()
        wrong += ends(binary, f"{member} that overflow", response(body, "Content-Type: application/json"), commands=command,
                      phrase="it has no counts of deleted sessions")
    of = {"retain_seconds": 5, "sessions": 1, "bytes": 2, "more": False, "oldest_change_at": "\u001b[2J",
          "first": ["\u001b[31m", 1, None]}
    dry = [("purge", "--dry-run")]
    body = json.dumps({"terminated": of, "idle": of}).encode()
    wrong += ends(binary, "escapes", response(body, "Content-Type: application/json"), commands=dry, wanted=0)
    for member, value in (("sessions", "1"), ("bytes", None), ("first", "x"), ("first", {})):
        body = json.dumps({"terminated": {**of, member: value}, "idle": of}).encode()
        wrong += ends(binary, f"{member} {value}", response(body, "Content-Type: application/json"), commands=dry)
    return wrong


def an_export_is_ndjson_of_sessions_and_entries(binary):
    wrong = []
    command = [("export",)]
    lines = "Content-Type: application/x-ndjson"
    other = ID.replace("1", "2").encode()
    for name, body in (
            ("an entry without its session", ENTRY),
            ("an entry of another session", SESSION + ENTRY.replace(ID.encode(), other)),
            ("an entry without content", SESSION + ENTRY.replace(b'"entry":{}', b'"x":1')),
            ("a session without an id", SESSION.replace(b'"id"', b'"x"')),
            ("an id that is no UUID", SESSION.replace(ID.encode(), b"x" * 36)),
            ("another type", SESSION.replace(b'"session"', b'"other"')),
            ("an array", b"[1]\n"),
            ("an empty line", SESSION + b"\n"),
            ("the last line is cut", SESSION + ENTRY[:-5]),
            ("no newline at the end", SESSION + ENTRY[:-1]),
            ("an error instead of a line", SESSION + b'{"error":"disk I/O"}\n')):
        wrong += ends(binary, name, response(body, lines), commands=command)
        wrong += ends(binary, f"{name}, in chunks", CHUNKED % b"application/x-ndjson" +
                      b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), commands=command)
    wrong += ends(binary, "well", response(SESSION + ENTRY * 3, lines), commands=command, wanted=0)
    wrong += ends(binary, "nothing to export", response(b"", lines), commands=command, wanted=0)
    with Server(response(SESSION + b"junk\n", lines)) as server:
        done = subprocess.run([binary, "export", "--listen", server.address], capture_output=True, check=False)
        check(done.stdout == SESSION, f"not the lines before the junk: {done.stdout!r}")
        check(b"1 sessions and 0 entries" in done.stderr, f"{done.stderr!r}")
    return wrong


def database(folder):
    path = f"{folder}/x.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    with open(path, "rb") as file:
        return file.read()


def a_backup_is_an_sqlite_file_of_the_announced_size(binary):
    wrong = []
    command = [("backup", "FILE")]
    media = "Content-Type: application/vnd.sqlite3"
    folder = tempfile.mkdtemp(prefix="sessiond-hostile-")
    good = database(folder)
    shutil.rmtree(folder)
    for name, body, code in (
            ("junk", os.urandom(8192), 3),
            ("a page of HTML", b"<html>" + b" " * 5000, 3),
            ("a header alone", good[:100], 1),
            ("half of it", good[:len(good) // 2], 1),
            ("a header and junk", good[:100] + os.urandom(4096 - 100), 1)):
        wrong += ends(binary, name, response(body, media), commands=command, wanted=code)
    wrong += ends(binary, "without a size", CHUNKED % b"application/vnd.sqlite3" +
                  b"%x\r\n%s\r\n0\r\n\r\n" % (len(good), good), commands=command, phrase="it has no Content-Length")
    wrong += ends(binary, "without end", lambda _: endless(
        CHUNKED % b"application/vnd.sqlite3", b"10000\r\n" + good[:8192] * 8 + b"\r\n"), commands=command)
    wrong += ends(binary, "larger than the disk", lambda _: endless(
        OK % b"application/vnd.sqlite3" + b"Content-Length: 4611686018427387904\r\n\r\n", good), commands=command,
                  phrase="free")
    wrong += ends(binary, "shorter than announced", OK % b"application/vnd.sqlite3" +
                  b"Content-Length: %d\r\n\r\n" % (len(good) + 1) + good, commands=command)
    return wrong


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(run([malformed_heads_are_refused, endless_heads_are_refused, malformed_bodies_are_refused,
                  endless_bodies_are_refused, errors_are_reported_without_control_characters,
                  redirects_are_not_followed, proxies_of_the_environment_are_not_used,
                  answers_of_an_import_are_checked, counts_of_an_import_do_not_overflow, answers_of_a_purge_are_checked,
                  an_export_is_ndjson_of_sessions_and_entries, a_backup_is_an_sqlite_file_of_the_announced_size],
                 under_test(sys.argv[1])))
