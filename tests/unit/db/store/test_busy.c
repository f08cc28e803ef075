/* Another program that holds SQLite's locks on the file for long. */

#include "tests/unit/support/store_fixture.h"

#include "db/base/monotonic.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sqlite3.h>

#define WRITERS 5

static struct store_fixture fixture;

static void open_store(void)
{
    fixture_start(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_busy, .init = open_store, .fini = release);

static sqlite3 *other_program(const char *sql)
{
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(fixture.path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    return db;
}

static void *create_in_vain(void *arg)
{
    enum error_kind *kind = arg;
    struct store_job job = {
        .operation = STORE_CREATE,
        .project_path = SLICE_LITERAL("/p"),
        .thread_id = SLICE_LITERAL("t"),
        .context = SLICE_LITERAL("{}"),
    };

    fixture_run(&fixture, &job);
    *kind = job.error.kind;
    store_job_release(&job);
    return NULL;
}

Test(store_busy, a_lock_held_elsewhere_is_waited_for_once_a_batch)
{
    sqlite3 *other = other_program("BEGIN IMMEDIATE");
    enum error_kind kinds[WRITERS];
    pthread_t threads[WRITERS];
    const int64_t began_us = monotonic_us();

    for (int i = 0; i < WRITERS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, create_in_vain, &kinds[i]), 0);
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        cr_expect_eq(kinds[i], ERROR_STORAGE_BUSY);
    }
    /* Two seconds each: the first job alone, the others together, and what the writer does for
     * itself before either. */
    cr_expect_lt(monotonic_us() - began_us, INT64_C(9500000));
    sqlite3_close(other);
    fixture_create(&fixture, "/p", "t", "{}", NULL);
}
