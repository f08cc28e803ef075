"""`sessiond restore`: the new database whole, the old one kept, or nothing touched.

usage: restore_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import contextlib
import os
import re
import shutil
import unittest

from case import (ID, Case, SmallDisk, ask, command, connect, end_command, main, make_database,
                       make_python_file, picture, start_command, until)
from mounts import enter_namespace
from service import NOBODY

JSON = {"Content-Type": "application/json"}
COUNT = "SELECT count(*) FROM sessions"


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


class Restore(Case):
    def setUp(self):
        super().setUp()
        self.database, self.file = self.path("db", "a.db"), self.path("backup.db")
        os.mkdir(self.path("db"))
        make_database(self.database, 20)
        shutil.copy(self.database, self.file)
        with connect(self.file) as database:
            database.execute("PRAGMA journal_mode = DELETE")
            database.execute(f"DELETE FROM sessions WHERE id > '{ID.format(7)}'")

    def restore(self):
        """Returns the name under which the old database is kept."""
        out = self.run_well("restore", self.file, "--db", self.database)
        kept = re.search(r"the previous database is stored as (.*)\n", out)
        return kept and kept[1]

    def names(self):
        return {name.removeprefix("a.db") for name in os.listdir(self.path("db"))}

    def count_served(self):
        service = self.service(self.database)
        sessions = service.call("GET", "/sessions?limit=1000").json()["sessions"]
        self.stop(service)
        return len(sessions)

    def test_the_new_is_there_and_the_old_is_kept(self):
        before = content_of(self.file)
        kept = self.restore()
        self.assertRegex(os.path.basename(kept), r"^a\.db\.before-\d{8}T\d{6}\.\d{6}Z$")
        self.assertEqual(self.names(), {"", ".lock", os.path.basename(kept).removeprefix("a.db")})
        self.assertEqual(content_of(self.file), before)
        self.assertEqual(os.stat(self.database).st_mode & 0o777, 0o600)
        self.assertEqual(self.count_served(), 7)
        self.assertEqual(ask(kept, COUNT), [(20,)])
        self.run_well("check", self.database)

    def test_with_replace_nothing_of_the_old_is_left(self):
        out = self.run_well("restore", self.file, "--replace", "--db", self.database)
        self.assertNotIn("is stored as", out)
        self.assertEqual(self.names(), {"", ".lock"})
        self.assertEqual(self.count_served(), 7)

    def test_with_replace_a_damaged_file_leaves_the_old(self):
        with open(self.file, "r+b") as file:
            file.write(b"x" * 100)
        self.run_badly(1, "", "restore", self.file, "--replace", "--db", self.database)
        self.assertEqual(self.count_served(), 20)

    def test_what_stands_in_the_old_ones_log_is_kept(self):
        service = self.service(self.database)
        body = b'{"project_path":"/p","thread_id":"t"}'
        self.assertEqual(service.call("POST", "/sessions", body, JSON).status, 201)
        service.kill()
        self.assertIn("-wal", self.names())
        kept = self.restore()
        self.assertFalse({"-wal", "-shm"} & self.names())
        self.assertFalse(os.path.exists(kept + "-wal"))
        self.assertEqual(ask(kept, COUNT), [(21,)])
        self.assertEqual(self.count_served(), 7)

    def test_a_damaged_old_one_is_kept_with_its_log(self):
        with open(self.database, "wb") as file:
            file.write(b"scrap " * 2000)
        with open(self.database + "-wal", "wb") as file:
            file.write(b"more scrap " * 2000)
        with open(self.database + "-journal", "wb") as file:
            file.write(b"old scrap")
        kept = self.restore()
        self.assertEqual(content_of(kept), b"scrap " * 2000)
        self.assertEqual(content_of(kept + "-wal"), b"more scrap " * 2000)
        self.assertEqual(content_of(kept + "-journal"), b"old scrap")
        self.assertFalse({"-wal", "-journal"} & self.names())
        self.assertEqual(self.count_served(), 7)

    def test_a_log_without_its_database_is_out_of_the_way(self):
        os.rename(self.database, self.database + "-wal")
        self.assertIsNone(self.restore())
        self.assertNotIn("-wal", self.names())
        self.assertEqual([name[-4:] for name in self.names() if ".before-" in name], ["-wal"])
        self.assertEqual(self.count_served(), 7)

    def test_where_there_was_none(self):
        self.database = self.path("new", "b.db")
        self.assertIsNone(self.restore())
        self.assertEqual(sorted(os.listdir(self.path("new"))), ["b.db", "b.db.lock"])
        self.assertEqual(self.count_served(), 7)

    def test_by_way_of_a_symbolic_link(self):
        os.symlink(self.database, self.path("link.db"))
        self.run_well("restore", self.file, "--db", self.path("link.db"))
        self.assertTrue(os.path.islink(self.path("link.db")))
        self.assertEqual(ask(self.database, COUNT), [(7,)])

    def test_out_of_a_file_with_a_log(self):
        shutil.copy(self.database, self.path("c.db"))
        service = self.service(self.path("c.db"))
        body = b'{"project_path":"/p","thread_id":"t"}'
        self.assertEqual(service.call("POST", "/sessions", body, JSON).status, 201)
        service.kill()
        self.run_well("restore", self.path("c.db"), "--db", self.database)
        self.assertEqual(self.count_served(), 21)

    def test_a_python_file_is_adopted(self):
        os.remove(self.file)
        make_python_file(self.file, ["{}", '{"a": NaN}', None])
        status, _, err = command("restore", self.file, "--db", self.database)
        self.assertEqual(status, 0, err)
        self.assertIn(f"the context of session {ID.format(1)} is not a JSON object", err)
        self.assertEqual(ask(self.database, "PRAGMA user_version"), ask(self.kept(), "PRAGMA user_version"))
        self.assertEqual(self.count_served(), 3)
        self.run_well("check", self.database)

    def kept(self):
        return next(self.path("db", name) for name in os.listdir(self.path("db")) if ".before-" in name)

    def refused(self, status, phrase):
        before = picture(self.path("db"))
        self.run_badly(status, phrase, "restore", self.file, "--db", self.database)
        self.assertEqual(picture(self.path("db")), before)

    def test_what_is_not_fit_is_refused_and_nothing_is_touched(self):
        with connect(self.file) as database:
            database.execute("PRAGMA user_version = 999")
        self.refused(1, "start the newer sessiond that wrote it")
        with connect(self.file) as database:
            database.executescript("PRAGMA user_version = 1; DROP TABLE sessions")
        self.refused(1, "a database of another program")
        shutil.copy(self.database, self.file)
        with open(self.file, "r+b") as file:
            file.seek(4096 * 10)
            file.write(os.urandom(4096 * 5))
        self.refused(1, "nothing was changed")
        with open(self.file, "r+b") as file:
            file.truncate(4096 * 10)
        self.refused(1, "nothing was changed")
        for content, phrase in ((b"scrap " * 2000, "not a database"), (b"", "empty")):
            with open(self.file, "wb") as file:
                file.write(content)
            self.refused(1, phrase)
        os.remove(self.file)
        self.refused(3, "No such file")
        make_python_file(self.file, ["{}"])
        with connect(self.file) as database:
            database.execute("UPDATE sessions SET id = 'mine'")
        self.refused(1, "cannot import a session")

    def secret_and_target(self):
        """A file of root's, of Python so that a start would change it, and a database in another user's folder."""
        secret = self.path("secret")
        make_python_file(secret, ["{}"])
        os.mkdir(self.path("theirs"), 0o700)
        os.chown(self.path("theirs"), NOBODY, NOBODY)
        return secret, self.path("theirs", "a.db")

    @unittest.skipUnless(os.geteuid() == 0, "only root may write the files of all users")
    def test_a_swapped_link_is_neither_followed_nor_given_away(self):
        secret, target = self.secret_and_target()
        before = content_of(secret)
        make_database(self.path("large.db"), 3000)
        process = start_command("restore", self.path("large.db"), "--db", target)
        while process.poll() is None:
            with contextlib.suppress(OSError):
                if os.path.getsize(target + ".restoring") > 0:
                    os.remove(target + ".restoring")
                    os.symlink(secret, target + ".restoring")
        end_command(process)
        self.assertEqual(os.stat(secret).st_uid, 0)
        self.assertEqual(content_of(secret), before)

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_a_lock_file_with_a_second_name_is_not_given_away(self):
        secret, target = self.secret_and_target()
        os.link(secret, target + ".lock")
        self.run_badly(3, "a.db.lock", "restore", self.file, "--db", target)
        self.assertEqual(os.stat(secret).st_uid, 0)

    @unittest.skipUnless(os.geteuid() == 0, "only root may write the files of all users")
    def test_a_link_in_the_folder_of_another_user_is_not_followed(self):
        secret, target = self.secret_and_target()
        before = content_of(secret)
        os.symlink(secret, target)
        self.run_badly(3, "symbolic link", "restore", self.file, "--db", target)
        self.assertEqual(content_of(secret), before)

    @unittest.skipUnless(os.geteuid() == 0, "only root may write the files of all users")
    def test_the_log_of_another_user_is_kept_as_it_is(self):
        """Its owner could exchange it for one that makes SQLite remove other files."""
        service = self.service(self.database)
        self.assertEqual(service.call("POST", "/sessions", b'{"project_path":"/p","thread_id":"t"}', JSON).status, 201)
        service.kill()
        log = content_of(self.database + "-wal")
        for name in ("", "a.db", "a.db-wal", "a.db.lock"):
            os.chown(self.path("db", name), NOBODY, NOBODY)
        kept = self.restore()
        self.assertEqual(content_of(kept + "-wal"), log)
        self.assertEqual(ask(kept, COUNT), [(21,)])
        self.assertEqual(self.count_served(), 7)

    def test_while_a_service_runs_it_is_refused(self):
        service = self.service(self.database)
        self.run_badly(3, "another sessiond uses", "restore", self.file, "--db", self.database)
        self.run_badly(3, "another sessiond uses", "restore", self.database, "--db", self.path("new.db"))
        self.assertNotIn("new.db", os.listdir(self.folder))
        self.assertEqual(len(service.call("GET", "/sessions?limit=1000").json()["sessions"]), 20)
        self.stop(service)

    def test_out_of_itself_it_is_refused(self):
        self.file = self.database
        self.refused(3, "is the database of --db")

    def test_killed_it_has_changed_nothing(self):
        make_database(self.path("large.db"), 12000)
        unfinished = self.database + ".restoring"
        for _ in range(20):
            process = start_command("restore", self.path("large.db"), "--db", self.database)
            until(lambda: os.path.exists(unfinished) or process.poll() is not None, "the restore's beginning")
            process.kill()
            if end_command(process)[0] != 0:
                break
        self.assertEqual(ask(self.database, COUNT), [(20,)])
        self.restore()
        self.assertNotIn(".restoring", self.names())
        self.assertEqual(self.count_served(), 7)

    def test_a_full_disk_changes_nothing(self):
        disk = SmallDisk(self, 4)
        shutil.copy(self.database, disk.path("a.db"))
        make_database(self.path("large.db"), 3000)
        self.run_badly(3, "full", "restore", self.path("large.db"), "--db", disk.path("a.db"))
        self.assertEqual(sorted(os.listdir(disk.folder)), ["a.db", "a.db.lock"])
        self.assertEqual(ask(disk.path("a.db"), COUNT), [(20,)])

    def test_root_restores_for_the_one_who_runs_the_service(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give files away")
        os.chown(self.path("db"), 12345, 12345)
        os.remove(self.database)
        self.restore()
        for name in ("a.db", "a.db.lock"):
            self.assertEqual(os.stat(self.path("db", name)).st_uid, 12345)


if __name__ == "__main__":
    enter_namespace()
    main()
