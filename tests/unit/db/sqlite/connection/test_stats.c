/* The store's counters: every commit in one bucket of each histogram, every session in one status.
 */

#include "tests/unit/support/database_fixture.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/stats.h"

#include <criterion/criterion.h>

static struct stats stats;
static struct store_stats read_figures;
static sqlite3 *db;

static void open_database(void)
{
    struct error err;

    db = database_in_memory();
    cr_assert(stats_init(&stats, db, &err), "%s", err.detail);
}

static void close_database(void)
{
    connection_close(db);
}

TestSuite(stats, .init = open_database, .fini = close_database);

static int64_t commits(void)
{
    int64_t count = 0;

    for (int i = 0; i <= STORE_BATCH_BUCKETS; i++)
        count += read_figures.batch_buckets[i];
    return count;
}

static void commit(size_t jobs, int64_t us)
{
    stats_add_commit(&stats, jobs, us);
}

Test(stats, begin_with_the_sessions_that_are_there)
{
    struct error err;

    for (int64_t seq = 1; seq <= 10; seq++)
        database_insert(db, seq, "/p", "t",
                        seq <= 5   ? SESSION_PAUSED
                        : seq <= 8 ? SESSION_CREATED
                                   : SESSION_TERMINATED);
    cr_assert(stats_init(&stats, db, &err));
    stats_read(&stats, &read_figures);
    cr_expect_eq(read_figures.sessions[SESSION_CREATED], 3);
    cr_expect_eq(read_figures.sessions[SESSION_ACTIVE], 0);
    cr_expect_eq(read_figures.sessions[SESSION_PAUSED], 5);
    cr_expect_eq(read_figures.sessions[SESSION_TERMINATED], 2);
    cr_expect_eq(commits(), 0);
}

Test(stats, bounds_rise)
{
    for (int i = 1; i < STORE_BATCH_BUCKETS; i++)
        cr_expect_gt(store_batch_bounds[i], store_batch_bounds[i - 1]);
    for (int i = 1; i < STORE_COMMIT_BUCKETS; i++)
        cr_expect_gt(store_commit_bounds_us[i], store_commit_bounds_us[i - 1]);
}

/* A bound belongs to its own bucket (Prometheus: le). */
Test(stats, a_commit_counts_once_where_it_belongs)
{
    for (int i = 0; i < STORE_BATCH_BUCKETS; i++)
        commit((size_t)store_batch_bounds[i], store_commit_bounds_us[i]);
    commit((size_t)store_batch_bounds[STORE_BATCH_BUCKETS - 1] + 1,
           store_commit_bounds_us[STORE_COMMIT_BUCKETS - 1] + 1);
    stats_read(&stats, &read_figures);
    for (int i = 0; i <= STORE_BATCH_BUCKETS; i++)
        cr_expect_eq(read_figures.batch_buckets[i], 1, "batch bucket %d", i);
    for (int i = 0; i <= STORE_COMMIT_BUCKETS; i++)
        cr_expect_eq(read_figures.commit_buckets[i],
                     i < STORE_BATCH_BUCKETS || i == STORE_COMMIT_BUCKETS, "commit bucket %d", i);
    cr_expect_eq(commits(), STORE_BATCH_BUCKETS + 1);
}

Test(stats, sums_are_of_all_commits)
{
    commit(3, 100);
    commit(4, 250);
    stats_read(&stats, &read_figures);
    cr_expect_eq(read_figures.batch_jobs, 7);
    cr_expect_eq(read_figures.commit_us, 350);
}

Test(stats, sessions_follow_what_a_commit_changed)
{
    static const struct stats_delta created = {.sessions = {[SESSION_CREATED] = 5}};
    static const struct stats_delta moved = {
        .sessions = {[SESSION_CREATED] = -2, [SESSION_ACTIVE] = 1}};

    stats_add_delta(&stats, &created);
    stats_add_delta(&stats, &moved);
    stats_read(&stats, &read_figures);
    cr_expect_eq(read_figures.sessions[SESSION_CREATED], 3);
    cr_expect_eq(read_figures.sessions[SESSION_ACTIVE], 1);
}

Test(stats, events_add_up)
{
    static const struct stats_delta change = {
        .counts = {[STORE_LEASES_GRANTED] = 2, [STORE_REPLAYS] = 1}};

    stats_add_delta(&stats, &change);
    stats_add_delta(&stats, &change);
    stats_read(&stats, &read_figures);
    for (int i = 0; i < STORE_COUNT_KINDS; i++)
        cr_expect_eq(read_figures.counts[i], change.counts[i] * 2, "count %d", i);
}

Test(stats, failed_checkpoints_are_those_that_harmed_and_those_that_did_not)
{
    for (int i = CHECKPOINT_COMPLETE; i <= CHECKPOINT_FATAL; i++)
        atomic_store(&stats.checkpoints[i], i + 1);
    stats_read(&stats, &read_figures);
    cr_expect_eq(read_figures.checkpoints_complete, CHECKPOINT_COMPLETE + 1);
    cr_expect_eq(read_figures.checkpoints_partial, CHECKPOINT_PARTIAL + 1);
    cr_expect_eq(read_figures.checkpoints_failed, CHECKPOINT_FAILED + 1 + CHECKPOINT_FATAL + 1);
}

Test(stats, a_file_without_sessions_is_an_error)
{
    struct error err;

    database_run(db, "DROP TABLE sessions");
    cr_expect_not(stats_init(&stats, db, &err));
    cr_expect_eq(err.kind, ERROR_INTERNAL);
}
