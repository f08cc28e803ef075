/* The write-ahead log stays short, whatever reads beside the writes. */

#include "tests/unit/support/store_fixture.h"

#include "db/store/stats.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define DUE_PAGES 50

static struct store_fixture fixture;

static void init(void)
{
    fixture_init(&fixture);
    fixture.options.checkpoint_pages = DUE_PAGES;
}

static void open_store(void)
{
    struct error err;

    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_log, .init = init, .fini = release);

static void sleep_ms(long ms)
{
    const struct timespec duration = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&duration, NULL);
}

static enum store_visit visit_slowly(void *arg, const struct session *session)
{
    (void)session;
    sleep_ms(*(const long *)arg);
    return STORE_VISIT_NEXT;
}

/* All of it changes: SQLite does not write pages that stay the same. */
static void update(const char *id, int round)
{
    static char context[100 * 1024];

    memset(context, 'a' + round % 26, sizeof(context) - 1);
    cr_assert_eq(fixture_update(&fixture, id, NULL, context), ERROR_NONE);
}

struct lister {
    pthread_t thread;
    atomic_bool stopping;
};

/* One list after the other, 50 ms each. */
static void *list_for_ever(void *arg)
{
    struct lister *lister = arg;
    long pause_ms = 5;

    while (!atomic_load(&lister->stopping)) {
        struct store_job job = {.operation = STORE_LIST,
                                .query = {.limit = 10},
                                .visit = visit_slowly,
                                .visit_arg = &pause_ms};
        fixture_run(&fixture, &job);
        cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
        store_job_release(&job);
    }
    return NULL;
}

Test(store_log, lists_without_a_break_let_it_start_anew)
{
    static struct lister listers[2];
    struct store_stats stats;
    int64_t longest = 0;
    char id[UUID_SIZE];

    open_store();
    for (int i = 0; i < 10; i++)
        fixture_create(&fixture, "/p", "t", "{}", id);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&listers[i].thread, NULL, list_for_ever, &listers[i]), 0);
    for (int i = 0; i < 200; i++) {
        update(id, i);
        store_stats(fixture.store, &stats);
        if (stats.wal_bytes > longest)
            longest = stats.wal_bytes;
    }
    for (int i = 0; i < 2; i++) {
        atomic_store(&listers[i].stopping, true);
        pthread_join(listers[i].thread, NULL);
    }
    /* Four times what is due, and what comes until the next look. */
    cr_expect_lt(longest, INT64_C(6) * DUE_PAGES * 4096, "%lld", (long long)longest);
}

Test(store_log, a_read_that_takes_too_long_is_ended)
{
    struct store_list_query query = {.limit = 1000};
    struct store_page page;
    struct error err = {0};
    long pause_ms = 5;

    fixture.options.read_limit_ms = 1000;
    open_store();
    for (int i = 0; i < 300; i++)
        fixture_create(&fixture, "/p", "t", "{}", NULL);
    cr_expect_not(store_list(fixture.store, &query, visit_slowly, &pause_ms, &page, &err));
    cr_expect_eq(err.kind, ERROR_READ_TIMEOUT, "%s", err.detail);
    pause_ms = 0;
    cr_expect(store_list(fixture.store, &query, visit_slowly, &pause_ms, &page, &err), "%s",
              err.detail);
}

static int64_t log_file_bytes(void)
{
    struct stat status;
    char path[128];

    snprintf(path, sizeof(path), "%s-wal", fixture.path);
    cr_assert_eq(stat(path, &status), 0);
    return status.st_size;
}

Test(store_log, its_file_becomes_short_again)
{
    sqlite3 *other;
    char id[UUID_SIZE];

    open_store();
    fixture_create(&fixture, "/p", "t", "{}", id);
    cr_assert_eq(sqlite3_open(fixture.path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "BEGIN; SELECT * FROM sessions", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 60; i++)
        update(id, i);
    cr_assert_gt(log_file_bytes(), 20 * DUE_PAGES * 4096);
    sqlite3_close(other);
    for (int i = 0; i < 10; i++)
        update(id, i);
    cr_expect_lt(log_file_bytes(), 4 * DUE_PAGES * 4096);
}

static void await_checkpoints(int64_t wanted)
{
    struct store_stats stats = {0};

    for (int waited_ms = 0; waited_ms < 5000; waited_ms += 10) {
        store_stats(fixture.store, &stats);
        if (stats.checkpoints_complete >= wanted)
            return;
        sleep_ms(10);
    }
    cr_assert_fail("%lld checkpoints, not %lld", (long long)stats.checkpoints_complete,
                   (long long)wanted);
}

/* The one at the start is the first. */
Test(store_log, it_is_copied_when_idle_also_after_it_was_as_long_before)
{
    open_store();
    for (int i = 0; i < 3; i++) {
        struct store_job job = {.operation = STORE_PROBE};
        fixture_run(&fixture, &job);
        await_checkpoints(2 + i);
    }
}
