/* SQLite's result codes become errors of the house. */

#include "db/sqlite/connection/sqlite_error.h"

#include <criterion/criterion.h>

Test(translate, a_stored_text_that_is_too_long_is_not_the_clients_fault)
{
    struct error err;
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "SELECT zeroblob(2000000000)", NULL, NULL, NULL), SQLITE_TOOBIG);
    sqlite_error_set(db, "reading a session", &err);
    cr_expect_eq(err.kind, ERROR_INTERNAL);
    sqlite3_close(db);
}
