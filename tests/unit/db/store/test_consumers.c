/* How many consumers may be stored. */

#include "tests/unit/support/store_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct store_fixture fixture;

static void open_store(void)
{
    struct error err;

    fixture_init(&fixture);
    fixture.options.max_consumers = 3;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_consumers, .init = open_store, .fini = release);

static struct store_job run(enum store_operation operation, int number)
{
    char name[16];
    struct store_job job = {.operation = operation};

    snprintf(name, sizeof(name), "c%d", number);
    job.consumer.name = slice_from(name);
    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job;
}

Test(store_consumers, a_new_consumer_beyond_the_limit_is_refused)
{
    for (int i = 0; i < 3; i++)
        cr_expect_eq(run(STORE_CONSUMER_PUT, i).error.kind, ERROR_NONE, "consumer %d", i);
    cr_expect_eq(run(STORE_CONSUMER_PUT, 3).error.kind, ERROR_DATABASE_FULL);
    fixture_expect(&fixture, "SELECT count(*) FROM consumers", "3");
}

Test(store_consumers, at_the_limit_a_stored_consumer_still_commits)
{
    for (int i = 0; i < 3; i++)
        run(STORE_CONSUMER_PUT, i);
    const struct store_job job = run(STORE_CONSUMER_PUT, 1);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect_not(job.created);
}

Test(store_consumers, a_deleted_consumer_makes_room)
{
    for (int i = 0; i < 3; i++)
        run(STORE_CONSUMER_PUT, i);
    cr_expect_eq(run(STORE_CONSUMER_DELETE, 1).error.kind, ERROR_NONE);
    cr_expect_eq(run(STORE_CONSUMER_PUT, 3).error.kind, ERROR_NONE);
}

Test(store_consumers, a_full_database_takes_no_new_consumer)
{
    struct error err;

    run(STORE_CONSUMER_PUT, 0);
    fixture_close(&fixture);
    fixture.options.max_db_bytes = 1;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    cr_expect_eq(run(STORE_CONSUMER_PUT, 0).error.kind, ERROR_NONE);
    cr_expect_eq(run(STORE_CONSUMER_PUT, 1).error.kind, ERROR_DATABASE_FULL);
}
