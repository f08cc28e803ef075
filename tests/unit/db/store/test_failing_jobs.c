/* Jobs, reads and checkpoints that fail: each alone, each with the right error. */

#include "tests/unit/support/database_fixture.h"
#include "tests/unit/support/faulty_vfs.h"
#include "tests/unit/support/store_fixture.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdlib.h>

static struct store_fixture fixture;

static void open_store(void)
{
    fixture_start_on_faulty_disk(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_failing_jobs, .init = open_store, .fini = release, .timeout = 60);

static enum error_kind create(char id[UUID_SIZE])
{
    struct store_job job = {
        .operation = STORE_CREATE,
        .project_path = SLICE_LITERAL("/p"),
        .thread_id = SLICE_LITERAL("t"),
        .context = SLICE_LITERAL("{}"),
    };

    fixture_run(&fixture, &job);
    store_job_release(&job);
    memcpy(id, job.id, UUID_SIZE);
    return job.error.kind;
}

static enum store_visit count_visit(void *arg, const struct session *session)
{
    (void)session;
    ++*(int *)arg;
    return STORE_VISIT_NEXT;
}

static enum error_kind get(const char *id)
{
    struct error err = {0};
    int visits = 0;

    const bool found = store_get(fixture.store, id, count_visit, &visits, &err);
    cr_expect_eq(found, err.kind == ERROR_NONE);
    cr_expect_eq(visits, found);
    return err.kind;
}

Test(store_failing_jobs, a_full_disk_refuses_writes_until_there_is_space)
{
    char before[UUID_SIZE];
    char id[UUID_SIZE];

    cr_assert_eq(create(before), ERROR_NONE);
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, 1000});
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(create(id), ERROR_STORAGE_FULL);
        cr_expect_eq(get(before), ERROR_NONE, "reads go on");
        cr_expect_eq(get(id), ERROR_NOT_FOUND);
    }
    faulty_vfs_heal();
    cr_expect_eq(create(id), ERROR_NONE);
    cr_expect_eq(get(id), ERROR_NONE);
    cr_expect_eq(fixture.failures, 0);
}

/* --- Jobs that are answered together ------------------------------------------------------- */

#define JOBS 9

static sem_t entered;
static sem_t left;
static sem_t answered;

static void on_done(struct store_job *job)
{
    (void)job;
    sem_post(&answered);
}

/* Holds the writer up in the middle of a transaction, and changes nothing. */
static bool hold_up(void *arg, struct slice current, char **out, size_t *len, struct error *err)
{
    (void)arg;
    (void)current;
    (void)out;
    (void)len;
    sem_post(&entered);
    sem_wait(&left);
    return error_set(err, ERROR_TOO_LARGE, NULL, "no change");
}

static void submit(struct store_job *job)
{
    job->done = on_done;
    cr_assert(store_reserve(fixture.store, job->operation));
    store_submit(fixture.store, job);
}

/* Runs them in one batch: they gather while the writer is held up. `id` is a session's. */
static void run_together(struct store_job *jobs, int count, const char *id)
{
    struct store_job first = {.operation = STORE_UPDATE, .edit = hold_up};

    sem_init(&entered, 0, 0);
    sem_init(&left, 0, 0);
    sem_init(&answered, 0, 0);
    memcpy(first.id, id, UUID_SIZE);
    submit(&first);
    sem_wait(&entered);
    for (int i = 0; i < count; i++)
        submit(&jobs[i]);
    sem_post(&left);
    for (int i = 0; i <= count; i++)
        sem_wait(&answered);
    store_job_release(&first);
}

static void make_jobs(struct store_job *jobs, int count)
{
    for (int i = 0; i < count; i++)
        jobs[i] = (struct store_job){
            .operation = STORE_CREATE,
            .project_path = SLICE_LITERAL("/p"),
            .thread_id = SLICE_LITERAL("t"),
            .context = SLICE_LITERAL("{}"),
        };
}

Test(store_failing_jobs, a_job_that_fails_fails_alone)
{
    struct store_job jobs[JOBS];
    char broken[UUID_SIZE];
    char id[UUID_SIZE];

    cr_assert_eq(create(broken), ERROR_NONE);
    free(fixture_sql(&fixture, "UPDATE sessions SET status = 'RUNNING'"));
    cr_assert_eq(create(id), ERROR_NONE);
    make_jobs(jobs, JOBS);
    jobs[4].operation = STORE_UPDATE;
    memcpy(jobs[4].id, broken, UUID_SIZE);
    jobs[5].operation = STORE_PUT;
    memcpy(jobs[5].id, "b0a4c7de-0000-4000-8000-000000000001", UUID_SIZE);
    run_together(jobs, JOBS, id);
    for (int i = 0; i < JOBS; i++) {
        const enum error_kind wanted = i == 4 ? ERROR_INTERNAL : ERROR_NONE;
        cr_expect_eq(jobs[i].error.kind, wanted, "job %d: %s", i, jobs[i].error.detail);
        cr_expect_eq(get(jobs[i].id), wanted, "job %d", i);
        cr_expect_eq(jobs[i].created, i != 4, "job %d", i);
        store_job_release(&jobs[i]);
    }
}

/* A batch whose last job fails, so that the jobs before it run twice. */
static void run_twice(struct store_job *job)
{
    struct store_job jobs[2] = {*job, {.operation = STORE_UPDATE}};
    char id[UUID_SIZE];

    cr_assert_eq(create(id), ERROR_NONE);
    cr_assert_eq(create(jobs[1].id), ERROR_NONE);
    char *sql = sqlite3_mprintf("UPDATE sessions SET status = 'RUNNING' WHERE id = %Q", jobs[1].id);
    free(fixture_sql(&fixture, sql));
    sqlite3_free(sql);
    run_together(jobs, 2, id);
    cr_expect_eq(jobs[1].error.kind, ERROR_INTERNAL);
    store_job_release(&jobs[1]);
    *job = jobs[0];
}

Test(store_failing_jobs, get_or_create_keeps_its_own_id_when_it_finds_a_session)
{
    struct store_job job;
    char existing[UUID_SIZE];

    fixture_create(&fixture, "/found", "t", "{}", existing);
    make_jobs(&job, 1);
    job.project_path = SLICE_LITERAL("/found");
    job.or_existing = true;
    run_twice(&job);
    cr_expect_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    cr_expect_not(job.created);
    cr_expect(slice_is(job.session.id, existing));
    cr_expect_str_neq(job.id, existing, "a later run would create under the id of another session");
    store_job_release(&job);
}

Test(store_failing_jobs, a_purge_that_runs_twice_deletes_what_the_rollback_restored)
{
    const enum session_status over = SESSION_TERMINATED;
    struct store_job job = {.operation = STORE_PURGE};
    struct error err;
    char id[UUID_SIZE];

    fixture_close(&fixture);
    fixture.options.retain_us[STORE_PURGE_TERMINATED] = 1;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    cr_assert_eq(create(id), ERROR_NONE);
    cr_assert_eq(fixture_update(&fixture, id, &over, NULL), ERROR_NONE);
    run_twice(&job);
    cr_expect_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    cr_expect_eq(job.purge.sessions[STORE_PURGE_TERMINATED], 1);
    cr_expect_eq(get(id), ERROR_NOT_FOUND);
    store_job_release(&job);
}

Test(store_failing_jobs, a_failed_commit_fails_all_of_its_batch)
{
    struct store_job jobs[JOBS];
    char id[UUID_SIZE];

    cr_assert_eq(create(id), ERROR_NONE);
    make_jobs(jobs, JOBS);
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_IOERR_FSYNC, 1, 1});
    run_together(jobs, JOBS, id);
    for (int i = 0; i < JOBS; i++) {
        cr_expect_eq(jobs[i].error.kind, ERROR_OUTCOME_UNKNOWN, "job %d: %s", i,
                     jobs[i].error.detail);
        store_job_release(&jobs[i]);
    }
    cr_expect_eq(get(id), ERROR_NONE, "reads go on");
    fixture_abandon(&fixture);
}

/* --- Reading ------------------------------------------------------------------------------- */

/* A store whose readers have cached nothing. */
static void reopen(void)
{
    struct error err;

    fixture_close(&fixture);
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static enum error_kind list(enum store_operation operation)
{
    struct store_job job = {.operation = STORE_LIST, .query = {.limit = 10}};
    int visits = 0;

    job.visit = count_visit;
    job.visit_arg = &visits;
    if (operation == STORE_LIST)
        fixture_run(&fixture, &job);
    else if (store_list(fixture.store, &job.query, count_visit, &visits, &job.page, &job.error))
        job.error.kind = ERROR_NONE;
    store_job_release(&job);
    cr_expect(job.error.kind != ERROR_NONE || visits == 1);
    return job.error.kind;
}

Test(store_failing_jobs, a_read_that_fails_is_an_internal_error)
{
    char id[UUID_SIZE];

    cr_assert_eq(create(id), ERROR_NONE);
    reopen();
    faulty_vfs_arm((struct fault){FAULT_READ, SQLITE_OPEN_MAIN_DB, SQLITE_IOERR_READ, 1, 1000});
    cr_expect_eq(get(id), ERROR_INTERNAL);
    cr_expect_eq(list(STORE_CREATE), ERROR_INTERNAL);
    cr_expect_eq(list(STORE_LIST), ERROR_INTERNAL);
    faulty_vfs_heal();
    cr_expect_eq(get(id), ERROR_NONE);
    cr_expect_eq(list(STORE_CREATE), ERROR_NONE);
    cr_expect_eq(list(STORE_LIST), ERROR_NONE);
}

static void expect_broken(const char *sql, enum error_kind got)
{
    cr_expect_eq(got, ERROR_INTERNAL, "%s", sql);
}

/* What another program did to a row while the service was running. */
Test(store_failing_jobs, a_row_that_breaks_the_rules_is_an_internal_error)
{
    static const char *const sabotage[] = {
        "UPDATE sessions SET status = 'RUNNING'",
        "UPDATE sessions SET status = 'ACTIVE', created_at = 'now'",
        "UPDATE sessions SET created_at = updated_at, updated_at = ''",
    };
    char id[UUID_SIZE];

    cr_assert_eq(create(id), ERROR_NONE);
    for (size_t i = 0; i < sizeof(sabotage) / sizeof(sabotage[0]); i++) {
        struct store_job job = {.operation = STORE_DELETE};
        free(fixture_sql(&fixture, sabotage[i]));
        memcpy(job.id, id, UUID_SIZE);
        while (get(id) == ERROR_NONE)
            sched_yield(); /* until the snapshot of before has ended */
        expect_broken(sabotage[i], get(id));
        expect_broken(sabotage[i], list(STORE_LIST));
        expect_broken(sabotage[i], fixture_update(&fixture, id, NULL, "{}"));
        fixture_run(&fixture, &job);
        expect_broken(sabotage[i], job.error.kind);
        store_job_release(&job);
    }
}

/* --- Checkpoints --------------------------------------------------------------------------- */

/* More pages than the fixture's log may have, so that the writer checkpoints; then one more write,
 * which is answered when the checkpoint is over. */
static enum error_kind fill_log(void)
{
    static char context[900000];
    char id[UUID_SIZE];

    memset(context, ' ', sizeof(context));
    for (int i = 0; i < 6; i++) {
        struct store_job job = {
            .operation = STORE_CREATE,
            .project_path = SLICE_LITERAL("/p"),
            .thread_id = SLICE_LITERAL("t"),
            .context = {context, sizeof(context)},
        };
        fixture_run(&fixture, &job);
        store_job_release(&job);
    }
    return create(id);
}

Test(store_failing_jobs, a_checkpoint_that_fails_on_a_full_disk_is_reported_and_tried_again)
{
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_MAIN_DB, SQLITE_FULL, 1, 1});
    cr_expect_eq(fill_log(), ERROR_NONE);
    cr_expect_eq(faulty_vfs_failures(), 1);
    cr_expect(strstr(fixture.notices, "checkpoint_failed"), "%s", fixture.notices);
    cr_expect_eq(fill_log(), ERROR_NONE);
    cr_expect_eq(fixture.failures, 0);
}

Test(store_failing_jobs, a_checkpoint_on_a_failing_disk_ends_all_writing)
{
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_MAIN_DB, SQLITE_IOERR_FSYNC, 1, 1});
    cr_expect_eq(fill_log(), ERROR_STOPPING);
    cr_expect_eq(fixture.failures, 1);
    cr_expect(strstr(fixture.notices, "storage_failed"), "%s", fixture.notices);
    fixture_abandon(&fixture);
}

Test(store_failing_jobs, the_last_checkpoint_may_fail)
{
    char id[UUID_SIZE];

    cr_assert_eq(create(id), ERROR_NONE);
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_MAIN_DB, SQLITE_FULL, 1, 1});
    fixture_close(&fixture);
    cr_expect(strstr(fixture.notices, "checkpoint_failed"), "%s", fixture.notices);
    faulty_vfs_heal();
    reopen();
    cr_expect_eq(get(id), ERROR_NONE, "the log has it");
}

/* --- Starting ------------------------------------------------------------------------------ */

Test(store_failing_jobs, a_store_that_cannot_start_says_why_and_leaves_nothing_behind)
{
    static const struct fault faults[] = {
        {FAULT_OPEN, SQLITE_OPEN_MAIN_DB, SQLITE_CANTOPEN, 1, 1000},
        {FAULT_OPEN, SQLITE_OPEN_MAIN_DB, SQLITE_CANTOPEN, 2, 1000},
        {FAULT_OPEN, SQLITE_OPEN_MAIN_DB, SQLITE_CANTOPEN, 3, 1000},
        {FAULT_READ, SQLITE_OPEN_MAIN_DB, SQLITE_IOERR_READ, 1, 1000},
        {FAULT_OPEN, SQLITE_OPEN_WAL, SQLITE_CANTOPEN, 1, 1000},
    };
    char id[UUID_SIZE];

    cr_assert_eq(create(id), ERROR_NONE);
    fixture_close(&fixture);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct error err = {0};
        faulty_vfs_arm(faults[i]);
        cr_expect_not(fixture_open(&fixture, &err), "fault %zu", i);
        cr_expect_str_neq(err.detail, "");
        faulty_vfs_heal();
        cr_assert(fixture_open(&fixture, &err), "fault %zu: %s", i, err.detail);
        cr_expect_eq(get(id), ERROR_NONE);
        fixture_close(&fixture);
    }
}
