/* A disk that fails under the store: a clean refusal, or an end without one more change. */

#include "tests/unit/support/faulty_vfs.h"
#include "tests/unit/support/store_fixture.h"

#include "db/base/timestamp.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct store_fixture fixture;

static void init(void)
{
    faulty_vfs_install();
    fixture_init(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_failing_disk, .init = init, .fini = release);

static void open_store(void)
{
    struct error err;

    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static enum error_kind create(void)
{
    struct store_job job = {
        .operation = STORE_CREATE,
        .project_path = SLICE_LITERAL("/p"),
        .thread_id = SLICE_LITERAL("t"),
        .context = SLICE_LITERAL("{}"),
    };

    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job.error.kind;
}

static void fill_disk(void)
{
    faulty_vfs_arm((struct fault){FAULT_WRITE, 0, SQLITE_FULL, 1, INT_MAX});
}

/* A file with one session, and its log, as a kill leaves them. */
static void crash(char id[UUID_SIZE])
{
    const pid_t child = fork();
    int status;

    snprintf(id, UUID_SIZE, "b0a4c7de-0000-4000-8000-000000000001");
    if (child == 0) {
        struct store_job job = {
            .operation = STORE_PUT,
            .project_path = SLICE_LITERAL("/p"),
            .thread_id = SLICE_LITERAL("t"),
            .context = SLICE_LITERAL("{}"),
        };
        open_store();
        memcpy(job.id, id, UUID_SIZE);
        fixture_run(&fixture, &job);
        _exit(job.error.kind != ERROR_NONE);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The storage has failed: the store ends without touching its file. */
static void expect_end(void)
{
    fixture_abandon(&fixture);
    cr_expect_eq(fixture.failures, 1);
    cr_expect(strstr(fixture.notices, "storage_failed"), "%s", fixture.notices);
    cr_expect_eq(faulty_vfs_failures(), 1);
    cr_expect_eq(faulty_vfs_changes_since(), 0);
}

Test(store_failing_disk, a_failed_commit_is_the_last_thing_that_happens)
{
    open_store();
    cr_assert_eq(create(), ERROR_NONE);
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_IOERR_FSYNC, 1, 1});
    cr_expect_eq(create(), ERROR_OUTCOME_UNKNOWN);
    cr_expect_eq(create(), ERROR_STOPPING);
    expect_end();
}

/* SQLite, too, may run out of memory between the sync and its own books. */
Test(store_failing_disk, a_commit_that_runs_out_of_memory_may_be_on_disk)
{
    open_store();
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_NOMEM, 1, 1});
    cr_expect_eq(create(), ERROR_OUTCOME_UNKNOWN);
    expect_end();
}

Test(store_failing_disk, a_commit_without_space_is_not_on_disk)
{
    open_store();
    cr_assert_eq(create(), ERROR_NONE);
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, 1});
    cr_expect_eq(create(), ERROR_STORAGE_FULL);
    cr_expect_eq(create(), ERROR_NONE);
    fixture_close(&fixture);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "2");
}

static int count_notices(const char *event)
{
    int count = 0;

    for (const char *at = fixture.notices; (at = strstr(at, event)) != NULL; at++)
        count++;
    return count;
}

/* The first of a row, until one succeeds. */
Test(store_failing_disk, a_write_that_fails_is_told)
{
    open_store();
    for (int row = 0; row < 2; row++) {
        *fixture.notices = '\0';
        fill_disk();
        for (int i = 0; i < 3; i++)
            cr_assert_eq(create(), ERROR_STORAGE_FULL);
        cr_expect(strstr(fixture.notices, "write_failed: SQLite error 13 while committing:"
                                          " database or disk is full\n"));
        cr_expect_eq(count_notices("write_failed"), 1, "%s", fixture.notices);
        faulty_vfs_heal();
        cr_assert_eq(create(), ERROR_NONE);
    }
}

static void on_done(struct store_job *job)
{
    sem_post(job->arg);
}

static void prepare(struct store_job *job, sem_t *done)
{
    job->project_path = SLICE_LITERAL("/p");
    job->thread_id = SLICE_LITERAL("t");
    job->context = SLICE_LITERAL("{}");
    job->done = on_done;
    job->arg = done;
    cr_assert(store_reserve(fixture.store, job->operation));
}

static void submit(struct store_job *job, sem_t *done)
{
    prepare(job, done);
    store_submit(fixture.store, job);
}

/* Four jobs: one that waits for a lock, so that the others are a batch; of these, the second fails
 * by itself, so they run again one by one, and the third meets the bad disk. */
Test(store_failing_disk, of_a_batch_run_one_by_one_the_failure_is_told)
{
    struct store_job jobs[4] = {{.operation = STORE_CREATE},
                                {.operation = STORE_CREATE},
                                {.operation = STORE_UPDATE},
                                {.operation = STORE_CREATE}};
    sqlite3 *other;
    sem_t done;

    open_store();
    fixture_create(&fixture, "/p", "t", "{}", jobs[2].id);
    free(fixture_sql(&fixture, "UPDATE sessions SET status = 'ASTRAY'"));
    cr_assert_eq(sqlite3_open(fixture.path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_IOERR_FSYNC, 3, 1});
    sem_init(&done, 0, 0);
    submit(&jobs[0], &done);
    usleep(100000);
    for (int i = 1; i < 4; i++)
        submit(&jobs[i], &done);
    cr_assert_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 4; i++)
        sem_wait(&done);
    cr_expect_eq(jobs[1].error.kind, ERROR_NONE);
    cr_expect_eq(jobs[2].error.kind, ERROR_INTERNAL);
    cr_expect_eq(jobs[3].error.kind, ERROR_OUTCOME_UNKNOWN);
    expect_end();
    cr_expect(strstr(fixture.notices, "write_failed: session"), "%s", fixture.notices);
    cr_expect(strstr(fixture.notices, "storage_failed: SQLite error 1034"), "%s", fixture.notices);
    for (int i = 0; i < 4; i++)
        store_job_release(&jobs[i]);
    sqlite3_close(other);
}

/* Submits two jobs more on the writer thread, which then takes both of them at once. */
static void submit_more(struct store_job *job)
{
    store_submit(fixture.store, &job[1]);
    store_submit(fixture.store, &job[2]);
    sem_post(job->arg);
}

/* The checkpoint after a batch fails while a large write waits for its turn. */
Test(store_failing_disk, a_failed_checkpoint_refuses_the_large_writes_that_wait)
{
    struct store_job jobs[3] = {0};
    static char context[200000];
    sem_t done;

    memset(context, ' ', sizeof(context));
    memcpy(context, "{}", 2);
    fixture.options.checkpoint_pages = 1;
    open_store();
    sem_init(&done, 0, 0);
    for (int i = 0; i < 3; i++)
        prepare(&jobs[i], &done);
    jobs[0].done = submit_more;
    jobs[2].context = (struct slice){context, sizeof(context)};
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_MAIN_DB, SQLITE_IOERR_FSYNC, 2, 1});
    store_submit(fixture.store, &jobs[0]);
    for (int i = 0; i < 3; i++)
        sem_wait(&done);
    cr_expect_eq(jobs[1].error.kind, ERROR_NONE);
    cr_expect_eq(jobs[2].error.kind, ERROR_STOPPING, "%s", jobs[2].error.detail);
    expect_end();
    for (int i = 0; i < 3; i++)
        store_job_release(&jobs[i]);
}

Test(store_failing_disk, a_last_checkpoint_that_cannot_sync_the_log)
{
    open_store();
    cr_assert_eq(create(), ERROR_NONE);
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_IOERR_FSYNC, 1, 1});
    expect_end();
}

Test(store_failing_disk, a_last_checkpoint_that_cannot_sync_the_file)
{
    open_store();
    cr_assert_eq(create(), ERROR_NONE);
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_MAIN_DB, SQLITE_IOERR_FSYNC, 1, 1});
    expect_end();
}

static enum store_visit copy_session(void *arg, const struct session *session)
{
    struct session *copy = arg;

    *copy = *session;
    return STORE_VISIT_NEXT;
}

static struct session stored(const char *id)
{
    struct session session;
    struct error err;

    cr_assert(store_get(fixture.store, id, copy_session, &session, &err), "%s", err.detail);
    return session;
}

Test(store_failing_disk, a_start_on_a_full_disk_serves_reads)
{
    char id[UUID_SIZE];

    crash(id);
    fill_disk();
    open_store();
    cr_expect(strstr(fixture.notices, "checkpoint_failed"), "%s", fixture.notices);
    cr_expect_eq(stored(id).version, 1);
    cr_expect_eq(create(), ERROR_STORAGE_FULL);
    faulty_vfs_heal();
    cr_expect_eq(create(), ERROR_NONE);
    fixture_close(&fixture);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "2");
}

/* A deadline of the process before means nothing to this one. */
Test(store_failing_disk, a_start_on_a_full_disk_ends_no_lease)
{
    struct store_job job = {
        .operation = STORE_LEASE, .owner = SLICE_LITERAL("daemon"), .ttl_ms = 3600000};

    open_store();
    fixture_create(&fixture, "/p", "t", "{}", job.id);
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE);
    store_job_release(&job);
    fixture_close(&fixture);
    free(fixture_sql(&fixture, "UPDATE sessions SET lease_deadline_us = 1"));
    fill_disk();
    open_store();
    cr_expect(strstr(fixture.notices, "maintenance_failed: lease_expiry"), "%s", fixture.notices);
    cr_expect_eq(create(), ERROR_STORAGE_FULL);
    faulty_vfs_heal();
    cr_expect_eq(create(), ERROR_NONE);
    const struct session session = stored(job.id);
    cr_expect_eq(session.status, SESSION_ACTIVE);
    cr_expect_gt(session.lease.expires_us, timestamp_now_us() + INT64_C(3500000000));
}

static enum error_kind create_long(void)
{
    static char context[1 << 20];
    struct store_job job = {
        .operation = STORE_CREATE,
        .project_path = SLICE_LITERAL("/p"),
        .thread_id = SLICE_LITERAL("t"),
        .context = {context, sizeof(context)},
    };

    memset(context, 'x', sizeof(context));
    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job.error.kind;
}

/* Its blocks are for some four thousand pages of log each. A log that begins anew needs no more. */
Test(store_failing_disk, an_index_of_the_log_that_cannot_grow)
{
    enum error_kind kind = ERROR_NONE;

    fixture.options.checkpoint_pages = 1000000;
    open_store();
    faulty_vfs_arm((struct fault){FAULT_INDEX, 0, SQLITE_IOERR_SHMSIZE, 1, INT_MAX});
    for (int i = 0; i < 20 && kind == ERROR_NONE; i++)
        kind = create_long();
    cr_expect_eq(kind, ERROR_STORAGE_FULL);
    cr_expect_eq(create_long(), ERROR_NONE);
    cr_expect_eq(fixture.failures, 0);
}

/* With a rollback journal SQLite would write, sync and remove it once more. */
Test(store_failing_disk, a_failed_start_on_a_new_file_is_the_last_thing_that_happens)
{
    struct error err;
    int nth = 1;

    for (;; nth++) {
        faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_IOERR_WRITE, nth, 1});
        if (fixture_open(&fixture, &err))
            break;
        cr_expect_eq(faulty_vfs_changes_since(), 0, "write %d", nth);
    }
    faulty_vfs_heal();
    cr_expect_gt(nth, 1);
    cr_expect_eq(create(), ERROR_NONE);
}

Test(store_failing_disk, a_failed_first_checkpoint_is_the_last_thing_that_happens)
{
    struct error err;
    char id[UUID_SIZE];

    crash(id);
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_MAIN_DB, SQLITE_IOERR_FSYNC, 1, 1});
    cr_expect_not(fixture_open(&fixture, &err));
    cr_expect_eq(faulty_vfs_failures(), 1);
    cr_expect_eq(faulty_vfs_changes_since(), 0);
}

static struct slice answer(struct store_job *job)
{
    (void)job;
    return SLICE_LITERAL("made");
}

/* Three jobs: one that waits for a lock, so that the others are a batch: a keyed request and the
 * same once more, which finds what the first one wrote and did not bring to the disk. */
Test(store_failing_disk, a_failed_commit_is_not_answered_with_a_replay)
{
    const struct store_idempotency idempotency = {.key = SLICE_LITERAL("key"), .answer = answer};
    struct store_job jobs[3] = {{.operation = STORE_CREATE},
                                {.operation = STORE_CREATE, .idempotency = idempotency},
                                {.operation = STORE_CREATE, .idempotency = idempotency}};
    sqlite3 *other;
    sem_t done;

    open_store();
    cr_assert_eq(create(), ERROR_NONE);
    cr_assert_eq(sqlite3_open(fixture.path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_IOERR_FSYNC, 2, 1});
    sem_init(&done, 0, 0);
    submit(&jobs[0], &done);
    usleep(100000);
    submit(&jobs[1], &done);
    submit(&jobs[2], &done);
    cr_assert_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 3; i++)
        sem_wait(&done);
    cr_expect_eq(jobs[0].error.kind, ERROR_NONE);
    cr_expect_eq(jobs[1].error.kind, ERROR_OUTCOME_UNKNOWN);
    cr_expect_eq(jobs[2].error.kind, ERROR_OUTCOME_UNKNOWN);
    cr_expect_not(jobs[2].idempotency.replayed);
    expect_end();
    for (int i = 0; i < 3; i++)
        store_job_release(&jobs[i]);
    sqlite3_close(other);
}
