"""`sessiond check`: finds what is wrong with a file, and changes nothing.

usage: check_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import os

from case import ID, Case, connect, end_command, main, make_database, make_python_file, picture, start_command, unnoticed

FIRST = f"WHERE id = '{ID.format(1)}'"
EVENT = "INSERT INTO events (id, type, version, session_id, thread_id, project_path) VALUES ({}, {}, {}, {}, 't', '/p')"
# What is done to a sound database, and what the report then says.
DAMAGES = [
    (f"UPDATE sessions SET id = 'A' || substr(id, 2) {FIRST}", "the id is not a lower-case UUID"),
    (f"UPDATE sessions SET id = 'mine' {FIRST}", "the id is not a lower-case UUID"),
    (f"UPDATE sessions SET status = 'GONE' {FIRST}", "the status is unknown"),
    (f"UPDATE sessions SET created_at = 'yesterday' {FIRST}", "a time is invalid"),
    (f"UPDATE sessions SET updated_at = '' {FIRST}", "a time is invalid"),
    (f"UPDATE sessions SET version = 0 {FIRST}", "the version 0 is invalid"),
    (f"UPDATE sessions SET seq = -5 {FIRST}", "the seq -5 is invalid"),
    (f"UPDATE sessions SET context_bytes = context_bytes + 1 {FIRST}", "context_bytes is not the size of the context"),
    (f"UPDATE sessions SET context = '[1]', context_bytes = 3 {FIRST}", "not a JSON object"),
    (f"UPDATE sessions SET context = '{{\"a\":NaN}}', context_bytes = 9 {FIRST}", "not a JSON object"),
    (f"UPDATE sessions SET context = CAST(context AS BLOB) {FIRST}", "a column is not text"),
    (f"UPDATE sessions SET context = NULL, context_bytes = 2 {FIRST}", "a column is not text"),
    ("DROP INDEX idx_sessions_thread_id", "the index idx_sessions_thread_id is missing"),
    ("DROP TABLE sessiond_clock", "the table sessiond_clock is missing"),
    ("INSERT INTO sessiond_clock VALUES (1)", "2 rows instead of one"),
    ("DELETE FROM sessiond_clock", "0 rows instead of one"),
    ("UPDATE sessiond_clock SET reserved_us = 253402300799999999", "a session, an event, an idempotency key or the clock has a time in the year 9999"),
    ("INSERT INTO idempotency_keys VALUES (253402300799999999, 'k', zeroblob(32), x'')",
     "a session, an event, an idempotency key or the clock has a time in the year 9999"),
    ("DROP TABLE events", "the table events is missing"),
    ("DELETE FROM sessiond_events", "the table sessiond_events has 0 rows instead of one"),
    ("DELETE FROM sessiond_leases", "the table sessiond_leases has 0 rows instead of one"),
    ("UPDATE sessiond_events SET purged_id = -1", "the id of the newest deleted event is invalid"),
    ("UPDATE sessiond_leases SET token_floor = 9007199254740993", "the highest fencing token of deleted sessions is invalid"),
    ("INSERT INTO lease_terms VALUES (12345, 1)", "session with seq 12345: it has a lease term but no lease"),
    ("UPDATE sessiond_events SET purged_id = 1000; " + EVENT.format(1000, 1, 1, "'s'"), "event 1000: it is older than the newest deleted event"),
    (EVENT.format(0, 1, 1, "'s'"), "event 0: the id is not a time of the clock"),
    (EVENT.format(253402300799999999, 1, 1, "'s'"), "event 253402300799999999: the id is not a time of the clock"),
    (EVENT.format(1000, 12, 1, "'s'"), "event 1000: the type 12 is unknown"),
    (EVENT.format(1000, 0, 1, "'s'"), "event 1000: the type 0 is unknown"),
    (EVENT.format(1000, 1, 0, "'s'"), "event 1000: the version 0 is invalid"),
    (EVENT.format(1000, 1, 1, "x'00'"), "event 1000: a column is not text"),
    (EVENT.format(1000, 3, 1, "'s'"), "event 1000: the changed values are missing"),
    (EVENT.format(1000, 7, 1, "'s'"), "event 1000: the changed values are missing"),
    (EVENT.format(1000, 8, 1, "'s'"), "event 1000: the changed values are missing"),
    (EVENT.format(1769342400999999, 2, 9, f"'{ID.format(1)}'"), "event 1769342400999999: the session has not reached version 9"),
    ("INSERT INTO consumers VALUES ('a b', 1, 1)", "consumer a b: the name is invalid"),
    ("INSERT INTO consumers VALUES ('a', -1, 1)", "consumer a: the offset -1 is invalid"),
    ("INSERT INTO consumers VALUES (char(27) || '[2J', 1, 1)", "consumer \\u{1b}[2J: the name is invalid"),
    ("DELETE FROM search_backlog; INSERT INTO entries VALUES (4294967297, 1, '{}')",
     "1 entries are missing from the search index"),
    ("INSERT INTO search_entries (rowid, text) VALUES (4294967297, 'x')", "1 entries of the search index do not exist"),
    ("INSERT INTO search_contexts (rowid, text) VALUES (7777, 'x')", "1 contexts of the search index do not exist"),
    # An index of one part, which is not there.
    ("UPDATE search_contexts_data SET block = x'00000000010101010001010101' WHERE id = 10",
     "the search index is corrupt (", "search_contexts"),
    ("UPDATE search_entries_data SET block = x'00000000010101010001010101' WHERE id = 10",
     "the search index is corrupt (", "search_entries"),
    ("DELETE FROM search_entries_config", "the search index is corrupt ("),
    ("PRAGMA user_version = 999", "start the newer sessiond that wrote it"),
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
    ("DELETE FROM entries WHERE key = (7 << 32) + 1", "stream 7: it has"),
    ("UPDATE entries SET key = key + 1 WHERE key = (7 << 32) + 2", "stream 7: it has"),
    ("UPDATE streams SET last_seq = 3 WHERE number = 7", "stream 7: it has"),
    ("UPDATE streams SET bytes = bytes + 1 WHERE number = 9", "stream 9: it has"),
    ("UPDATE streams SET session_seq = 12345 WHERE number = 9", "stream 9: the session does not exist"),
    ("UPDATE logs SET entry_count = 4", "but the stored totals are"),
    ("UPDATE logs SET entry_bytes = 4", "but the stored totals are"),
    ("DELETE FROM logs", "but the stored totals are"),
    ("UPDATE logs SET session_seq = 12345", "12345"),
    ("INSERT INTO entries VALUES ((8 << 32) + 1, 1, '{}')", "entry 1 of stream 8: the stream does not exist"),
    ("UPDATE entry_uuids SET seq = 3 WHERE number = 7", "uuid a of stream 7: the entry 3 does not exist"),
    ("UPDATE entries SET entry = '[]' WHERE key = (9 << 32) + 1", "entry 1 of stream 9: it is not a JSON object"),
    ("UPDATE entries SET entry = '{' || char(10) || '}' WHERE key = (9 << 32) + 1", "it has more than one line"),
    ("UPDATE entries SET entry = CAST(entry AS BLOB) WHERE key = (9 << 32) + 1", "it is not text"),
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
        self.run_badly(3, "another sessiond uses", "check", self.database)
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
        self.run_badly(1, "the status is unknown", "check", path)

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
