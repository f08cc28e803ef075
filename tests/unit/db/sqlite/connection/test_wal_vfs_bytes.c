/* The file system that gathers writes to the write-ahead log: what reaches the file is what the
 * default one writes, before anything can ask for it. */

#include "tests/unit/support/database_fixture.h"

#include "db/sqlite/connection/wal_vfs.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

static void begin(void)
{
    struct error err;

    folder_enter();
    cr_assert(wal_vfs_register(&err), "%s", err.detail);
}

TestSuite(wal_vfs_bytes, .init = begin, .fini = folder_leave);

static sqlite3 *open_database(const char *path, const char *vfs)
{
    sqlite3 *db;

    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
                 SQLITE_OK, "%s", sqlite3_errmsg(db));
    database_run(db,
                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                 "CREATE TABLE IF NOT EXISTS t (k INTEGER PRIMARY KEY, v)");
    return db;
}

Test(wal_vfs_bytes, may_be_registered_again)
{
    struct error err;
    sqlite3_vfs *vfs = sqlite3_vfs_find(WAL_VFS_NAME);

    cr_assert_not_null(vfs);
    cr_expect(wal_vfs_register(&err));
    cr_expect(sqlite3_vfs_find(WAL_VFS_NAME) == vfs);
    cr_expect(sqlite3_vfs_find(NULL) != vfs, "it is not the default");
}

/* --- The same log -------------------------------------------------------------------------- */

static const char *const scripts[] = {
    "INSERT INTO t VALUES (1, 'one')",
    /* A commit of many pages, longer than what is gathered at once. */
    "INSERT INTO t VALUES (2, hex(zeroblob(1000000)))",
    /* Pages that leave the cache before the commit, some of them twice. */
    "PRAGMA cache_size=10; BEGIN;"
    "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
    "INSERT INTO t SELECT i, hex(zeroblob(500)) FROM n;"
    "UPDATE t SET v = k; UPDATE t SET v = v || 'x'; COMMIT",
    "BEGIN; DELETE FROM t WHERE k % 2; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT",
    "BEGIN; INSERT INTO t VALUES (5000, zeroblob(300000)); ROLLBACK",
    "INSERT INTO t VALUES (5001, 'after a rollback')",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "INSERT INTO t VALUES (5002, 'a log anew')",
    "PRAGMA wal_checkpoint(PASSIVE)",
    "INSERT INTO t VALUES (5003, 'a log from its start')",
    "VACUUM",
};

/* Frame headers hold salts and sums that differ; the page, the size and the page's content must
 * not (https://sqlite.org/fileformat2.html#walformat). */
static void expect_same_log(struct slice one, struct slice other, const char *script)
{
    cr_assert_eq(one.len, other.len, "%s: %zu and %zu bytes", script, one.len, other.len);
    for (size_t at = 32; at < one.len; at += 24 + 4096) {
        cr_assert_eq(memcmp(one.data + at, other.data + at, 8), 0, "%s: header at %zu", script, at);
        cr_assert_eq(memcmp(one.data + at + 24, other.data + at + 24, 4096), 0, "%s: page at %zu",
                     script, at);
    }
}

Test(wal_vfs_bytes, after_each_commit_the_log_is_the_default_ones)
{
    sqlite3 *gathered = open_database("gathered.db", WAL_VFS_NAME);
    sqlite3 *direct = open_database("direct.db", NULL);

    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        database_run(gathered, scripts[i]);
        database_run(direct, scripts[i]);
        const struct slice one = database_bytes("gathered.db-wal");
        const struct slice other = database_bytes("direct.db-wal");
        expect_same_log(one, other, scripts[i]);
        free((void *)(uintptr_t)one.data);
        free((void *)(uintptr_t)other.data);
    }
    sqlite3_close(gathered);
    sqlite3_close(direct);
}

Test(wal_vfs_bytes, another_connection_sees_each_commit)
{
    sqlite3 *writer = open_database("t.db", WAL_VFS_NAME);
    sqlite3 *reader = open_database("t.db", NULL);

    for (int i = 1; i <= 50; i++) {
        database_run(writer, "INSERT INTO t (v) VALUES (zeroblob(abs(random()) % 20000))");
        cr_assert_eq(database_number(reader, "SELECT count(*) FROM t"), i);
    }
    cr_expect_eq(database_number(reader, "SELECT count(*) FROM pragma_integrity_check"
                                         " WHERE integrity_check = 'ok'"),
                 1);
    sqlite3_close(reader);
    sqlite3_close(writer);
}

Test(wal_vfs_bytes, what_left_the_cache_is_read_back)
{
    sqlite3 *db = open_database("t.db", WAL_VFS_NAME);

    database_run(db, "PRAGMA cache_size=5; BEGIN");
    for (int i = 0; i < 200; i++)
        database_run(db, "INSERT INTO t (v) VALUES (hex(zeroblob(1000)))");
    cr_expect_eq(database_number(db, "SELECT sum(length(v)) FROM t"), 400000);
    database_run(db, "COMMIT");
    cr_expect_eq(database_number(db, "SELECT sum(length(v)) FROM t"), 400000);
    sqlite3_close(db);
}

/* A copy of the files is what a crash would leave. */
Test(wal_vfs_bytes, every_commit_survives_a_crash)
{
    sqlite3 *db = open_database("t.db", WAL_VFS_NAME);

    for (int i = 1; i <= 10; i++) {
        database_run(db, "INSERT INTO t (v) VALUES (zeroblob(50000))");
        cr_assert_eq(system("rm -f crashed.db*; cp t.db crashed.db; cp t.db-wal crashed.db-wal"),
                     0);
        sqlite3 *crashed = open_database("crashed.db", NULL);
        cr_expect_eq(database_number(crashed, "SELECT count(*) FROM t"), i);
        sqlite3_close(crashed);
    }
    sqlite3_close(db);
}

Test(wal_vfs_bytes, other_files_are_as_ever)
{
    sqlite3 *db = open_database("t.db", WAL_VFS_NAME);

    database_run(db, "PRAGMA journal_mode=DELETE; INSERT INTO t VALUES (1, 'one')");
    cr_expect_neq(access("t.db-wal", F_OK), 0);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM t"), 1);
    sqlite3_close(db);
}
