/* Requests that are carried out once, through the store's door. */

#include "tests/unit/support/store_fixture.h"

#include "db/store/stats.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct store_fixture fixture;

static void open_store(void)
{
    fixture_start(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_idempotency, .init = open_store, .fini = release);

/* A job is the first member, so that the answer can stand beside it. */
struct keyed_job {
    struct store_job job;
    char answer[64];
};

static struct slice answer(struct store_job *job)
{
    struct keyed_job *keyed = (struct keyed_job *)job;

    snprintf(keyed->answer, sizeof(keyed->answer), "%d %s", (int)job->error.kind, job->id);
    return slice_from(keyed->answer);
}

static void run(struct keyed_job *keyed, const char *key, unsigned char digest)
{
    keyed->job.operation = STORE_CREATE;
    keyed->job.project_path = SLICE_LITERAL("/p");
    keyed->job.thread_id = SLICE_LITERAL("t");
    keyed->job.context = SLICE_LITERAL("{}");
    keyed->job.idempotency.key = slice_from(key);
    keyed->job.idempotency.digest[0] = digest;
    keyed->job.idempotency.answer = answer;
    fixture_run(&fixture, &keyed->job);
}

static int64_t count_sessions(void)
{
    struct store_stats stats;

    store_stats(fixture.store, &stats);
    return stats.sessions[SESSION_CREATED];
}

Test(store_idempotency, the_second_time_gets_the_first_answer)
{
    struct keyed_job first = {0};
    struct keyed_job second = {0};
    struct store_stats stats;
    struct error err;

    run(&first, "key", 7);
    cr_expect_not(first.job.idempotency.replayed);
    fixture_close(&fixture);
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    run(&second, "key", 7);
    cr_expect(second.job.idempotency.replayed);
    cr_expect_eq(second.job.error.kind, ERROR_NONE);
    cr_expect(slice_is(second.job.idempotency.kept, first.answer));
    cr_expect_eq(count_sessions(), 1);
    store_stats(fixture.store, &stats);
    cr_expect_eq(stats.counts[STORE_REPLAYS], 1);
    store_job_release(&first.job);
    store_job_release(&second.job);
}

Test(store_idempotency, another_request_under_the_key_is_refused)
{
    struct keyed_job first = {0};
    struct keyed_job second = {0};

    run(&first, "key", 7);
    run(&second, "key", 8);
    cr_expect_eq(second.job.error.kind, ERROR_KEY_REUSED);
    cr_expect_not(second.job.idempotency.replayed);
    cr_expect_eq(count_sessions(), 1);
    store_job_release(&first.job);
    store_job_release(&second.job);
}

Test(store_idempotency, a_refusal_changed_nothing_and_may_be_tried_again)
{
    struct keyed_job keyed = {0};

    for (int i = 0; i < 2; i++) {
        keyed = (struct keyed_job){
            .job = {.operation = STORE_DELETE, .idempotency = {.answer = answer}}};
        memcpy(keyed.job.id, "b0a4c7de-0000-4000-8000-000000000000", UUID_SIZE);
        keyed.job.idempotency.key = SLICE_LITERAL("key");
        fixture_run(&fixture, &keyed.job);
        cr_expect_not(keyed.job.idempotency.replayed);
        cr_expect_eq(keyed.job.error.kind, ERROR_NOT_FOUND);
        store_job_release(&keyed.job);
    }
}

Test(store_idempotency, an_old_key_is_forgotten)
{
    struct keyed_job first = {0};
    struct keyed_job second = {0};
    struct error err;

    run(&first, "key", 7);
    fixture_close(&fixture);
    free(
        fixture_sql(&fixture, "UPDATE idempotency_keys SET created_us = created_us - 86400000000"));
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    run(&second, "key", 8);
    cr_expect_eq(second.job.error.kind, ERROR_NONE);
    cr_expect_not(second.job.idempotency.replayed);
    cr_expect_eq(count_sessions(), 2);
    store_job_release(&first.job);
    store_job_release(&second.job);
}

static int64_t count_keys(void)
{
    char *text = fixture_sql(&fixture, "SELECT count(*) FROM idempotency_keys");
    const int64_t count = strtoll(text, NULL, 10);

    free(text);
    return count;
}

/* The steps are taken between the writes, with rests. */
Test(store_idempotency, old_keys_are_swept_step_by_step_and_young_ones_stay)
{
    struct keyed_job young = {0};
    struct error err;

    run(&young, "young", 7);
    store_job_release(&young.job);
    fixture_close(&fixture);
    free(fixture_sql(&fixture,
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                     " INSERT INTO idempotency_keys SELECT i, 'old ' || i, x'00', x'00' FROM n"));
    cr_expect_eq(count_keys(), 301);
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    for (int i = 0; i < 500 && count_keys() > 1; i++)
        usleep(10000);
    cr_expect_eq(count_keys(), 1);
    young = (struct keyed_job){0};
    run(&young, "young", 7);
    cr_expect(young.job.idempotency.replayed);
    store_job_release(&young.job);
}

struct racer {
    pthread_t thread;
    struct keyed_job keyed;
};

static void *race(void *arg)
{
    struct racer *racer = arg;

    run(&racer->keyed, "one", 1);
    return NULL;
}

Test(store_idempotency, many_at_once_make_one)
{
    static struct racer racers[32];
    int carried_out = 0;

    for (int i = 0; i < 32; i++)
        cr_assert_eq(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    for (int i = 0; i < 32; i++) {
        pthread_join(racers[i].thread, NULL);
        carried_out += !racers[i].keyed.job.idempotency.replayed;
        store_job_release(&racers[i].keyed.job);
    }
    cr_expect_eq(carried_out, 1);
    cr_expect_eq(count_sessions(), 1);
}

Test(store_idempotency, get_or_create_returns_the_newest_that_is_not_terminated)
{
    const enum session_status gone = SESSION_TERMINATED;
    struct store_job job = {
        .operation = STORE_CREATE,
        .project_path = SLICE_LITERAL("/p"),
        .thread_id = SLICE_LITERAL("t"),
        .context = SLICE_LITERAL("{\"new\":1}"),
        .or_existing = true,
    };
    char ids[2][UUID_SIZE];

    fixture_create(&fixture, "/p", "t", "{\"old\":1}", ids[0]);
    fixture_create(&fixture, "/p", "t", "{\"old\":2}", ids[1]);
    fixture_create(&fixture, "/p", "other", "{}", NULL);
    fixture_create(&fixture, "/other", "t", "{}", NULL);
    fixture_run(&fixture, &job);
    cr_expect_not(job.created);
    cr_expect(slice_is(job.session.id, ids[1]));
    cr_expect(slice_is(job.session.context, "{\"old\":2}"));
    store_job_release(&job);

    fixture_update(&fixture, ids[1], &gone, NULL);
    fixture_run(&fixture, &job);
    cr_expect(slice_is(job.session.id, ids[0]));
    store_job_release(&job);

    fixture_update(&fixture, ids[0], &gone, NULL);
    fixture_run(&fixture, &job);
    cr_expect(job.created);
    cr_expect(slice_is(job.session.context, "{\"new\":1}"));
    store_job_release(&job);
}

/* As only another program could write it. */
Test(store_idempotency, an_existing_session_whose_id_is_none_is_a_fault)
{
    struct store_job job = {
        .operation = STORE_CREATE,
        .project_path = SLICE_LITERAL("/p"),
        .thread_id = SLICE_LITERAL("t"),
        .context = SLICE_LITERAL("{}"),
        .or_existing = true,
    };

    fixture_create(&fixture, "/p", "t", "{}", NULL);
    free(fixture_sql(&fixture, "UPDATE sessions SET id = 'short'"));
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_INTERNAL);
    cr_expect_str_eq(job.error.detail, "the id of a session is not a UUID");
    store_job_release(&job);
    cr_expect_eq(count_sessions(), 1);
}

Test(store_idempotency, a_status_that_is_not_the_expected_one_refuses_the_change)
{
    struct store_job job = {
        .operation = STORE_UPDATE,
        .has_status = true,
        .status = SESSION_ACTIVE,
        .has_expected = true,
        .expected = SESSION_PAUSED,
    };

    fixture_create(&fixture, "/p", "t", "{}", job.id);
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_STATUS_MISMATCH);
    cr_expect_eq(job.session.status, SESSION_CREATED);
    store_job_release(&job);

    job.error = (struct error){0};
    job.expected = SESSION_CREATED;
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect_eq(job.session.status, SESSION_ACTIVE);
    store_job_release(&job);
}
