/* The database's size: how it is known, what a limit on it refuses, and how pages are given back.
 */

#include "tests/unit/support/store_fixture.h"

#include "db/store/stats.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

static struct store_fixture fixture;

static void setup(void)
{
    fixture_init(&fixture);
}

static void teardown(void)
{
    fixture_release(&fixture);
}

TestSuite(store_size, .init = setup, .fini = teardown);

static void open_store(int64_t max_db_bytes)
{
    struct error err;

    fixture.options.max_db_bytes = max_db_bytes;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static struct store_stats stats(void)
{
    struct store_stats stats;

    store_stats(fixture.store, &stats);
    return stats;
}

/* An object of so many bytes. */
static char *object(size_t len)
{
    char *text = malloc(len + 1);

    memset(text, ' ', len);
    text[0] = '{';
    text[len - 1] = '}';
    text[len] = '\0';
    return text;
}

static enum error_kind create(size_t context_bytes, char id[UUID_SIZE])
{
    char *context = object(context_bytes);
    struct store_job job = {
        .operation = STORE_CREATE,
        .project_path = SLICE_LITERAL("/p"),
        .thread_id = SLICE_LITERAL("t"),
        .context = slice_from(context),
    };

    fixture_run(&fixture, &job);
    if (id != NULL)
        memcpy(id, job.id, UUID_SIZE);
    store_job_release(&job);
    free(context);
    return job.error.kind;
}

static enum error_kind replace(const char *id, size_t context_bytes)
{
    char *context = object(context_bytes);
    const enum error_kind kind = fixture_update(&fixture, id, NULL, context);

    free(context);
    return kind;
}

static enum error_kind put(const char *id, size_t context_bytes)
{
    char *context = object(context_bytes);
    struct store_job job = {
        .operation = STORE_PUT,
        .project_path = SLICE_LITERAL("/p"),
        .thread_id = SLICE_LITERAL("t"),
        .context = slice_from(context),
    };

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    store_job_release(&job);
    free(context);
    return job.error.kind;
}

static enum error_kind delete (const char *id) {
    struct store_job job = {.operation = STORE_DELETE};

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job.error.kind;
}

static int64_t file_bytes(void)
{
    struct stat status;

    cr_assert_eq(stat(fixture.path, &status), 0);
    return status.st_size;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

Test(store_size, is_known_after_each_commit)
{
    char id[UUID_SIZE];

    open_store(0);
    const struct store_stats before = stats();
    cr_expect_gt(before.database_bytes, 0);
    cr_expect_eq(create(100 * PAGE, id), ERROR_NONE);
    const struct store_stats full = stats();
    cr_expect_geq(full.database_bytes, before.database_bytes + 100 * PAGE);
    cr_expect_eq(delete (id), ERROR_NONE);
    const struct store_stats after = stats();
    cr_expect_leq(after.database_bytes, before.database_bytes + PAGE);
    cr_expect_eq(after.database_bytes + after.free_bytes, full.database_bytes + full.free_bytes);
}

/* As many bytes as are left fit; one more does not. */
Test(store_size, refuses_growth_from_its_edge_on)
{
    char id[UUID_SIZE];

    open_store(0);
    cr_expect_eq(create(10 * PAGE, id), ERROR_NONE);
    const int64_t used = stats().database_bytes;
    fixture_close(&fixture);

    open_store(used + 1000);
    cr_expect_eq(create(1000 - 3 + 1, NULL), ERROR_DATABASE_FULL);
    cr_expect_eq(put("00000000-0000-4000-8000-000000000001", 1000), ERROR_DATABASE_FULL);
    cr_expect_eq(replace(id, 10 * PAGE + 1001), ERROR_DATABASE_FULL);
    cr_expect_eq(stats().counts[STORE_QUOTA_REJECTED], 3);
    cr_expect_eq(create(1000 - 3, NULL), ERROR_NONE);
    fixture_close(&fixture);

    open_store(used);
    cr_expect_eq(create(2, NULL), ERROR_DATABASE_FULL);
    fixture_close(&fixture);
    open_store(PAGE);
    cr_expect_eq(create(2, NULL), ERROR_DATABASE_FULL);
}

Test(store_size, lets_everything_else_happen_when_it_is_full)
{
    static const enum session_status active = SESSION_ACTIVE;
    struct store_job lease = {
        .operation = STORE_LEASE, .owner = SLICE_LITERAL("d"), .ttl_ms = 3600000};
    char ids[2][UUID_SIZE];

    open_store(0);
    cr_expect_eq(create(50 * PAGE, ids[0]), ERROR_NONE);
    cr_expect_eq(create(50 * PAGE, ids[1]), ERROR_NONE);
    const int64_t used = stats().database_bytes;
    fixture_close(&fixture);
    open_store(used);
    cr_expect_eq(create(2, NULL), ERROR_DATABASE_FULL);
    cr_expect_eq(put(ids[0], 2), ERROR_NONE); /* is there already */
    cr_expect_eq(fixture_update(&fixture, ids[0], &active, NULL), ERROR_NONE);
    cr_expect_eq(replace(ids[0], 50 * PAGE), ERROR_NONE);
    memcpy(lease.id, ids[1], UUID_SIZE);
    fixture_run(&fixture, &lease);
    cr_expect_eq(lease.error.kind, ERROR_NONE);
    store_job_release(&lease);
    cr_expect_eq(replace(ids[0], 40 * PAGE), ERROR_NONE);
    cr_expect_eq(create(PAGE, NULL), ERROR_NONE, "there is room again");
    cr_expect_eq(create(10 * PAGE, NULL), ERROR_DATABASE_FULL);
    cr_expect_eq(delete (ids[0]), ERROR_NONE);
    cr_expect_eq(create(10 * PAGE, NULL), ERROR_NONE);
}

Test(store_size, warns_once_when_four_fifths_are_taken)
{
    char id[UUID_SIZE];

    open_store(1000 * PAGE);
    cr_expect_eq(create(700 * PAGE, NULL), ERROR_NONE);
    cr_expect_eq(count_of(fixture.notices, "database_nearly_full"), 0, "%s", fixture.notices);
    cr_expect_not(stats().nearly_full);
    cr_expect_eq(create(150 * PAGE, id), ERROR_NONE);
    cr_expect(stats().nearly_full);
    cr_expect_eq(create(PAGE, NULL), ERROR_NONE);
    cr_expect_eq(delete (id), ERROR_NONE);
    cr_expect_not(stats().nearly_full);
    cr_expect_eq(create(PAGE, NULL), ERROR_NONE);
    cr_expect_eq(create(150 * PAGE, id), ERROR_NONE);
    fixture_close(&fixture);
    cr_expect_eq(count_of(fixture.notices, "database_nearly_full"), 2, "%s", fixture.notices);
    cr_expect_eq(count_of(fixture.notices, "database_size_ok"), 1, "%s", fixture.notices);
}

Test(store_size, a_batch_is_looked_at_job_by_job)
{
    struct store_job jobs[8];
    char *context = object(20 * PAGE);
    int made = 0;

    open_store(0);
    const int64_t used = stats().database_bytes;
    fixture_close(&fixture);
    open_store(used + 65 * PAGE);
    for (size_t i = 0; i < 8; i++) {
        jobs[i] = (struct store_job){.operation = STORE_CREATE,
                                     .project_path = SLICE_LITERAL("/p"),
                                     .thread_id = SLICE_LITERAL("t"),
                                     .context = slice_from(context)};
    }
    fixture_run_all(&fixture, jobs, 8);
    for (size_t i = 0; i < 8; i++) {
        made += jobs[i].error.kind == ERROR_NONE;
        store_job_release(&jobs[i]);
    }
    free(context);
    cr_expect_eq(made, 3);
}

Test(store_size, a_new_file_gives_its_pages_back)
{
    char ids[20][UUID_SIZE];

    open_store(0);
    for (size_t i = 0; i < 20; i++)
        cr_expect_eq(create(200 * PAGE, ids[i]), ERROR_NONE);
    fixture_expect(&fixture, "PRAGMA auto_vacuum", "2");
    for (size_t i = 0; i < 20; i++)
        cr_expect_eq(delete (ids[i]), ERROR_NONE);
    cr_expect_geq(stats().free_bytes, INT64_C(4000) * PAGE);
    for (int waited = 0; waited < 1500 && stats().free_bytes > 300 * PAGE; waited++)
        usleep(10000);
    cr_expect_leq(stats().free_bytes, 300 * PAGE);
    for (int waited = 0; waited < 500 && file_bytes() > 500 * PAGE; waited++)
        usleep(10000);
    cr_expect_leq(file_bytes(), 500 * PAGE, "%lld", (long long)file_bytes());
    fixture_expect(&fixture, "PRAGMA integrity_check", "ok");
}

Test(store_size, a_few_free_pages_are_kept_for_what_comes)
{
    char id[UUID_SIZE];

    open_store(0);
    cr_expect_eq(create(300 * PAGE, id), ERROR_NONE);
    cr_expect_eq(delete (id), ERROR_NONE);
    const int64_t free_bytes = stats().free_bytes;
    usleep(2500000);
    cr_expect_eq(stats().free_bytes, free_bytes);
}

/* Of a file of before, with sessions in it. */
static void make_old_file(int pages, const char *mode)
{
    char id[UUID_SIZE];
    char sql[128];

    open_store(0);
    for (int i = 0; i < pages / 100; i++)
        cr_expect_eq(create(100 * PAGE, id), ERROR_NONE);
    fixture_close(&fixture);
    snprintf(sql, sizeof(sql), "PRAGMA journal_mode=DELETE; PRAGMA auto_vacuum=%s; VACUUM", mode);
    free(fixture_sql(&fixture, sql));
}

Test(store_size, an_old_file_is_rewritten_once)
{
    make_old_file(300, "NONE");
    fixture_expect(&fixture, "PRAGMA auto_vacuum", "0");
    open_store(0);
    fixture_expect(&fixture, "PRAGMA auto_vacuum", "2");
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "3");
    fixture_expect(&fixture, "PRAGMA integrity_check", "ok");
    cr_expect_eq(count_of(fixture.notices, "database_rewritten"), 1, "%s", fixture.notices);
    fixture_close(&fixture);
    open_store(0);
    cr_expect_eq(count_of(fixture.notices, "database_rewritten"), 1, "%s", fixture.notices);
}

Test(store_size, a_file_that_gives_back_at_every_commit_does_so_in_steps_from_now_on)
{
    make_old_file(100, "FULL");
    open_store(0);
    fixture_expect(&fixture, "PRAGMA auto_vacuum", "2");
    cr_expect_eq(count_of(fixture.notices, "database_rewritten"), 0, "%s", fixture.notices);
}

Test(store_size, a_large_old_file_stays_as_it_is)
{
    make_old_file(20000, "NONE");
    open_store(0);
    fixture_expect(&fixture, "PRAGMA auto_vacuum", "0");
    cr_expect_eq(count_of(fixture.notices, "auto_vacuum_disabled"), 1, "%s", fixture.notices);
    cr_expect_eq(create(100, NULL), ERROR_NONE);
}

static struct slice no_answer(struct store_job *job)
{
    (void)job;
    return SLICE_LITERAL("");
}

Test(store_size, a_full_database_takes_no_new_idempotency_key)
{
    const struct store_job keyed = {
        .operation = STORE_RECOVER,
        .idempotency = {.key = SLICE_LITERAL("k"), .answer = no_answer}};
    struct store_job job = keyed;

    open_store(0);
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    store_job_release(&job);
    fixture_close(&fixture);
    open_store(1);
    job = keyed;
    fixture_run(&fixture, &job);
    cr_expect(job.idempotency.replayed, "a stored key is replayed");
    store_job_release(&job);
    job = keyed;
    job.idempotency.key = SLICE_LITERAL("other");
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_DATABASE_FULL);
    store_job_release(&job);
    fixture_expect(&fixture, "SELECT count(*) FROM idempotency_keys", "1");
}
