/* Which sessions retention deletes, in what order, and what it leaves alone. */

#include "tests/unit/support/store_fixture.h"

#include "db/sqlite/maintenance/retention_query.h"
#include "db/store/stats.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct store_fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    fixture_release(&fixture);
}

TestSuite(store_purge, .init = setup, .fini = teardown);

static void open_store(int64_t retain_us, int64_t retain_idle_us)
{
    struct error err;

    fixture.options.retain_us[STORE_PURGE_TERMINATED] = retain_us;
    fixture.options.retain_us[STORE_PURGE_IDLE] = retain_idle_us;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void make(enum session_status status, const char *context, char id[UUID_SIZE])
{
    static const enum session_status active = SESSION_ACTIVE;
    char made[UUID_SIZE];

    fixture_create(&fixture, "/p", "t", context, made);
    if (status == SESSION_PAUSED)
        cr_assert_eq(fixture_update(&fixture, made, &active, NULL), ERROR_NONE);
    if (status != SESSION_CREATED)
        cr_assert_eq(fixture_update(&fixture, made, &status, NULL), ERROR_NONE);
    if (id != NULL)
        memcpy(id, made, UUID_SIZE);
}

/* One of each status. */
static void make_all(void)
{
    for (unsigned i = 0; i < SESSION_STATUS_COUNT; i++)
        make((enum session_status)i, "{\"a\":1}", NULL);
}

/* As the last change of the session. */
static void set_time(const char *id, const char *time)
{
    char sql[256];

    snprintf(sql, sizeof(sql), "UPDATE sessions SET updated_at = '%s' WHERE id = '%s'", time, id);
    free(fixture_sql(&fixture, sql));
}

static struct store_purge purge_from(struct store_purge_position from)
{
    struct store_job job = {.operation = STORE_PURGE, .purge = {.from = from}};

    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    store_job_release(&job);
    return job.purge;
}

static struct store_purge purge(void)
{
    return purge_from((struct store_purge_position){0});
}

static int64_t count(enum session_status status)
{
    struct store_stats stats;

    store_stats(fixture.store, &stats);
    return stats.sessions[status];
}

Test(store_purge, does_nothing_when_retention_is_off)
{
    open_store(0, 0);
    make_all();
    const struct store_purge done = purge();
    cr_expect_eq(done.sessions[STORE_PURGE_TERMINATED], 0);
    cr_expect_eq(done.sessions[STORE_PURGE_IDLE], 0);
    cr_expect_not(done.more);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "4");
}

static void expect_indexes(const char *wanted)
{
    fixture_expect(
        &fixture,
        "SELECT coalesce(group_concat(name), '') FROM (SELECT name FROM sqlite_schema"
        " WHERE name IN ('idx_sessions_terminated', 'idx_sessions_paused') ORDER BY name)",
        wanted);
}

Test(store_purge, has_an_index_of_what_it_may_delete_and_no_other)
{
    open_store(1, 0);
    expect_indexes("idx_sessions_terminated");
    fixture_close(&fixture);
    open_store(1, 1);
    expect_indexes("idx_sessions_paused,idx_sessions_terminated");
    fixture_close(&fixture);
    open_store(0, 0);
    expect_indexes("");
}

static void expect_plan(const char *query, const char *wanted)
{
    sqlite3_stmt *stmt;
    sqlite3 *db;
    char sql[2048];
    int steps = 0;

    snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", query);
    cr_assert_eq(sqlite3_open(fixture.path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(stmt, 3);
        if (steps++ == 0)
            cr_expect_not_null(strstr(detail, wanted), "%s", detail);
        cr_expect_null(strstr(detail, "TEMP B-TREE"), "%s", detail);
    }
    cr_expect_geq(steps, 1);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* Also where SQLite knows what is in the table. */
Test(store_purge, looks_into_its_index)
{
    open_store(1, 1);
    for (int i = 0; i < 2; i++) {
        expect_plan(RETENTION_QUERY_TERMINATED,
                    "INDEX idx_sessions_terminated (updated_at>? AND updated_at<?)");
        expect_plan(RETENTION_QUERY_IDLE,
                    "INDEX idx_sessions_paused (updated_at>? AND updated_at<?)");
        make_all();
        free(fixture_sql(&fixture, "ANALYZE"));
    }
}

Test(store_purge, deletes_what_is_over)
{
    open_store(1, 0);
    make_all();
    const struct store_purge done = purge();
    cr_expect_eq(done.sessions[STORE_PURGE_TERMINATED], 1);
    cr_expect_eq(done.sessions[STORE_PURGE_IDLE], 0);
    cr_expect_eq(done.bytes, 7);
    cr_expect_not(done.more);
    cr_expect_eq(count(SESSION_TERMINATED), 0);
    fixture_expect(&fixture,
                   "SELECT group_concat(status) FROM (SELECT status FROM sessions ORDER BY seq)",
                   "CREATED,ACTIVE,PAUSED");
}

Test(store_purge, deletes_what_is_idle)
{
    open_store(0, 1);
    make_all();
    const struct store_purge done = purge();
    cr_expect_eq(done.sessions[STORE_PURGE_TERMINATED], 0);
    cr_expect_eq(done.sessions[STORE_PURGE_IDLE], 1);
    cr_expect_eq(count(SESSION_PAUSED), 0);
    fixture_expect(&fixture,
                   "SELECT group_concat(status) FROM (SELECT status FROM sessions ORDER BY seq)",
                   "CREATED,ACTIVE,TERMINATED");
}

Test(store_purge, leaves_what_is_young)
{
    open_store(INT64_C(3600000000), INT64_C(3600000000));
    make_all();
    purge();
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "4");
}

Test(store_purge, counts_from_the_last_change_and_takes_the_oldest_first)
{
    char ids[100][UUID_SIZE];
    char time[40];

    open_store(INT64_C(3600000000), 0);
    for (size_t i = 0; i < 100; i++) {
        make(SESSION_TERMINATED, "{}", ids[i]);
        snprintf(time, sizeof(time), "2026-01-01T00:%02zu:%02zu.000000+00:00", (99 - i) / 60,
                 (99 - i) % 60);
        if (i >= 20)
            set_time(ids[i], time);
    }
    struct store_purge done = purge();
    cr_expect(done.more);
    cr_expect_eq(done.sessions[STORE_PURGE_TERMINATED], 64);
    fixture_expect(&fixture, "SELECT min(updated_at) FROM sessions",
                   "2026-01-01T00:01:04.000000+00:00");
    done = purge_from(done.next);
    cr_expect_not(done.more);
    cr_expect_eq(done.sessions[STORE_PURGE_TERMINATED], 16);
    cr_expect_eq(count(SESSION_TERMINATED), 20);
}

/* What another program wrote: not to the microsecond, or by another clock's offset. */
Test(store_purge, reads_times_that_another_program_wrote)
{
    char ids[4][2 * UUID_SIZE + 2];

    open_store(INT64_C(3600000000), 0);
    for (size_t i = 0; i < 4; i++)
        make(SESSION_TERMINATED, "{}", ids[i]);
    set_time(ids[0], "2026-01-01T00:00:00+00:00");
    set_time(ids[1], "2026-01-01T00:00:00-23:00");
    set_time(ids[2], "2026-01-01T00:00:00.1234567+00:00");
    purge();
    fixture_expect(&fixture, "SELECT group_concat(id) FROM (SELECT id FROM sessions ORDER BY seq)",
                   strcat(strcat(ids[1], ","), ids[3]));
}

Test(store_purge, leaves_a_session_that_is_leased)
{
    struct store_job lease = {
        .operation = STORE_LEASE, .owner = SLICE_LITERAL("d"), .ttl_ms = 3600000};
    struct store_job pause = {.operation = STORE_UPDATE,
                              .has_status = true,
                              .status = SESSION_PAUSED,
                              .fence = {true, 1}};

    open_store(1, 1);
    fixture_create(&fixture, "/p", "t", "{}", lease.id);
    memcpy(pause.id, lease.id, UUID_SIZE);
    fixture_run(&fixture, &lease);
    fixture_run(&fixture, &pause);
    cr_assert_eq(pause.error.kind, ERROR_NONE, "%s", pause.error.detail);
    purge();
    cr_expect_eq(count(SESSION_PAUSED), 1);

    struct store_job release = {.operation = STORE_RELEASE, .fence = {true, 1}};
    memcpy(release.id, lease.id, UUID_SIZE);
    fixture_run(&fixture, &release);
    cr_assert_eq(release.error.kind, ERROR_NONE, "%s", release.error.detail);
    purge();
    cr_expect_eq(count(SESSION_PAUSED), 0);
    store_job_release(&lease);
    store_job_release(&pause);
    store_job_release(&release);
}

static void append(const char *id)
{
    const struct store_new_entry entry = {.text = SLICE_LITERAL("{\"a\":1}")};
    struct store_job job = {
        .operation = STORE_APPEND,
        .append = {.stream = SLICE_LITERAL("main"), .entries = &entry, .count = 1}};

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    store_job_release(&job);
}

/* An append does not change the session; it counts all the same, and goes with it. */
Test(store_purge, counts_from_the_last_entry)
{
    char ids[2][UUID_SIZE];

    open_store(0, INT64_C(3600000000));
    for (size_t i = 0; i < 2; i++) {
        make(SESSION_PAUSED, "{}", ids[i]);
        append(ids[i]);
        set_time(ids[i], "2026-01-01T00:00:00.000000+00:00");
    }
    cr_expect_eq(purge().sessions[STORE_PURGE_IDLE], 0);
    free(fixture_sql(&fixture, "UPDATE logs SET updated_us = 1 WHERE session_seq ="
                               " (SELECT min(seq) FROM sessions)"));
    const struct store_purge done = purge();
    cr_expect_eq(done.sessions[STORE_PURGE_IDLE], 1);
    cr_expect_eq(done.bytes, 9);
    fixture_expect(&fixture, "SELECT id FROM sessions", ids[1]);
    fixture_expect(&fixture, "SELECT count(*) FROM logs", "1");
}

Test(store_purge, takes_a_bounded_amount_at_once)
{
    const size_t len = 3 << 20;
    char *context = malloc(len + 1);

    memset(context, ' ', len);
    context[0] = '{';
    context[len - 1] = '}';
    context[len] = '\0';
    open_store(1, 0);
    for (int i = 0; i < 4; i++)
        make(SESSION_TERMINATED, context, NULL);
    free(context);
    struct store_purge done = purge();
    cr_expect(done.more);
    cr_expect_eq(done.sessions[STORE_PURGE_TERMINATED], 2);
    cr_expect_eq(done.bytes, (int64_t)(2 * len));
    done = purge_from(done.next);
    cr_expect_eq(done.sessions[STORE_PURGE_TERMINATED], 2);
    cr_expect_not(purge_from(done.next).more);
    cr_expect_eq(count(SESSION_TERMINATED), 0);
}

/* The chore does by itself what the job does on request, and tells it once. */
Test(store_purge, is_done_by_the_writer_itself)
{
    open_store(0, 0);
    for (int i = 0; i < 50; i++)
        make(SESSION_TERMINATED, "{}", NULL);
    make(SESSION_PAUSED, "{}", NULL);
    make(SESSION_CREATED, "{}", NULL);
    fixture_close(&fixture);
    open_store(1, 1);
    for (int waited = 0; waited < 1000 && count(SESSION_TERMINATED) + count(SESSION_PAUSED) > 0;
         waited++)
        usleep(10000);
    fixture_close(&fixture);
    fixture_expect(&fixture,
                   "SELECT group_concat(status) FROM (SELECT status FROM sessions ORDER BY seq)",
                   "CREATED");
    cr_expect(strstr(fixture.notices, "sessions_purged: deleted sessions: 50 TERMINATED, 1 PAUSED"),
              "%s", fixture.notices);
}

/* Leased sessions and sessions that cannot be read are passed over, and are part of a page. */
#define PASSED_OVER                                                                                \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"              \
    "INSERT INTO sessions (seq, id, project_path, thread_id, status, created_at, updated_at,"      \
    " context_bytes, context, lease_owner, lease_token, lease_ttl_ms, lease_deadline_us) SELECT"   \
    " i, printf('b0a4c7de-0000-4000-8000-%012d', i), '/p', 't', 'PAUSED',"                         \
    " '2025-01-01T00:00:00.000000+00:00', iif(i % 2, '2025-01-01T00:00:00.000000+00:00',"          \
    " '2025-13-01T00:00:00.000000+00:00'), 2, '{}', 'd', 1, 3600000, 9000000000000000000 FROM n"

Test(store_purge, a_page_of_what_would_go_looks_at_10000_sessions_at_most)
{
    struct store_job job = {.operation = STORE_RETENTION};
    char id[UUID_SIZE];

    open_store(INT64_C(3600000000), INT64_C(3600000000));
    make(SESSION_PAUSED, "{}", id);
    set_time(id, "2025-01-02T00:00:00.000000+00:00");
    fixture_expect(&fixture, PASSED_OVER "; SELECT count(*) FROM sessions", "10001");
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    cr_expect(job.purge.more);
    cr_expect_eq(job.retention->of[STORE_PURGE_IDLE].sessions, 1);
    cr_expect(job.retention->of[STORE_PURGE_IDLE].more);
    cr_expect_not(job.retention->of[STORE_PURGE_TERMINATED].more);
    store_job_release(&job);
    job.purge.from = job.purge.next;
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    cr_expect_not(job.purge.more);
    cr_expect_eq(job.retention->of[STORE_PURGE_IDLE].sessions, 0);
    store_job_release(&job);
}

Test(store_purge, says_what_would_go)
{
    struct store_job job = {.operation = STORE_RETENTION};
    char ids[2][UUID_SIZE];

    open_store(1, 1);
    make(SESSION_TERMINATED, "{\"a\":1}", ids[0]);
    make(SESSION_TERMINATED, "{}", ids[1]);
    make(SESSION_CREATED, "{}", NULL);
    set_time(ids[0], "2026-01-01T00:00:02.000000+00:00");
    set_time(ids[1], "2026-01-01T00:00:01.000000+00:00");
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    const struct store_retention_of *over = &job.retention->of[STORE_PURGE_TERMINATED];
    cr_expect_eq(over->after_us, 1);
    cr_expect_eq(over->sessions, 2);
    cr_expect_eq(over->bytes, 9);
    cr_expect_eq(over->oldest_us, INT64_C(1767225601000000));
    cr_expect_eq(over->shown, 2);
    cr_expect_str_eq(over->ids[0], ids[1]);
    cr_expect_str_eq(over->ids[1], ids[0]);
    cr_expect_not(over->more);
    const struct store_retention_of *idle = &job.retention->of[STORE_PURGE_IDLE];
    cr_expect_eq(idle->sessions, 0);
    cr_expect_eq(idle->oldest_us, 0);
    cr_expect_eq(count(SESSION_TERMINATED), 2);
    store_job_release(&job);
}
