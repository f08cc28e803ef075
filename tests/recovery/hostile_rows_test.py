"""Rows that no sessiond writes, in a database of the right schema: the service refuses the file or answers every
request, `check` reports the row, and no sanitizer reports anything.

usage: hostile_rows_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import json
import os
import shutil
import tempfile

from case import Case, Service, binary, end_command, main, picture, start_command, unnoticed

SESSIONS = [f"00000000-0000-4000-8000-0000000000{number:02x}" for number in range(10, 30)]
SESSION, OTHER = SESSIONS[:2]
THIS = f"WHERE id = '{SESSION}'"
STREAM = f"(SELECT number FROM streams WHERE session_seq = (SELECT seq FROM sessions {THIS}))"
JSON = {"Content-Type": "application/json"}
MERGE = {"Content-Type": "application/merge-patch+json"}
KEY = {**JSON, "Idempotency-Key": '"k"'}
CREATE = json.dumps({"project_path": "/p", "thread_id": "t"}).encode()
HUGE = 2 ** 63 - 1


def context(session, text):
    """The context without its length being wrong, so that only its text is looked at."""
    return (f"UPDATE sessions SET context = {text}, context_bytes = length(CAST({text} AS BLOB)), version = version + 1 "
            f"WHERE id = '{session}'")


def entry(session, text):
    return (f"UPDATE entries SET entry = {text} WHERE key = "
            f"(SELECT (number << 32) + 1 FROM streams JOIN sessions ON seq = session_seq WHERE id = '{session}')")


def answer(blob):
    return f"UPDATE idempotency_keys SET answer = x'{blob.hex()}'"


# SQL expressions; each becomes the text of another session in one database.
ENTRIES = [
    "printf('%.*c', 5000, ']')", "printf('%.*c', 5000, '}') || '\"id\":{}'", "printf('%.*c', 5000, '[')", "'\"'", "'{\"a'",
    "'{\"a\\'", "'{\"a\\u12'", "'{\"\\ud800\\u'", "''", "'{}' || char(10) || '{}'", "char(0)", "x'ff00ff22'", "'null'", "17",
    "'{\"a\":\"' || x'c3' || '\"}'"]
CONTEXTS = [
    "'{\"a'", "'{\"a\":[[[['", "'{'", "'{\"a\"'", "'{\"a\":'", "'{\"a\":1,'", "'{,'", "'{\"a\\'", "'{\"\\u00'",
    "'{\"\\ud800\\u00\":1}'", "'}'", "']'", "' '", "'[1]'", "'{\"a\":1}}'", "x'7b22c3'", "'{\"c\":{\"d\":{'",
    "printf('%.*c', 70000, '[')", "'{\"a\" 1}'", "''"]

# Each changes rows of a valid database.
MUTATIONS = [
    f"UPDATE sessions SET context = NULL, version = version + 1 {THIS}",
    *(answer(blob) for blob in (
        b"", b"2", b"2" * 40, b"201\0application/json\0" + b"X-A\0b\0" * 40 + b"\0{}", b"201\0text/html\0\0<p>", b"99999999999\0\0\0",
        b"201\0application/json\0ETag\0a\r\nX: y\0\0{}")),
    "UPDATE idempotency_keys SET digest = x'00', answer = 'text'",
    *(f"UPDATE sessions SET {column} = {value}, version = version + 1 {THIS}" for column, value in (
        ("id", "'short'"), ("id", "''"), ("id", "printf('%.*c', 4000, 'a')"), ("id", "char(27) || '[31mRED'"), ("id", f"upper('{SESSION}')"),
        ("id", "x'00'"), ("seq", "-5"), ("seq", "0"), ("seq", HUGE), ("status", "'GONE'"), ("created_at", "'yesterday'"),
        ("recovered_at", "''"), ("context_bytes", -HUGE), ("context_bytes", HUGE), ("lease_token", HUGE), ("thread_id", "x'ff'"),
        ("project_path", "char(27) || '[2J'"))),
    *(f"UPDATE sessions SET version = {value} {THIS}" for value in (-1, HUGE, "'text'", 1e300)),
    f"UPDATE sessions SET lease_owner = 'o', lease_token = {HUGE}, lease_ttl_ms = {HUGE}, lease_deadline_us = {HUGE} {THIS}",
    f"UPDATE sessions SET lease_owner = 'o', lease_token = -1, lease_ttl_ms = -{HUGE}, lease_deadline_us = -{HUGE} {THIS}",
    f"UPDATE sessions SET lease_owner = 'o', lease_ttl_ms = 'x', lease_deadline_us = 'x' {THIS}",
    *(f"UPDATE streams SET {column} = {value} WHERE number = {STREAM}" for column, value in (
        ("last_seq", HUGE), ("last_seq", -HUGE), ("bytes", HUGE), ("bytes", -HUGE), ("updated_us", HUGE), ("name", "x'ff'"), ("name", "''"),
        ("number", HUGE), ("number", -1), ("number", 2147483647))),
    *(f"UPDATE logs SET {column} = {value}" for column, value in (
        ("entry_count", HUGE), ("entry_bytes", -HUGE), ("updated_us", HUGE), ("parent_id", "char(27) || '[2J'"))),
    f"UPDATE entries SET created_us = {HUGE}",
    f"UPDATE entries SET created_us = -{HUGE}",
    "UPDATE entry_uuids SET uuid = x'ff'",
    f"UPDATE entry_uuids SET seq = {HUGE}",
    f"INSERT INTO discarded_streams VALUES ({HUGE}), (-1), (0)",
    *(f"UPDATE events SET {column} = {value} WHERE id = (SELECT max(id) FROM events)" for column, value in (
        ("type", 40), ("type", -1), ("type", HUGE), ("id", HUGE), ("id", -HUGE), ("version", HUGE), ("first_seq", -HUGE), ("last_seq", HUGE),
        ("session_id", "x'00'"), ("session_id", "char(10) || 'event: x'"), ("stream", "x'0a'"))),
    f"UPDATE sessiond_events SET purged_id = {HUGE}",
    f"UPDATE sessiond_events SET purged_id = -{HUGE}",
    "UPDATE sessiond_events SET purged_id = (SELECT max(id) - 1 FROM events)",
    "DELETE FROM sessiond_events",
    f"UPDATE sessiond_leases SET token_floor = {HUGE}",
    f"UPDATE sessiond_clock SET reserved_us = {HUGE}",
    "UPDATE sessiond_clock SET reserved_us = 253402300799999998",
    "DELETE FROM sessiond_clock",
    f"UPDATE consumers SET after = -{HUGE}",
    f"UPDATE consumers SET updated_us = {HUGE}",
    "INSERT INTO consumers VALUES (char(27) || ']0;title' || char(7), 0, 1)",
    f"INSERT INTO search_backlog VALUES (-1, {HUGE})",
    f"INSERT OR REPLACE INTO search_backlog VALUES (5, -{HUGE})",
    f"UPDATE search_rule SET rule = {HUGE}",
]


def mutate(path, *statements):
    """All texts are put into the backlog of the search, so that they are indexed again."""
    with unnoticed(path) as database:
        for sql in statements:
            database.execute(sql)
        if not any("search_" in sql for sql in statements):
            database.execute(f"INSERT OR REPLACE INTO search_backlog VALUES (-{HUGE} - 1, -1), (0, {HUGE})")


def requests(sessions):
    """Every kind of request, at each session; what reads comes before what writes."""
    yield "GET", "/sessions?limit=100", None, None
    yield "GET", "/sessions?limit=100&include=context", None, None
    yield "GET", "/sessions?thread_id=t&project_path=/p", None, None
    yield "GET", "/events?limit=1000", None, None
    yield "GET", "/events?type=session.created", None, None
    yield "GET", "/events?consumer=c", None, None
    yield "GET", "/consumers/c", None, None
    yield "GET", "/search?q=hello", None, None
    yield "GET", "/admin/export", None, None
    yield "GET", "/metrics", None, None
    yield "POST", "/sessions", CREATE, KEY
    for session in sessions:
        at = f"/sessions/{session}"
        yield "GET", at, None, None
        yield "GET", f"{at}/events", None, None
        yield "GET", f"{at}/streams", None, None
        yield "GET", f"{at}/entries", None, None
        yield "GET", f"{at}/entries?order=desc&limit=1", None, None
        yield "GET", f"{at}/entries", None, {"Accept": "application/x-ndjson"}
        yield "POST", f"{at}/entries", b'[{"uuid":"u1","text":"hello"},{"uuid":"u9","text":"again"}]', JSON
        yield "POST", f"{at}/fork", b"{}", JSON
        yield "POST", f"{at}/fork", b'{"at_seq":1}', JSON
        yield "PATCH", at, b'{"context":{"a":{"b":1},"c":{"d":{"e":2}}}}', MERGE
        yield "PATCH", at, b'{"status":"ACTIVE"}', JSON
        yield "PUT", f"{at}/lease", b'{"owner":"me","ttl_seconds":1}', JSON
        yield "DELETE", f"{at}/lease", None, None
    yield "GET", f"/sessions/{OTHER}/entries", None, None
    yield "POST", f"/sessions/{OTHER}/entries", b'[{"text":"hello"}]', JSON
    yield "POST", f"/sessions/{OTHER}/fork", b"{}", JSON
    yield "POST", "/sessions/relocate", b'{"from":"/p","to":"/q"}', JSON
    yield "POST", "/sessions/recover", b'{"owner":"o"}', JSON
    yield "POST", "/sessions/recover", b"{}", JSON
    for session in sessions:
        yield "DELETE", f"/sessions/{session}", None, None
    yield "POST", "/sessions", CREATE, JSON


class HostileRows(Case):
    @classmethod
    def setUpClass(cls):
        cls.folder_of_valid = tempfile.TemporaryDirectory(prefix="sessiond-whole-")
        cls.addClassCleanup(cls.folder_of_valid.cleanup)
        cls.valid = os.path.join(cls.folder_of_valid.name, "valid.db")
        service = Service(binary(), database=cls.valid).start()
        for id in SESSIONS:
            service.call("PUT", f"/sessions/{id}",
                         b'{"project_path":"/p","thread_id":"t","context":{"a":"hello","c":{"d":[1]}}}', JSON)
            service.call("POST", f"/sessions/{id}/entries", b'[{"uuid":"u1","text":"hello"},{"text":"world"}]', JSON)
        service.call("POST", "/sessions", CREATE, KEY)
        service.call("PUT", "/consumers/c", b'{"after":0}', JSON)
        service.stop()

    def test_the_valid_rows_are_served(self):
        shutil.copy(self.valid, self.path("a.db"))
        self.serve(self.path("a.db"), {200, 201, 204, 404, 409}, SESSIONS)

    def test_hostile_texts_of_entries_are_answered(self):
        self.look_at("entries", *(entry(id, text) for id, text in zip(SESSIONS, ENTRIES)), sessions=SESSIONS)

    def test_hostile_texts_of_contexts_are_answered(self):
        self.look_at("contexts", *(context(id, text) for id, text in zip(SESSIONS, CONTEXTS)), sessions=SESSIONS)

    def test_each_hostile_row_is_refused_or_answered(self):
        for number, sql in enumerate(MUTATIONS):
            with self.subTest(sql):
                self.look_at(str(number), sql)

    def look_at(self, name, *statements, sessions=(SESSION,)):
        os.mkdir(self.path(name))
        path = self.path(name, "a.db")
        shutil.copy(self.valid, path)
        mutate(path, *statements)
        self.check(path)
        self.serve(path, {200, 201, 204, 404, 409, 410, 412, 422, 500, 507}, sessions)
        shutil.rmtree(self.path(name))

    def check(self, path):
        before = picture(os.path.dirname(path))
        status, out, err = end_command(start_command("check", path))
        self.assertIn(status, (0, 1, 3), out + err)
        self.assertEqual([c for c in out + err if ord(c) < 32 and c != "\n"], [], "raw control characters")
        self.assertEqual(picture(os.path.dirname(path)), before)

    def serve(self, path, statuses, sessions):
        service = Service(binary(), "--search", "on", database=path).launch()
        self.addCleanup(service.abandon)
        if not service.await_listening():
            self.assertEqual(service.reports(), [])
            self.assertIn(path, service.events("cannot_start")[0]["detail"])
            return
        for method, target, body, headers in requests(sessions):
            response = service.call(method, target, body, headers)
            self.assertIn(response.status, statuses, f"{method} {target}: {response.body[:300]}")
        self.assertEqual(service.stop(), [])


if __name__ == "__main__":
    main()
