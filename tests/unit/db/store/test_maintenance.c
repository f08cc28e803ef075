/* Maintenance tasks of the writer: each fails alone and recovers, and skips what it cannot read. */

#include "tests/unit/support/faulty_vfs.h"
#include "tests/unit/support/store_fixture.h"

#include "db/store/stats.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_MS 10000

static struct store_fixture fixture;
static char id[UUID_SIZE];

static void init(void)
{
    faulty_vfs_install();
    fixture_init(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_maintenance, .init = init, .fini = release, .timeout = 60);

static void open_store(void)
{
    struct error err;

    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void fill_disk(void)
{
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, INT_MAX});
}

/* Whether the condition becomes true in time. */
static bool await(bool (*condition)(void))
{
    for (int ms = 0; ms < WAIT_MS; ms++) {
        if (condition())
            return true;
        usleep(1000);
    }
    return false;
}

static int count_notices(const char *event)
{
    int count = 0;

    for (const char *at = fixture.notices; (at = strstr(at, event)) != NULL; at++)
        count++;
    return count;
}

static bool has_failed(void)
{
    return faulty_vfs_failures() > 0;
}

static void lease(int64_t ttl_ms)
{
    struct store_job job = {
        .operation = STORE_LEASE, .owner = SLICE_LITERAL("daemon-1"), .ttl_ms = ttl_ms};

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    store_job_release(&job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
}

static int64_t count_of(enum store_count which)
{
    struct store_stats stats;

    store_stats(fixture.store, &stats);
    return stats.counts[which];
}

static bool lease_has_expired(void)
{
    return count_of(STORE_LEASES_EXPIRED) == 1;
}

Test(store_maintenance, lease_expiry_survives_a_failed_commit)
{
    open_store();
    fixture_create(&fixture, "/p", "t", "{}", id);
    lease(20);
    fill_disk();
    cr_assert(await(has_failed));
    cr_expect_eq(count_of(STORE_LEASES_EXPIRED), 0);
    faulty_vfs_heal();
    cr_expect(await(lease_has_expired), "%s", fixture.notices);
    fixture_expect(&fixture, "SELECT status FROM sessions", "PAUSED");
}

static int64_t failures_of(enum store_task task)
{
    struct store_stats stats;

    store_stats(fixture.store, &stats);
    return stats.task_failures[task];
}

Test(store_maintenance, a_run_of_failures_is_logged_once_and_its_end_too)
{
    open_store();
    fixture_create(&fixture, "/p", "t", "{}", id);
    lease(20);
    fill_disk();
    cr_assert(await(has_failed));
    usleep(2500000); /* further attempts, and runs of tasks that have nothing to write */
    cr_expect_geq(failures_of(STORE_TASK_LEASE_EXPIRY), 2, "%s", fixture.notices);
    cr_expect_eq(failures_of(STORE_TASK_KEYS), 0);
    cr_expect_eq(count_notices("maintenance_failed: lease_expiry: "), 1, "%s", fixture.notices);
    faulty_vfs_heal();
    cr_expect(await(lease_has_expired));
    fixture_close(&fixture);
    cr_expect_eq(count_notices("maintenance_recovered: lease_expiry: succeeded after "), 1, "%s",
                 fixture.notices);
    cr_expect_eq(count_notices("maintenance_"), 2, "%s", fixture.notices);
}

static char *text_of(struct slice json, size_t *len)
{
    *len = json.len;
    return strndup(json.data, json.len);
}

#define SESSION(number, status)                                                                    \
    "INSERT INTO sessions (seq, id, project_path, thread_id, status, created_at, updated_at,"      \
    " context_bytes, context) VALUES (" #number ", 'b0a4c7de-0000-4000-8000-00000000000" #number   \
    "', '/p', 't', '" status "', '2026-01-01T00:00:00.00000" #number                               \
    "+00:00', '2026-01-01T00:00:00.00000" #number "+00:00', 2, '{}');"

/* Work for every task but vacuum, in a file that was opened with search and retention on. The third
 * session cannot be read. */
#define ALL_WORK                                                                                   \
    "DELETE FROM sessions;" SESSION(1, "TERMINATED") SESSION(2, "ACTIVE") SESSION(                 \
        3, "PAUSED") "UPDATE sessions SET recovered_at = 'not a time' WHERE seq = 3;"              \
                     "UPDATE sessions SET lease_owner = 'd', lease_token = 1, lease_ttl_ms = 20,"  \
                     " lease_deadline_us = 1 WHERE seq = 2;"                                       \
                     "INSERT OR REPLACE INTO idempotency_keys (created_us, key, digest, answer)"   \
                     " VALUES (1, 'k', x'00', x'00');"                                             \
                     "INSERT OR REPLACE INTO events (id, type, version, session_id, thread_id, "   \
                     "project_path)"                                                               \
                     " VALUES (1, 1, 1, 'b0a4c7de-0000-4000-8000-000000000001', 't', '/p');"       \
                     "INSERT OR REPLACE INTO discarded_streams VALUES (7);"                        \
                     "INSERT OR REPLACE INTO entries (key, created_us, entry) VALUES "             \
                     "(30064771073, 1, '{}');"                                                     \
                     "INSERT OR REPLACE INTO search_backlog VALUES (0, 9223372036854775807),"      \
                     " (-9223372036854775805, -9223372036854775805);"

#define WORK_LEFT                                                                                  \
    "SELECT (SELECT count(*) FROM sessions WHERE status != 'PAUSED')"                              \
    " + (SELECT count(*) FROM idempotency_keys) + (SELECT count(*) FROM events WHERE id = 1)"      \
    " + (SELECT count(*) FROM discarded_streams) + (SELECT count(*) FROM search_backlog)"

static bool all_work_is_done(void)
{
    char *left = fixture_sql(&fixture, WORK_LEFT);
    const bool done = strcmp(left, "0") == 0;

    free(left);
    return done;
}

static int64_t all_failures(void)
{
    int64_t sum = 0;

    for (int i = 0; i < STORE_TASKS; i++)
        sum += failures_of((enum store_task)i);
    return sum;
}

/* The disk is full for the nth write of a start, at which every task runs once. */
Test(store_maintenance, every_task_recovers_from_a_failed_commit)
{
    struct error err;
    int failed = 0;
    int nth = 0;

    fixture.options.retain_us[STORE_PURGE_TERMINATED] = 1;
    fixture.options.search_text = text_of;
    fixture.options.search_rule = 1;
    open_store();
    do {
        fixture_close(&fixture);
        free(fixture_sql(&fixture, ALL_WORK));
        *fixture.notices = '\0';
        faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, ++nth, 1});
        if (!fixture_open(&fixture, &err)) { /* the start itself writes, too */
            cr_assert(fixture_open(&fixture, &err), "write %d: %s", nth, err.detail);
            continue;
        }
        cr_expect(await(all_work_is_done), "write %d: %s", nth, fixture.notices);
        cr_expect_eq(all_failures(), faulty_vfs_failures(), "write %d", nth);
        cr_expect_eq(count_notices("maintenance_failed"), faulty_vfs_failures(), "write %d", nth);
        failed += faulty_vfs_failures();
        fixture_close(&fixture);
        cr_expect_eq(count_notices("rows_skipped"), 1, "write %d: %s", nth, fixture.notices);
    } while (faulty_vfs_failures() > 0);
    cr_expect_geq(failed, STORE_TASKS - 1, "%d writes failed", failed);
    cr_expect_eq(fixture.failures, 0);
}

Test(store_maintenance, retention_skips_and_names_rows_that_cannot_be_read)
{
    struct store_job job = {.operation = STORE_PURGE};
    struct error err;

    open_store();
    fixture_close(&fixture);
    free(fixture_sql(
        &fixture,
        SESSION(1, "TERMINATED") SESSION(2, "TERMINATED") SESSION(
            4, "TERMINATED") "UPDATE sessions SET recovered_at = 'not a time' WHERE seq = 1;"
                             "INSERT INTO sessions (seq, id, project_path, thread_id, status, "
                             "created_at,"
                             " updated_at, context_bytes, context) VALUES (3,"
                             " 'b0a4c7de-0000-4000-8000-000000000003', '/p', 't', 'TERMINATED',"
                             " '2025-01-01T00:00:00.000000+00:00', "
                             "'2025-13-01T00:00:00.000000+00:00', 2,"
                             " '{}')"));
    fixture.options.retain_us[STORE_PURGE_TERMINATED] = 1;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    fixture_expect(&fixture, "SELECT group_concat(seq) FROM sessions", "1,3");
    cr_expect(strstr(fixture.notices,
                     "rows_skipped: skipped 2 rows that cannot be read; the first: session "
                     "b0a4c7de-0000-4000-8000-000000000003"),
              "%s", fixture.notices);
    cr_expect_eq(all_failures(), 0, "%s", fixture.notices);
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    cr_expect_not(job.purge.more);
    store_job_release(&job);
}

/* Far more of them than a job looks at in one transaction. */
Test(store_maintenance, a_purge_ends_behind_rows_that_cannot_be_read)
{
    struct store_job job = {.operation = STORE_PURGE};
    struct error err;
    int jobs = 0;

    open_store();
    fixture_close(&fixture);
    free(fixture_sql(&fixture, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                               " WHERE i < 5000) INSERT INTO sessions (seq, id, project_path,"
                               " thread_id, status, created_at, updated_at, context_bytes, context)"
                               " SELECT i, printf('b0a4c7de-0000-4000-8000-%012d', i), '/p', 't',"
                               " 'TERMINATED', '2026-01-01T00:00:00.000000+00:00',"
                               " '2025-13-01T00:00:00.000000+00:00', 2, '{}' FROM n"));
    fixture.options.retain_us[STORE_PURGE_TERMINATED] = 1;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    do {
        fixture_run(&fixture, &job);
        cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
        store_job_release(&job);
        job.purge.from = job.purge.next;
    } while (job.purge.more && ++jobs < 10);
    cr_expect_lt(jobs, 10);
}

Test(store_maintenance, lease_expiry_skips_and_names_rows_that_cannot_be_read)
{
    char broken[UUID_SIZE];

    open_store();
    fixture_create(&fixture, "/p", "t", "{}", id);
    memcpy(broken, id, UUID_SIZE);
    lease(300);
    fixture_create(&fixture, "/p", "t", "{}", id);
    lease(600);
    free(fixture_sql(&fixture, "UPDATE sessions SET status = 'RUNNING' WHERE seq ="
                               " (SELECT min(seq) FROM sessions)"));
    cr_expect(await(lease_has_expired), "%s", fixture.notices);
    usleep(100000);
    cr_expect_eq(all_failures(), 0, "%s", fixture.notices);
    cr_expect_eq(count_notices("rows_skipped"), 1, "%s", fixture.notices);
    cr_expect(strstr(fixture.notices, broken), "%s", fixture.notices);
}

Test(store_maintenance, discarded_streams_behind_a_corrupt_number_are_collected)
{
    struct error err;

    open_store();
    fixture_close(&fixture);
    free(fixture_sql(&fixture, "INSERT INTO discarded_streams VALUES (0), (7);"));
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    fixture_expect(&fixture, "SELECT count(*) FROM discarded_streams WHERE number = 7", "0");
}
