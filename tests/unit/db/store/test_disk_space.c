/* What is stored is copied into a job only where the submitter has room for it. */

#include "tests/unit/support/store_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct store_fixture fixture;

static void start(void)
{
    fixture_start(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_room, .init = start, .fini = release);

struct admission {
    bool admits;
    int calls;
    size_t bytes;
};

static bool admit(struct store_job *job, size_t bytes)
{
    struct admission *admission = job->admit_arg;

    admission->calls++;
    admission->bytes = bytes;
    return admission->admits;
}

static bool empty_context(void *arg, struct slice current, char **out, size_t *len,
                          struct error *err)
{
    (void)current;
    (void)err;
    *(int *)arg += 1;
    *out = strdup("{}");
    *len = 2;
    return true;
}

static enum error_kind activate(const char *id, struct admission *admission, int *edits)
{
    struct store_job job = {.operation = STORE_UPDATE,
                            .has_status = true,
                            .status = SESSION_ACTIVE,
                            .edit = edits == NULL ? NULL : empty_context,
                            .edit_arg = edits,
                            .admit = admit,
                            .admit_arg = admission};

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job.error.kind;
}

Test(store_room, a_job_without_it_is_refused_and_changes_nothing)
{
    struct admission admission = {0};
    char id[UUID_SIZE];
    int edits = 0;

    fixture_create(&fixture, "/p", "t", "{1234567}", id);
    cr_expect_eq(activate(id, &admission, NULL), ERROR_OVERLOADED);
    cr_expect_eq(activate(id, &admission, &edits), ERROR_OVERLOADED);
    cr_expect_eq(admission.calls, 2);
    cr_expect_eq(admission.bytes, 9);
    cr_expect_eq(edits, 0);
    fixture_expect(&fixture, "SELECT status || version || context FROM sessions",
                   "CREATED1{1234567}");
    admission.admits = true;
    cr_expect_eq(activate(id, &admission, &edits), ERROR_NONE);
    cr_expect_eq(edits, 1);
    fixture_expect(&fixture, "SELECT status || version || context FROM sessions", "ACTIVE2{}");
}

Test(store_room, a_put_that_finds_a_session_makes_none_either)
{
    struct admission admission = {0};
    struct store_job job = {.operation = STORE_PUT,
                            .project_path = SLICE_LITERAL("/p"),
                            .thread_id = SLICE_LITERAL("t"),
                            .context = SLICE_LITERAL("{}"),
                            .admit = admit,
                            .admit_arg = &admission};

    fixture_create(&fixture, "/p", "t", "{1}", job.id);
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_OVERLOADED);
    cr_expect_not(job.created);
    store_job_release(&job);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "1");
}

static struct slice answer(struct store_job *job)
{
    (void)job;
    return SLICE_LITERAL("an answer");
}

static enum error_kind create_once(struct admission *admission, bool *replayed)
{
    struct store_job job = {.operation = STORE_CREATE,
                            .project_path = SLICE_LITERAL("/p"),
                            .thread_id = SLICE_LITERAL("t"),
                            .context = SLICE_LITERAL("{}"),
                            .idempotency = {.key = SLICE_LITERAL("key"), .answer = answer},
                            .admit = admit,
                            .admit_arg = admission};

    fixture_run(&fixture, &job);
    *replayed = job.idempotency.replayed;
    store_job_release(&job);
    return job.error.kind;
}

Test(store_room, an_answer_that_was_kept_needs_it_too)
{
    struct admission admission = {0};
    bool replayed = true;

    cr_expect_eq(create_once(&admission, &replayed), ERROR_NONE);
    cr_expect_eq(admission.calls, 0);
    cr_expect_eq(create_once(&admission, &replayed), ERROR_OVERLOADED);
    cr_expect_not(replayed);
    cr_expect_eq(admission.bytes, strlen("an answer"));
    admission.admits = true;
    cr_expect_eq(create_once(&admission, &replayed), ERROR_NONE);
    cr_expect(replayed);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "1");
}
