"""`sessiond check`: finds what is wrong with a file, and changes nothing.

usage: check_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import os

from case import ID, Case, connect, end_command, main, make_database, make_python_file, picture, start_command, unnoticed

FIRST = f"WHERE id = '{ID.format(1)}'"
EVENT = "INSERT INTO events (id, type, version, session_id, thread_id, project_path) VALUES ({}, {}, {}, {}, 't', '/p')"
# What is done to a sound database, and what the report then says.
DAMAGES = [
    (f"UPDATE sessions SET id = 'A' || substr(id, 2) {FIRST}", "its id is no lower-case UUID"),
    (f"UPDATE sessions SET id = 'mine' {FIRST}", "its id is no lower-case UUID"),
    (f"UPDATE sessions SET status = 'GONE' {FIRST}", "its status is unknown"),
    (f"UPDATE sessions SET created_at = 'yesterday' {FIRST}", "a time is not valid"),
    (f"UPDATE sessions SET updated_at = '' {FIRST}", "a time is not valid"),
    (f"UPDATE sessions SET version = 0 {FIRST}", "its version is 0"),
    (f"UPDATE sessions SET seq = -5 {FIRST}", "its seq is -5"),
    (f"UPDATE sessions SET context_bytes = context_bytes + 1 {FIRST}", "not its context's size"),
    (f"UPDATE sessions SET context = '[1]', context_bytes = 3 {FIRST}", "no JSON object"),
    (f"UPDATE sessions SET context = '{{\"a\":NaN}}', context_bytes = 9 {FIRST}", "no JSON object"),
    (f"UPDATE sessions SET context = CAST(context AS BLOB) {FIRST}", "no text"),
    (f"UPDATE sessions SET context = NULL, context_bytes = 2 {FIRST}", "no text"),
    ("DROP INDEX idx_sessions_thread_id", "the index idx_sessions_thread_id is missing"),
    ("DROP TABLE sessiond_clock", "the table sessiond_clock is missing"),
    ("INSERT INTO sessiond_clock VALUES (1)", "2 rows, not one"),
    ("DELETE FROM sessiond_clock", "0 rows, not one"),
    ("UPDATE sessiond_clock SET reserved_us = 253402300799999999", "it has a session, an event, an idempotency key or a clock of the year 9999"),
    ("INSERT INTO idempotency_keys VALUES (253402300799999999, 'k', zeroblob(32), x'')",
     "it has a session, an event, an idempotency key or a clock of the year 9999"),
    ("DROP TABLE events", "the table events is missing"),
    ("DELETE FROM sessiond_events", "the table sessiond_events has 0 rows, not one"),
    ("DELETE FROM sessiond_leases", "the table sessiond_leases has 0 rows, not one"),
    ("UPDATE sessiond_events SET purged_id = -1", "the id of the newest removed event is not valid"),
    ("UPDATE sessiond_leases SET token_floor = 9007199254740993", "the highest fencing token of deleted sessions is not valid"),
    ("INSERT INTO lease_terms VALUES (12345, 1)", "session with seq 12345: no lease is held"),
    ("UPDATE sessiond_events SET purged_id = 1000; " + EVENT.format(1000, 1, 1, "'s'"), "event 1000: it should be removed"),
    (EVENT.format(0, 1, 1, "'s'"), "event 0: its id is no time that was given"),
    (EVENT.format(253402300799999999, 1, 1, "'s'"), "event 253402300799999999: its id is no time that was given"),
    (EVENT.format(1000, 12, 1, "'s'"), "event 1000: its type is 12"),
    (EVENT.format(1000, 0, 1, "'s'"), "event 1000: its type is 0"),
    (EVENT.format(1000, 1, 0, "'s'"), "event 1000: its version is 0"),
    (EVENT.format(1000, 1, 1, "x'00'"), "event 1000: a column is no text"),
    (EVENT.format(1000, 3, 1, "'s'"), "event 1000: it does not say what changed"),
    (EVENT.format(1000, 7, 1, "'s'"), "event 1000: it does not say what changed"),
    (EVENT.format(1000, 8, 1, "'s'"), "event 1000: it does not say what changed"),
    (EVENT.format(1769342400999999, 2, 9, f"'{ID.format(1)}'"), "event 1769342400999999: its session has not come to version 9"),
    ("INSERT INTO consumers VALUES ('a b', 1, 1)", "consumer a b: its name is none"),
    ("INSERT INTO consumers VALUES ('a', -1, 1)", "consumer a: its place is -1"),
    ("INSERT INTO consumers VALUES (char(27) || '[2J', 1, 1)", "consumer \\u{1b}[2J: its name is none"),
    ("DELETE FROM search_backlog; INSERT INTO entries VALUES (4294967297, 1, '{}')",
     "1 entries cannot be found by their words"),
    ("INSERT INTO search_entries (rowid, text) VALUES (4294967297, 'x')", "1 entries can be found that are not there"),
    ("INSERT INTO search_contexts (rowid, text) VALUES (7777, 'x')", "1 contexts can be found that are not there"),
    # An index of one part, which is not there.
    ("UPDATE search_contexts_data SET block = x'00000000010101010001010101' WHERE id = 10",
     "the search index is corrupt (", "search_contexts"),
    ("UPDATE search_entries_data SET block = x'00000000010101010001010101' WHERE id = 10",
     "the search index is corrupt (", "search_entries"),
    ("DELETE FROM search_entries_config", "the search index is corrupt ("),
    ("PRAGMA user_version = 999", "made by a newer one"),
]

# A sound log of the first session: two streams, three entries, one of which has a uuid.
LOG = f"""
INSERT INTO streams SELECT 7, seq, 'main', 2, 18, 100 FROM sessions {FIRST};
INSERT INTO streams SELECT 9, seq, 'side', 1, 2, 101 FROM sessions {FIRST};
INSERT INTO logs (session_seq, entry_count, entry_bytes, updated_us) SELECT seq, 3, 20, 101 FROM sessions {FIRST};
INSERT INTO entries VALUES ((7 << 32) + 1, 99, '{{"uuid":"a"}}'), ((7 << 32) + 2, 100, '{{"":1}}'), ((9 << 32) + 1, 101, '{{}}');
INSERT INTO entry_uuids VALUES (7, 'a', 1);
INSERT INTO discarded_streams VALUES (3);
INSERT INTO entries VALUES ((3 << 32) + 5, 50, '{{}}');
INSERT INTO entry_uuids VALUES (3, 'b', 2);
INSERT OR REPLACE INTO search_backlog VALUES (0, 9223372036854775807);
"""
LOG_DAMAGES = [
    ("DELETE FROM entries WHERE key = (7 << 32) + 1", "the stream 7"),
    ("UPDATE entries SET key = key + 1 WHERE key = (7 << 32) + 2", "the stream 7"),
    ("UPDATE streams SET last_seq = 3 WHERE number = 7", "the stream 7"),
    ("UPDATE streams SET bytes = bytes + 1 WHERE number = 9", "the stream 9"),
    ("UPDATE streams SET session_seq = 12345 WHERE number = 9", "the stream 9: there is no such session"),
    ("UPDATE logs SET entry_count = 4", "its log has"),
    ("UPDATE logs SET entry_bytes = 4", "its log has"),
    ("DELETE FROM logs", "its log has"),
    ("UPDATE logs SET session_seq = 12345", "12345"),
    ("INSERT INTO entries VALUES ((8 << 32) + 1, 1, '{}')", "the entry 1 of the stream 8: there is no such stream"),
    ("UPDATE entry_uuids SET seq = 3 WHERE number = 7", "the uuid a of the stream 7"),
    ("UPDATE entries SET entry = '[]' WHERE key = (9 << 32) + 1", "the entry 1 of the stream 9: it is no JSON object"),
    ("UPDATE entries SET entry = '{' || char(10) || '}' WHERE key = (9 << 32) + 1", "is more than one line"),
    ("UPDATE entries SET entry = CAST(entry AS BLOB) WHERE key = (9 << 32) + 1", "it is no text"),
]


class Check(Case):
    def setUp(self):
        super().setUp()
        self.database = self.path("a.db")
        make_database(self.database, 300)

    def damage(self, sql):
        with unnoticed(self.database) as database:
            database.executescript(sql)

    def test_a_file_without_sessions(self):
        with connect(self.database) as database:
            database.execute("DROP TABLE sessions")
        self.run_badly(1, "a database of another program", "check", self.database)

    def test_a_sound_file(self):
        before = picture(self.folder)
        self.assertEqual(self.run_well("check", self.database),
                         f"{self.database}: sessions: 300, no problem found\n")
        self.run_well("check", "--db", self.database)
        self.assertEqual(picture(self.folder), before)

    def test_a_search_index_of_another_version_is_no_problem(self):
        self.damage("DROP TABLE search_contexts; CREATE VIRTUAL TABLE search_contexts USING fts5(text);"
                    "DROP TABLE search_rule; CREATE TABLE search_rule (rule INTEGER NOT NULL)")
        self.assertIn("the next start rebuilds it", self.run_well("check", self.database))

    def test_each_rule(self):
        with open(self.database, "rb") as file:
            sound = file.read()
        for sql, *phrases in DAMAGES:
            with self.subTest(sql):
                with open(self.database, "wb") as file:
                    file.write(sound)
                self.damage(sql)
                for phrase in phrases:
                    self.run_badly(1, phrase, "check", self.database)

    def test_each_rule_of_logs(self):
        self.damage(LOG)
        self.assertIn("sessions: 300, no problem", self.run_well("check", self.database))
        with open(self.database, "rb") as file:
            sound = file.read()
        for sql, phrase in LOG_DAMAGES:
            with self.subTest(sql):
                with open(self.database, "wb") as file:
                    file.write(sound)
                self.damage(sql)
                self.run_badly(1, phrase, "check", self.database)

    def test_all_problems_are_counted_and_the_first_ones_shown(self):
        self.damage("UPDATE sessions SET version = 0")
        status, out, _ = end_command(start_command("check", self.database))
        self.assertEqual(status, 1)
        self.assertIn("problems found: 300\n", out)
        self.assertIn("250 further problems are not shown\n", out)

    def test_damaged_pages(self):
        with open(self.database, "r+b") as file:
            file.seek(4096 * 20)
            file.write(os.urandom(4096 * 40))
        before = picture(self.folder)
        self.run_badly(1, "problems found", "check", self.database)
        self.assertEqual(picture(self.folder), before)

    def test_an_index_that_does_not_fit(self):
        with connect(self.database) as database:
            database.execute("PRAGMA writable_schema = ON")
            database.execute("UPDATE sqlite_schema SET sql = 'CREATE INDEX idx_sessions_thread_id ON sessions "
                             "(project_path, status)' WHERE name = 'idx_sessions_thread_id'")
        self.run_badly(1, "idx_sessions_thread_id", "check", self.database)

    def test_no_database(self):
        for content, status, phrase in ((b"", 1, "empty"), (b"text " * 300, 1, "not a database")):
            with open(self.path("b.db"), "wb") as file:
                file.write(content)
            self.run_badly(status, phrase, "check", self.path("b.db"))
        self.run_badly(3, "No such file", "check", self.path("c.db"))
        self.run_badly(3, "not a regular file", "check", self.folder)

    def test_what_stands_in_the_log_counts(self):
        service = self.service(self.database)
        body = b'{"project_path":"/p","thread_id":"t"}'
        self.assertEqual(service.call("POST", "/sessions", body, {"Content-Type": "application/json"}).status, 201)
        service.kill()
        self.assertIn("sessions: 301,", self.run_well("check", self.database))
        self.assertEqual(service.start().terminate(), 0)

    def test_a_file_that_a_service_serves_is_refused(self):
        service = self.service(self.database)
        self.run_badly(3, "another sessiond serves", "check", self.database)
        self.stop(service)

    def test_a_python_file_is_seen_as_the_next_start_would(self):
        path = self.path("python.db")
        make_python_file(path, ["{}", None, '{"a": NaN}', '{"b": [1, 2]}'])
        before = picture(self.folder)
        out = self.run_well("check", path)
        self.assertIn("sessions: 4,", out)
        self.assertIn("_adopted_text", out)
        self.assertEqual(picture(self.folder), before)
        with connect(path) as database:
            database.execute("UPDATE sessions SET status = 'LOST' WHERE rowid = 2")
        self.run_badly(1, "its status is unknown", "check", path)

    def test_names_that_a_uri_would_take_apart(self):
        for name in ("a?b.db", "a#b.db", "a%41.db", "ü b.db", "?immutable=0"):
            os.rename(self.database, self.path(name))
            self.assertIn("sessions: 300,", self.run_well("check", self.path(name)))
            os.rename(self.path(name), self.database)

    def test_usage(self):
        self.run_badly(2, "one FILE", "check", "a", "b")
        self.run_badly(2, "unknown flag --deep;", "check", "--deep")
        self.run_badly(2, "unknown command chekc", "chekc")
        self.run_badly(2, "needs a FILE", "restore")
        self.assertIn("Exit codes: 0 no problem, 1", self.run_well("check", "--help"))


if __name__ == "__main__":
    main()
