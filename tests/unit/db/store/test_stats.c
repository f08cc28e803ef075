/* What the store counts, through its door. */

#include "tests/unit/support/store_fixture.h"

#include "db/store/stats.h"

#include <criterion/criterion.h>

static struct store_fixture fixture;

static void open_store(void)
{
    fixture_start(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_stats, .init = open_store, .fini = release);

Test(store_stats, stats_follow_the_status)
{
    const enum session_status active = SESSION_ACTIVE;
    struct store_job gone = {.operation = STORE_DELETE};
    struct store_stats stats;
    struct error err;
    char id[UUID_SIZE];

    fixture_create(&fixture, "/p", "t", "{}", id);
    fixture_create(&fixture, "/p", "t", "{}", gone.id);
    fixture_create(&fixture, "/p", "t", "{}", NULL);
    fixture_update(&fixture, id, &active, NULL);
    fixture_run(&fixture, &gone);
    store_job_release(&gone);
    for (int round = 0; round < 2; round++) {
        store_stats(fixture.store, &stats);
        cr_expect_eq(stats.sessions[SESSION_CREATED], 1);
        cr_expect_eq(stats.sessions[SESSION_ACTIVE], 1);
        cr_expect_eq(stats.sessions[SESSION_PAUSED], 0);
        fixture_close(&fixture); /* counted anew, from the index */
        cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    }
}

Test(store_stats, a_probe_writes)
{
    struct store_job job = {.operation = STORE_PROBE};
    struct store_stats before;
    struct store_stats after;

    store_stats(fixture.store, &before);
    fixture_run(&fixture, &job);
    store_stats(fixture.store, &after);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect_eq(after.batch_buckets[0], before.batch_buckets[0] + 1, "a commit of its own");
    cr_expect_gt(after.wal_bytes, before.wal_bytes);
}

Test(store_stats, a_probe_after_a_commit_writes_nothing)
{
    struct store_job jobs[2] = {{.operation = STORE_PROBE}, {.operation = STORE_PROBE}};
    struct store_stats before;
    struct store_stats after;

    fixture_run(&fixture, &jobs[0]);
    cr_expect(store_has_just_committed(fixture.store));
    store_stats(fixture.store, &before);
    fixture_run(&fixture, &jobs[1]);
    store_stats(fixture.store, &after);
    cr_expect_eq(jobs[1].error.kind, ERROR_NONE);
    cr_expect_eq(after.wal_bytes, before.wal_bytes);
}

Test(store_stats, places_are_limited)
{
    int taken = 0;

    while (taken < 2000 && store_reserve(fixture.store, STORE_CREATE))
        taken++;
    cr_expect_eq(taken, 1000);
}
