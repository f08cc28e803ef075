/* What a check says about a search index of another version, and about a disk that fails. */

#include "tests/unit/support/database_fixture.h"
#include "tests/unit/support/faulty_vfs.h"

#include "db/sqlite/file/check.h"

#include <criterion/criterion.h>
#include <stdio.h>

TestSuite(check, .init = folder_enter, .fini = folder_leave);

extern const unsigned char schema_search[];

static char warnings[256];

static char *take_as_it_is(struct slice text)
{
    (void)text;
    return NULL;
}

static void on_remark(void *arg, const char *text)
{
    (void)arg;
    snprintf(warnings, sizeof(warnings), "%s", text);
}

static enum file_verdict check(struct error *err)
{
    static const struct file_observer observer = {.remark = on_remark};
    int64_t sessions;

    return check_file(DATABASE_PATH, take_as_it_is, &observer, &sessions, err);
}

static void make_database(const char *change)
{
    sqlite3 *db = database_on_disk();

    database_run(db, (const char *)schema_search);
    database_run(db, "INSERT INTO search_rule VALUES (1, 1)");
    database_run(db, change);
    sqlite3_close(db);
}

Test(check, an_index_of_this_version_is_checked)
{
    struct error err;

    make_database("DELETE FROM search_backlog");
    cr_expect_eq(check(&err), FILE_OK, "%s", err.detail);
    cr_expect_str_empty(warnings);
}

/* The next start rebuilds it, and the other tables are checked all the same. */
Test(check, an_index_that_lacks_a_table_is_no_problem)
{
    struct error err;

    make_database("DROP TABLE search_backlog");
    cr_expect_eq(check(&err), FILE_OK, "%s", err.detail);
    cr_expect_not_null(strstr(warnings, "the next start rebuilds it"));
}

Test(check, a_failed_read_leaves_the_verdict_open)
{
    struct error err;
    int nth = 0;

    faulty_vfs_install();
    make_database("DELETE FROM search_backlog");
    do {
        faulty_vfs_arm((struct fault){
            .call = FAULT_READ, .result = SQLITE_IOERR_READ, .nth = ++nth, .count = 1000});
        const enum file_verdict verdict = check(&err);
        cr_expect_eq(verdict, faulty_vfs_failures() > 0 ? FILE_UNKNOWN : FILE_OK,
                     "read %d: verdict %d", nth, (int)verdict);
    } while (faulty_vfs_failures() > 0 && nth < 1000);
    cr_expect_gt(nth, 10);
}
