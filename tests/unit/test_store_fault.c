/* A disk that fails under the store: a clean refusal, or an end without one more change. */

#include "faulty_vfs.h"
#include "store_fixture.h"

#include <criterion/criterion.h>
#include <semaphore.h>
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
    faulty_vfs_heal();
    fixture_release(&fixture);
}

TestSuite(store_fault, .init = init, .fini = release);

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

/* A file and its log as a kill leaves them. */
static void crash(void)
{
    const pid_t child = fork();
    int status;

    if (child == 0) {
        open_store();
        fixture_create(&fixture, "/p", "t", "{}", NULL);
        _exit(0);
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

Test(store_fault, a_failed_commit_is_the_last_thing_that_happens)
{
    open_store();
    cr_assert_eq(create(), ERROR_NONE);
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_IOERR_FSYNC, 1, 1});
    cr_expect_eq(create(), ERROR_OUTCOME_UNKNOWN);
    cr_expect_eq(create(), ERROR_STOPPING);
    expect_end();
}

/* SQLite, too, may run out of memory between the sync and its own books. */
Test(store_fault, a_commit_that_runs_out_of_memory_may_be_on_disk)
{
    open_store();
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_NOMEM, 1, 1});
    cr_expect_eq(create(), ERROR_OUTCOME_UNKNOWN);
    expect_end();
}

Test(store_fault, a_commit_without_space_is_not_on_disk)
{
    open_store();
    cr_assert_eq(create(), ERROR_NONE);
    faulty_vfs_arm((struct fault){FAULT_WRITE, SQLITE_OPEN_WAL, SQLITE_FULL, 1, 1});
    cr_expect_eq(create(), ERROR_STORAGE_FULL);
    cr_expect_eq(create(), ERROR_NONE);
    fixture_close(&fixture);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "2");
}

Test(store_fault, a_last_checkpoint_that_cannot_sync_the_log)
{
    open_store();
    cr_assert_eq(create(), ERROR_NONE);
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_IOERR_FSYNC, 1, 1});
    expect_end();
}

Test(store_fault, a_last_checkpoint_that_cannot_sync_the_file)
{
    open_store();
    cr_assert_eq(create(), ERROR_NONE);
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_MAIN_DB, SQLITE_IOERR_FSYNC, 1, 1});
    expect_end();
}

Test(store_fault, a_failed_first_checkpoint_is_the_last_thing_that_happens)
{
    struct error err;

    crash();
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_MAIN_DB, SQLITE_IOERR_FSYNC, 1, 1});
    cr_expect_not(fixture_open(&fixture, &err));
    cr_expect_eq(faulty_vfs_failures(), 1);
    cr_expect_eq(faulty_vfs_changes_since(), 0);
}

/* --- Two equal requests under a key, in the batch whose commit fails ------------------------- */

struct gate {
    sem_t reached;
    sem_t open;
};

/* Keeps the writer busy, so that what is submitted meanwhile makes one batch. */
static bool wait_at_gate(void *arg, struct slice current, char **out, size_t *len,
                         struct error *err)
{
    struct gate *gate = arg;

    (void)current;
    (void)err;
    sem_post(&gate->reached);
    sem_wait(&gate->open);
    *out = strdup("{}");
    *len = 2;
    return true;
}

static void post_done(struct store_job *job)
{
    sem_post(job->arg);
}

static void submit(struct store_job *job, sem_t *done)
{
    job->done = post_done;
    job->arg = done;
    cr_assert(store_reserve(fixture.store, job->operation));
    store_submit(fixture.store, job);
}

static struct slice answer(struct store_job *job)
{
    (void)job;
    return SLICE_LITERAL("made");
}

static struct store_job keyed_create(void)
{
    return (struct store_job){
        .operation = STORE_CREATE,
        .project_path = SLICE_LITERAL("/p"),
        .thread_id = SLICE_LITERAL("t"),
        .context = SLICE_LITERAL("{}"),
        .once = {.key = SLICE_LITERAL("key"), .answer = answer},
    };
}

Test(store_fault, a_failed_commit_is_not_answered_with_a_replay)
{
    struct gate gate;
    sem_t done;
    struct store_job first = {.operation = STORE_UPDATE, .edit = wait_at_gate, .edit_arg = &gate};
    struct store_job twins[2] = {keyed_create(), keyed_create()};

    open_store();
    fixture_create(&fixture, "/p", "t", "{}", first.id);
    sem_init(&gate.reached, 0, 0);
    sem_init(&gate.open, 0, 0);
    sem_init(&done, 0, 0);
    submit(&first, &done);
    sem_wait(&gate.reached);
    submit(&twins[0], &done);
    submit(&twins[1], &done);
    faulty_vfs_arm((struct fault){FAULT_SYNC, SQLITE_OPEN_WAL, SQLITE_IOERR_FSYNC, 2, 1});
    sem_post(&gate.open);
    for (int i = 0; i < 3; i++)
        sem_wait(&done);
    cr_expect_eq(first.error.kind, ERROR_NONE);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(twins[i].error.kind, ERROR_OUTCOME_UNKNOWN);
        cr_expect_not(twins[i].once.replayed);
        store_job_release(&twins[i]);
    }
    store_job_release(&first);
    expect_end();
}
