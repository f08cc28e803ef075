/* The log's bytes, gathered: none is lost when writing them fails, and none is left over. */

#include "tests/unit/support/faulty_vfs.h"

#include "db/sqlite/connection/connection.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[64];
static sqlite3 *db;

static void run(const char *sql)
{
    struct error err;

    cr_assert(connection_run(db, sql, &err), "%s: %s", sql, err.detail);
}

/* A small cache, so that a transaction's pages go to the log before its commit. */
static void open_database(void)
{
    struct error err;
    char path[96];

    faulty_vfs_install();
    snprintf(folder, sizeof(folder), "/tmp/sessiond-unit-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/s.db", folder);
    cr_assert(connection_open_writer(path, &db, &err) && connection_make_durable(db, &err), "%s",
              err.detail);
    run("PRAGMA cache_size=10; PRAGMA cache_spill=10;"
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b NOT NULL)");
}

static void close_database(void)
{
    char command[96];

    connection_close(db);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(wal_vfs, .init = open_database, .fini = close_database);

#define INSERT(count)                                                                              \
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #count ")"        \
    " INSERT INTO t SELECT NULL, randomblob(3000) FROM n"

static bool is_sound(void)
{
    sqlite3_stmt *stmt;

    cr_assert_eq(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    const bool sound = sqlite3_step(stmt) == SQLITE_ROW &&
                       strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
    sqlite3_finalize(stmt);
    return sound;
}

static int64_t count_rows(void)
{
    struct error err;
    int64_t count = -1;

    cr_assert(connection_integer(db, "SELECT count(*) FROM t", &count, &err), "%s", err.detail);
    return count;
}

Test(wal_vfs, what_could_not_be_written_is_written_later)
{
    run("BEGIN IMMEDIATE");
    run(INSERT(24));
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, 1});
    /* Reads a page that is gathered: SQLite takes back this statement alone. */
    cr_assert_eq(
        sqlite3_exec(db, "UPDATE t SET b = randomblob(3001) WHERE a < 5", NULL, NULL, NULL),
        SQLITE_FULL);
    cr_assert_eq(faulty_vfs_failures(), 1);
    cr_assert_not(sqlite3_get_autocommit(db));
    run("COMMIT");
    cr_expect(is_sound());
    cr_expect_eq(count_rows(), 24);
}

Test(wal_vfs, what_was_rolled_back_is_not_written_any_more)
{
    run("BEGIN IMMEDIATE");
    run(INSERT(24));
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, 100});
    cr_assert(connection_roll_back(db));
    cr_expect_eq(faulty_vfs_failures(), 0, "the disk is not asked for what nobody wants");
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 2, 100});
    run("INSERT INTO t VALUES (1, 2)");
    cr_expect_eq(count_rows(), 1);
    faulty_vfs_heal();
    cr_expect(is_sound());
}

Test(wal_vfs, what_a_failed_commit_has_gathered_is_never_written)
{
    run(INSERT(24));
    run("BEGIN IMMEDIATE");
    run(INSERT(1));
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, 1});
    cr_assert_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_FULL);
    cr_expect_eq(count_rows(), 24);
    cr_expect_eq(faulty_vfs_changes_since(), 0, "after a crash it would be found committed");
}
