/* Connections as the house uses them: durable, limited, and read back what they were told. */

#include "tests/unit/support/database_fixture.h"
#include "tests/unit/support/faulty_vfs.h"

#include "db/sqlite/connection/connection.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error err;

static void begin(void)
{
    folder_enter();
    faulty_vfs_install();
}

static void end(void)
{
    faulty_vfs_heal();
    folder_leave();
}

TestSuite(connection, .init = begin, .fini = end);

static sqlite3 *open_writer(void)
{
    sqlite3 *db;

    cr_assert(connection_open_writer(DATABASE_PATH, &db, &err) && connection_make_durable(db, &err),
              "%s", err.detail);
    return db;
}

static int setting(sqlite3 *db, int option)
{
    int value = -1;

    cr_assert_eq(sqlite3_db_config(db, option, -1, &value), SQLITE_OK);
    return value;
}

Test(connection, the_writer_is_durable)
{
    sqlite3 *db = open_writer();

    cr_expect_eq(database_number(db, "PRAGMA synchronous"), 2);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM pragma_journal_mode"
                                     " WHERE journal_mode = 'wal'"),
                 1);
    cr_expect_eq(database_number(db, "PRAGMA wal_autocheckpoint"), 0, "it checkpoints itself");
    connection_close(db);
}

Test(connection, both_kinds_are_defensive)
{
    sqlite3 *writer = open_writer();
    sqlite3 *reader;

    cr_assert(connection_open_reader(DATABASE_PATH, &reader, &err), "%s", err.detail);
    sqlite3 *both[] = {writer, reader};
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(setting(both[i], SQLITE_DBCONFIG_DEFENSIVE), 1);
        cr_expect_eq(setting(both[i], SQLITE_DBCONFIG_TRUSTED_SCHEMA), 0);
        cr_expect_eq(sqlite3_limit(both[i], SQLITE_LIMIT_ATTACHED, -1), 0);
        cr_expect_eq(database_number(both[i], "PRAGMA temp_store"), 2, "no file elsewhere");
    }
    cr_expect_eq(setting(reader, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE), 1);
    cr_expect_eq(sqlite3_db_readonly(reader, "main"), 1);
    connection_close(reader);
    connection_close(writer);
}

Test(connection, a_file_that_cannot_be_durable_is_refused)
{
    sqlite3 *db = NULL;

    cr_assert(connection_open_writer(":memory:", &db, &err), "%s", err.detail);
    cr_expect_not(connection_make_durable(db, &err));
    cr_expect(strstr(err.detail, "not wal"), "%s", err.detail);
    connection_close(db);
}

Test(connection, a_file_that_cannot_be_opened_is_refused)
{
    sqlite3 *db = NULL;

    cr_expect_not(connection_open_writer("nowhere/sessions.db", &db, &err));
    cr_expect_eq(err.kind, ERROR_INTERNAL);
    cr_expect(strstr(err.detail, "nowhere"), "%s", err.detail);
    cr_expect_not(connection_open_reader(DATABASE_PATH, &db, &err), "a reader makes no file");
    cr_expect_neq(access(DATABASE_PATH, F_OK), 0);
    cr_expect_null(db);
}

Test(connection, a_file_that_cannot_be_read_is_refused)
{
    sqlite3 *db = NULL;

    database_run(db = open_writer(), "CREATE TABLE t (v)");
    connection_close(db);
    db = NULL;
    faulty_vfs_arm((struct fault){FAULT_READ, 0, SQLITE_IOERR_READ, 1, 1000});
    cr_expect_not(connection_open_writer(DATABASE_PATH, &db, &err) &&
                  connection_make_durable(db, &err));
    cr_expect_gt(faulty_vfs_failures(), 0);
    cr_expect_eq(err.kind, ERROR_INTERNAL);
    connection_close(db);
}

Test(connection, statements_run_or_say_why_not)
{
    sqlite3 *db = open_writer();
    sqlite3_stmt *stmt;

    cr_expect(connection_run(db, "CREATE TABLE t (v); INSERT INTO t VALUES (7)", &err));
    cr_expect(connection_prepare(db, "SELECT v FROM t", &stmt, &err));
    cr_expect_eq(sqlite3_step(stmt), SQLITE_ROW);
    cr_expect_eq(sqlite3_column_int(stmt, 0), 7);
    cr_expect_not(connection_run(db, "INSERT INTO nothing VALUES (1)", &err));
    cr_expect(strstr(err.detail, "nothing"), "%s", err.detail);
    cr_expect_not(connection_prepare(db, "SELECT v FROM nothing", &stmt, &err));
    connection_close(db); /* the first statement is still open */
}

Test(connection, a_number_is_the_first_value_or_0)
{
    int64_t number = 77;
    sqlite3 *db = open_writer();

    cr_assert(connection_run(db, "CREATE TABLE t (v)", &err));
    cr_expect(connection_integer(db, "SELECT 9223372036854775807, 5", &number, &err));
    cr_expect_eq(number, INT64_MAX);
    cr_expect(connection_integer(db, "SELECT v FROM t", &number, &err));
    cr_expect_eq(number, 0, "no row");
    number = 77;
    cr_expect(connection_integer(db, "SELECT max(v) FROM t", &number, &err));
    cr_expect_eq(number, 0, "NULL");
    number = 77;
    cr_expect_not(connection_integer(db, "SELECT v FROM nothing", &number, &err));
    cr_expect_not(connection_integer(db, "SELECT abs(-9223372036854775807 - 1)", &number, &err));
    cr_expect_eq(number, 77, "untouched on failure");
    connection_close(db);
    connection_close(NULL);
}
