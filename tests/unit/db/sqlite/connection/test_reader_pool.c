/* The readers that are lent: what a lease shows, when its snapshot ends, and who gets it. */

#include "tests/unit/support/database_fixture.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/reader_pool.h"

#include <criterion/criterion.h>
#include <sched.h>

#define READERS 3
#define LONG_MS 600000

static sqlite3 *writer;
static struct reader_pool pool;
static struct error err;
static int64_t last_seq;

static void begin(void)
{
    folder_enter();
    writer = database_on_disk();
    cr_assert(reader_pool_init(&pool, DATABASE_PATH, READERS, 60000, NULL, &err), "%s", err.detail);
}

static void end(void)
{
    reader_pool_release(&pool);
    connection_close(writer);
    folder_leave();
}

TestSuite(reader_pool, .init = begin, .fini = end, .timeout = 60);

/* A commit that has been acknowledged. */
static void commit_session(void)
{
    database_insert(writer, ++last_seq, "/p", "t", SESSION_CREATED);
    reader_pool_on_commit(&pool);
}

static struct reader *lease(void)
{
    struct reader *reader = reader_pool_lease(&pool, &err);

    cr_assert_not_null(reader, "%s", err.detail);
    return reader;
}

static int64_t count_sessions(struct reader *reader)
{
    return database_number(reader->db, "SELECT count(*) FROM sessions");
}

static bool holds_snapshot(const struct reader *reader)
{
    return sqlite3_txn_state(reader->db, "main") != SQLITE_TXN_NONE;
}

Test(reader_pool, lends_as_many_as_there_are)
{
    struct reader *leased[READERS];

    for (int i = 0; i < READERS; i++) {
        leased[i] = lease();
        for (int k = 0; k < i; k++)
            cr_expect(leased[k] != leased[i]);
    }
    cr_expect_null(reader_pool_lease(&pool, &err));
    cr_expect_eq(err.kind, ERROR_INTERNAL);
    reader_pool_return(&pool, leased[1]);
    cr_expect(lease() == leased[1]);
}

Test(reader_pool, lends_the_one_that_came_back_last)
{
    struct reader *a = lease();
    struct reader *b = lease();

    reader_pool_return(&pool, b);
    reader_pool_return(&pool, a);
    cr_expect(lease() == a);
    cr_expect(lease() == b);
}

Test(reader_pool, a_lease_shows_what_was_acknowledged_before_it)
{
    for (int i = 1; i <= 300; i++) {
        commit_session();
        struct reader *reader = lease();
        cr_assert_eq(count_sessions(reader), i);
        reader_pool_return(&pool, reader);
    }
}

Test(reader_pool, a_lease_shows_one_state_throughout)
{
    struct reader *reader = lease();

    cr_assert_eq(count_sessions(reader), 0);
    commit_session();
    cr_expect_eq(count_sessions(reader), 0);
    reader_pool_return(&pool, reader);
    reader = lease();
    cr_expect_eq(count_sessions(reader), 1);
    reader_pool_return(&pool, reader);
}

/* A snapshot ends by itself after a while, so that it is not seen to be kept each time. */
Test(reader_pool, a_snapshot_is_kept_while_nothing_is_committed)
{
    bool kept = false;

    for (int i = 0; i < 1000 && !kept; i++) {
        struct reader *reader = lease();
        const int64_t before = count_sessions(reader);
        reader_pool_return(&pool, reader);
        /* A commit of another program: nobody tells the pool. */
        database_insert(writer, ++last_seq, "/p", "t", SESSION_CREATED);
        reader = lease();
        kept = count_sessions(reader) == before;
        reader_pool_return(&pool, reader);
    }
    cr_expect(kept);
}

Test(reader_pool, a_commit_of_another_program_is_seen_soon)
{
    struct reader *reader = lease();
    int64_t seen = count_sessions(reader);

    reader_pool_return(&pool, reader);
    database_insert(writer, ++last_seq, "/p", "t", SESSION_CREATED);
    while (seen == 0) {
        reader = lease();
        seen = count_sessions(reader);
        reader_pool_return(&pool, reader);
        sched_yield();
    }
}

Test(reader_pool, expire_ends_the_snapshots_of_the_idle)
{
    struct reader *reader = lease();

    count_sessions(reader);
    reader_pool_return(&pool, reader);
    cr_assert(holds_snapshot(reader), "it is kept for the next lease");
    reader_pool_end_snapshots(&pool, 0);
    cr_expect_not(holds_snapshot(reader));
    commit_session();
    reader = lease();
    cr_expect_eq(count_sessions(reader), 1, "the reader can be used as before");
    reader_pool_return(&pool, reader);
}

Test(reader_pool, expire_ends_the_others_when_they_come_back)
{
    struct reader *reader = lease();

    count_sessions(reader);
    reader_pool_end_snapshots(&pool, 1);
    cr_expect(holds_snapshot(reader), "a read under way goes on");
    cr_expect_eq(count_sessions(reader), 0);
    reader_pool_return(&pool, reader);
    cr_expect_not(holds_snapshot(reader));
}

static uint64_t current_epoch(void)
{
    pthread_mutex_lock(&pool.lock);
    const uint64_t epoch = pool._shared.epoch;
    pthread_mutex_unlock(&pool.lock);
    return epoch;
}

static void *return_after_expiry(void *arg)
{
    struct reader *reader = arg;

    while (current_epoch() == reader->epoch)
        sched_yield();
    reader_pool_return(&pool, reader);
    return NULL;
}

Test(reader_pool, expire_waits_for_those_that_are_out)
{
    struct reader *reader = lease();
    pthread_t thread;

    count_sessions(reader);
    cr_assert_eq(pthread_create(&thread, NULL, return_after_expiry, reader), 0);
    reader_pool_end_snapshots(&pool, LONG_MS);
    cr_expect_not(holds_snapshot(reader));
    pthread_join(thread, NULL);
}

Test(reader_pool, expire_does_not_wait_for_new_leases)
{
    reader_pool_end_snapshots(&pool, 0);
    struct reader *reader = lease();
    count_sessions(reader);
    reader_pool_return(&pool, reader);
    reader = lease();
    reader_pool_return(&pool, reader);
    reader_pool_end_snapshots(&pool, LONG_MS);
}

Test(reader_pool, a_reader_can_only_read)
{
    struct reader *reader = lease();

    cr_expect_eq(sqlite3_exec(reader->db, "DELETE FROM sessions", NULL, NULL, NULL),
                 SQLITE_READONLY);
    cr_expect_eq(sqlite3_exec(reader->db, "CREATE TABLE x (y)", NULL, NULL, NULL), SQLITE_READONLY);
    reader_pool_return(&pool, reader);
    cr_expect_neq(
        sqlite3_wal_checkpoint_v2(reader->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
        SQLITE_OK);
}

Test(reader_pool, a_file_that_is_not_there_is_an_error)
{
    struct reader_pool other;

    cr_expect_not(reader_pool_init(&other, "nowhere/sessions.db", 2, 60000, NULL, &err));
    cr_expect_eq(err.kind, ERROR_INTERNAL);
    cr_expect_str_neq(err.detail, "");
}

/* --- Beside a writer ----------------------------------------------------------------------- */

static atomic_int_least64_t acknowledged;
static atomic_bool over;

static void *read_on(void *arg)
{
    int64_t *reads = arg;

    while (!atomic_load(&over)) {
        const int64_t least = atomic_load(&acknowledged);
        struct error error;
        struct reader *reader = reader_pool_lease(&pool, &error);
        cr_assert_not_null(reader, "%s", error.detail);
        cr_assert_geq(count_sessions(reader), least);
        reader_pool_return(&pool, reader);
        ++*reads;
    }
    return NULL;
}

Test(reader_pool, readers_beside_a_writer_miss_nothing)
{
    pthread_t threads[READERS];
    int64_t reads[READERS] = {0};

    for (int i = 0; i < READERS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, read_on, &reads[i]), 0);
    for (int i = 0; i < 500; i++) {
        commit_session();
        atomic_fetch_add(&acknowledged, 1);
        if (i % 100 == 0)
            reader_pool_end_snapshots(&pool, 1);
    }
    atomic_store(&over, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        cr_expect_gt(reads[i], 0);
    }
}
