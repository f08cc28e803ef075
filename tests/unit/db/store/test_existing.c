/* Get-or-create where its thread and its project have long lists of other sessions. */

#include "tests/unit/support/store_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct store_fixture fixture;

static void open_store(void)
{
    fixture_start(&fixture);
    fixture_create(&fixture, "/seed", "seed", "{}", NULL);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_existing, .init = open_store, .fini = release);

/* 20,000 older sessions, of the thread and of the project in turn, and none of both. */
static void alternate(void)
{
    free(fixture_sql(&fixture,
                     "WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n"
                     " WHERE i < 20009) INSERT INTO sessions (seq, id, project_path, thread_id,"
                     " status, created_at, updated_at, context_bytes, context)"
                     " SELECT i, 'x' || i, CASE i % 2 WHEN 0 THEN '/p' ELSE '/' || i END,"
                     " CASE i % 2 WHEN 0 THEN i ELSE 't' END, 'CREATED', created_at, updated_at, 2,"
                     " '{}' FROM n, (SELECT * FROM sessions LIMIT 1)"));
}

static struct store_job get_or_create(void)
{
    return (struct store_job){.operation = STORE_CREATE,
                              .project_path = SLICE_LITERAL("/p"),
                              .thread_id = SLICE_LITERAL("t"),
                              .context = SLICE_LITERAL("{}"),
                              .or_existing = true};
}

Test(store_existing, a_session_behind_a_long_search_is_found)
{
    struct store_job job = get_or_create();

    free(fixture_sql(&fixture, "INSERT INTO sessions (seq, id, project_path, thread_id, status,"
                               " created_at, updated_at, context_bytes, context) SELECT 1,"
                               " '11111111-1111-4111-8111-111111111111', '/p', 't', 'PAUSED',"
                               " created_at, updated_at, 2, '{}' FROM sessions LIMIT 1"));
    alternate();
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    cr_expect_not(job.created);
    cr_expect(slice_is(job.session.id, "11111111-1111-4111-8111-111111111111"));
    store_job_release(&job);
}

#define AT_ONCE 12

Test(store_existing, long_searches_at_once_create_one_session)
{
    static struct store_job jobs[AT_ONCE + 1];
    int created = 0;

    alternate();
    for (int i = 0; i < AT_ONCE; i++)
        jobs[i] = get_or_create();
    fixture_run_all(&fixture, jobs, AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) {
        cr_assert_eq(jobs[i].error.kind, ERROR_NONE, "%s", jobs[i].error.detail);
        created += jobs[i].created;
        store_job_release(&jobs[i]);
    }
    cr_expect_eq(created, 1);
    fixture_expect(&fixture,
                   "SELECT count(*) FROM sessions WHERE project_path = '/p' AND thread_id = 't'",
                   "1");
}

/* A relocation gives an older session the project while the search is under way. Whichever of the
 * two is first, both results fit one order. */
Test(store_existing, a_session_that_is_moved_meanwhile_is_found)
{
    struct store_job jobs[2];

    free(fixture_sql(&fixture, "INSERT INTO sessions (seq, id, project_path, thread_id, status,"
                               " created_at, updated_at, context_bytes, context) SELECT 20020,"
                               " '11111111-1111-4111-8111-111111111111', '/q', 't', 'PAUSED',"
                               " created_at, updated_at, 2, '{}' FROM sessions LIMIT 1"));
    alternate();
    jobs[0] = get_or_create();
    jobs[1] =
        (struct store_job){.operation = STORE_RELOCATE,
                           .client = 1,
                           .project_path = SLICE_LITERAL("/q"),
                           .bulk = {.destination = SLICE_LITERAL("/p"), .max_path_bytes = 10}};
    fixture_run_all(&fixture, jobs, 2);
    cr_assert_eq(jobs[0].error.kind, ERROR_NONE, "%s", jobs[0].error.detail);
    cr_assert_eq(jobs[1].error.kind, ERROR_NONE, "%s", jobs[1].error.detail);
    cr_expect_not(jobs[0].created, "the relocation came in between");
    store_job_release(&jobs[0]);
    store_job_release(&jobs[1]);
}

static struct slice answer(struct store_job *job)
{
    return job->created ? SLICE_LITERAL("created") : SLICE_LITERAL("found");
}

Test(store_existing, a_long_search_with_a_key_is_carried_out_once)
{
    struct store_job job = get_or_create();

    alternate();
    job.idempotency.key = SLICE_LITERAL("k");
    job.idempotency.answer = answer;
    fixture_run(&fixture, &job);
    cr_expect(job.created);
    store_job_release(&job);
    job = get_or_create();
    job.idempotency.key = SLICE_LITERAL("k");
    job.idempotency.answer = answer;
    fixture_run(&fixture, &job);
    cr_expect(job.idempotency.replayed);
    cr_expect(slice_is(job.idempotency.kept, "created"));
    store_job_release(&job);
}
