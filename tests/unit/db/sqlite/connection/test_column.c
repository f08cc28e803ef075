/* The text of a column is never mistaken for none. */

#include "db/sqlite/connection/column.h"
#include "tests/unit/support/database_fixture.h"

#include <criterion/criterion.h>
#include <signal.h>

/* A statement that stands on a row. */
static sqlite3_stmt *select_one(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;

    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
    return stmt;
}

Test(column, texts)
{
    sqlite3 *db = database_in_memory();
    sqlite3_stmt *stmt = select_one(db, "SELECT 'a text', '', NULL");

    cr_expect(slice_is(column_text(stmt, 0), "a text"));
    cr_expect_not_null(column_text(stmt, 1).data);
    cr_expect_eq(column_text(stmt, 1).len, 0);
    cr_expect_null(column_text(stmt, 2).data);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* A text that is stored in another encoding is turned into UTF-8 when it is asked for, which takes
 * memory, whatever the version of SQLite. */
Test(column, a_text_without_memory_is_not_null, .signal = SIGABRT)
{
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    database_run(db, "PRAGMA encoding = 'UTF-16le'");
    database_run(db, "CREATE TABLE texts (text TEXT)");
    database_run(db, "INSERT INTO texts VALUES (printf('%.20007c', 'x'))");
    sqlite3_stmt *stmt = select_one(db, "SELECT text FROM texts");
    cr_assert_eq(sqlite3_hard_heap_limit64(1), 0);
    const struct slice text = column_text(stmt, 0);
    sqlite3_hard_heap_limit64(0);
    cr_expect_fail("a text of %zu bytes", text.len);
}
