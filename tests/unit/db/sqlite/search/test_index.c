/* The writer replaces a corrupt search index, or turns search off. */

#include "tests/unit/support/database_fixture.h"
#include "tests/unit/support/faulty_vfs.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/search/index.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static char *no_text(struct slice json, size_t *len)
{
    (void)json;
    (void)len;
    return NULL;
}

static void ignore_notice(void *arg, enum store_severity severity, const char *event,
                          const char *detail)
{
    (void)arg;
    (void)severity;
    (void)event;
    (void)detail;
}

TestSuite(search_repair, .init = folder_enter, .fini = folder_leave);

static const struct store_observer observer = {.notice = ignore_notice};
static struct search_report report;
static struct search_index search = {
    .text_of = no_text, .rule = 1, .observer = &observer, .report = &report};
static struct error err;

static void close_search(sqlite3 *db)
{
    search_index_release(&search);
    connection_close(db);
}

/* The certain report is of a snapshot from before the rebuild; the later one may be wrong. */
Test(search_repair, a_report_from_before_the_rebuild_does_not_make_the_next_one_certain)
{
    sqlite3 *db = database_in_memory();

    cr_assert(search_index_open(&search, db, &err), "%s", err.detail);
    search.rebuilt_at = 5;
    atomic_store(&report.is_certain, true);
    atomic_store(&report.seen_at, 5);
    cr_expect(search_index_check_report(&search, &err));
    atomic_store(&report.seen_at, 7);
    cr_expect(search_index_check_report(&search, &err), "%s", err.detail);
    cr_expect_not(search.is_corrupt);
    close_search(db);
}

/* The commits after it may rest on what did not reach the disk. */
Test(search_repair, a_failed_sync_while_search_is_turned_off_fails_the_storage)
{
    const struct error why = {.detail = "the index is corrupt"};

    faulty_vfs_install();
    sqlite3 *db = database_on_disk();
    cr_assert(search_index_open(&search, db, &err), "%s", err.detail);
    search.unfinished = 100;
    faulty_vfs_arm(
        (struct fault){.call = FAULT_SYNC, .result = SQLITE_IOERR_FSYNC, .nth = 1, .count = 1});
    cr_expect_not(search_index_rebuild(&search, &why, &err));
    cr_expect_eq(faulty_vfs_failures(), 1);
    faulty_vfs_heal();
    close_search(db);
}
