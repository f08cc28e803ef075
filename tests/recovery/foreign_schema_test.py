"""A database whose schema or journal is not sessiond's: the service, `check` and `restore` refuse it, name the object, and leave the file as it is.

usage: foreign_schema_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import os
import shutil

from case import Case, Service, binary, connect, main, make_database, make_python_file, picture
from journal import PAGE_BYTES, super_journal

LOOP = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
# What another program did to a valid database, and the object that the refusal names.
FOREIGN = [
    (f"CREATE TRIGGER mine AFTER INSERT ON sessions BEGIN {LOOP}; END", "the trigger mine of the table sessions"),
    (f"CREATE TRIGGER mine AFTER UPDATE ON streams BEGIN {LOOP}; END", "the trigger mine of the table streams"),
    (f"CREATE TRIGGER mine AFTER INSERT ON search_backlog BEGIN {LOOP}; END", "the trigger mine of the table search_backlog"),
    ("DROP TRIGGER sessions_deleted; CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions BEGIN SELECT 1; END",
     "the trigger sessions_deleted"),
    ("DROP TRIGGER sessions_deleted", "the trigger sessions_deleted is missing"),
    ("CREATE VIEW mine AS SELECT * FROM sessions", "the view mine"),
    ("CREATE INDEX mine ON sessions (length(context))", "the index mine of the table sessions"),
    ("CREATE INDEX mine ON entries (created_us)", "the index mine of the table entries"),
    ("DROP INDEX idx_sessions_thread_id", "the index idx_sessions_thread_id is missing"),
    ("DROP INDEX idx_sessions_thread_id; CREATE INDEX idx_sessions_thread_id ON sessions (thread_id)",
     "the index idx_sessions_thread_id"),
    ("CREATE INDEX idx_sessions_created_at ON sessions (abs(created_at))", "the index idx_sessions_created_at"),
    ("ALTER TABLE sessions ADD COLUMN mine", "the table sessions"),
    ("ALTER TABLE entries RENAME COLUMN created_us TO mine", "the table entries"),
    ("DROP TABLE consumers", "the table consumers is missing"),
    ("DROP TABLE consumers; CREATE TABLE consumers (name TEXT PRIMARY KEY, after INTEGER NOT NULL,"
     " updated_us INTEGER NOT NULL CHECK (updated_us LIKE '%a%a%a%a%')) WITHOUT ROWID", "the table consumers"),
    ("DROP TABLE consumers; CREATE VIEW consumers AS SELECT 1 AS name, 1 AS after, 1 AS updated_us", "the view consumers"),
    ("CREATE VIRTUAL TABLE mine USING fts5 (a)", "the table mine"),
    ("CREATE TABLE mine (a, b AS (a || a))", "the table mine has generated columns"),
    ("CREATE TABLE mine (a); CREATE INDEX i ON mine (a || a)", "the index i of the table mine is partial or has expressions"),
    ("CREATE TABLE mine (a); CREATE INDEX i ON mine (a) WHERE a > 1", "the index i of the table mine is partial or has expressions"),
]
# What another program may do.
ALLOWED = [
    "CREATE TABLE mine (a CHECK (a LIKE '%a%'), b UNIQUE); CREATE INDEX i ON mine (b); INSERT INTO mine VALUES ('a', 1)",
    "ANALYZE",
    "CREATE INDEX idx_sessions_created_at ON sessions (created_at DESC)",
    "DROP TABLE search_entries",
    "DROP TRIGGER search_session_deleted",
    "DROP TABLE search_contexts; CREATE TABLE search_contexts (text)",
    "DROP TRIGGER search_session_deleted; CREATE TRIGGER search_session_deleted AFTER DELETE ON sessions BEGIN SELECT 1; END",
]


class ForeignSchema(Case):
    def setUp(self):
        super().setUp()
        self.database = self.path("a.db")
        make_database(self.database, 3)
        with open(self.database, "rb") as file:
            self.valid = file.read()

    def change(self, sql):
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self.database + suffix):
                os.remove(self.database + suffix)
        with open(self.database, "wb") as file:
            file.write(self.valid)
        with connect(self.database) as database:
            database.executescript(sql)

    def expect_refused(self, phrase):
        before = picture(self.folder)
        self.run_badly(1, phrase, "check", self.database)
        self.run_badly(1, phrase, "restore", self.database, "--db", self.path("new", "b.db"))
        self.assertFalse(os.path.exists(self.path("new", "b.db")))
        shutil.rmtree(self.path("new"))
        service = Service(binary(), database=self.database).launch()
        self.addCleanup(service.abandon)
        self.assertEqual(service.await_end(), 1)
        detail = service.events("cannot_start")[0]["detail"]
        self.assertIn(phrase, detail)
        self.assertIn(self.database, detail)
        after = picture(self.folder)
        self.assertEqual({name: after.get(name) for name in before}, before)

    def test_a_journal_that_names_another_file_is_refused(self):
        """SQLite would roll it back and delete the file that it names."""
        with connect(self.database) as database:
            database.execute("PRAGMA journal_mode = DELETE")
        victim = self.path("victim").encode()
        with open(self.path("victim"), "wb") as file:
            file.write(b"precious")
        with open(self.database + "-journal", "wb") as file:
            file.write(super_journal(victim, os.path.getsize(self.database) // PAGE_BYTES))
        service = Service(binary(), "--sandbox", "off", database=self.database).launch()
        self.addCleanup(service.abandon)
        self.assertEqual(service.await_end(), 1)
        self.assertIn("a.db-journal names another file", service.events("cannot_start")[0]["detail"])
        self.assertTrue(os.path.exists(self.path("victim")))

    def test_each_foreign_object_is_refused(self):
        for sql, phrase in FOREIGN:
            with self.subTest(sql):
                self.change(sql)
                self.expect_refused(phrase)

    def test_what_another_program_may_do_is_served(self):
        for sql in ALLOWED:
            with self.subTest(sql):
                self.change(sql)
                service = self.service(self.database, "--search", "on")
                self.assertEqual(len(service.call("GET", "/sessions").json()["sessions"]), 3)
                self.stop(service)
                self.run_well("check", self.database)

    def test_comments_and_white_space_of_a_statement_do_not_matter(self):
        with connect(self.database) as database:
            database.execute("PRAGMA writable_schema = ON")
            database.execute("UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '  NOT /* as before */ NULL -- so\n') "
                             "WHERE name IN ('sessions', 'streams')")
        self.stop(self.service(self.database))

    def test_a_python_file_with_calculated_columns_or_indexes_is_refused(self):
        for sql, phrase in (("ALTER TABLE sessions ADD COLUMN extra AS (id || id)", "column extra"),
                            ("CREATE TABLE mine (a); CREATE INDEX i ON mine (a || a)", "the index i")):
            path = self.path("python.db")
            make_python_file(path, ["{}"])
            with connect(path) as database:
                database.executescript(sql)
            before = picture(self.folder)
            self.run_badly(1, phrase, "check", path)
            self.assertEqual(picture(self.folder), before)
            os.remove(path)


if __name__ == "__main__":
    main()
