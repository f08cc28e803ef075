/* Events through the store's door: each change is one, in the order of the commits. */

#include "tests/unit/support/events_fixture.h"

#include <criterion/criterion.h>
#include <time.h>

static struct store_fixture fixture;
static char id[UUID_SIZE];

static void open_store(void)
{
    fixture_start(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_events, .init = open_store, .fini = release);

static struct store_event_page read_page(struct store_event_query query, struct shown *shown)
{
    return events_read(&fixture, query, shown);
}

static void expect(const char *wanted)
{
    events_expect(&fixture, wanted);
}

static struct store_job run(struct store_job job)
{
    return events_run(&fixture, id, job);
}

static void become(enum session_status status)
{
    cr_assert_eq(fixture_update(&fixture, id, &status, NULL), ERROR_NONE);
}

Test(store_events, a_session_s_life_is_a_row_a_change)
{
    const enum session_status paused = SESSION_PAUSED;

    fixture_create(&fixture, "/p", "t", "{}", id);
    cr_expect_eq(fixture_update(&fixture, id, NULL, "{\"n\":1}"), ERROR_NONE);
    become(SESSION_ACTIVE);
    cr_expect_eq(fixture_update(&fixture, id, &paused, "{\"n\":2}"), ERROR_NONE);
    become(SESSION_PAUSED);
    cr_expect_eq(run((struct store_job){.operation = STORE_DELETE}).error.kind, ERROR_NONE);
    expect("session.created v1 at=/p\n"
           "session.updated v2 at=/p context\n"
           "session.transitioned v3 at=/p from=CREATED to=ACTIVE\n"
           "session.transitioned v4 at=/p from=ACTIVE to=PAUSED context\n"
           "session.updated v5 at=/p\n"
           "session.deleted v5 at=/p\n");
}

Test(store_events, an_event_s_id_is_the_time_of_the_change)
{
    struct shown shown = {0};
    const int64_t seq = fixture_create(&fixture, "/p", "t", "{}", id);

    const struct store_job job =
        run((struct store_job){.operation = STORE_UPDATE, .context = SLICE_LITERAL("{\"n\":1}")});
    read_page((struct store_event_query){0}, &shown);
    cr_expect_eq(shown.count, 2);
    cr_expect_eq(shown.ids[0], seq);
    cr_expect_eq(shown.ids[1], job.session.updated_us);
}

Test(store_events, what_changes_nothing_is_none)
{
    const enum session_status paused = SESSION_PAUSED;
    struct store_job put = {.operation = STORE_PUT,
                            .project_path = SLICE_LITERAL("/p"),
                            .thread_id = SLICE_LITERAL("t"),
                            .context = SLICE_LITERAL("{}")};
    const struct store_job again = {.operation = STORE_CREATE,
                                    .project_path = SLICE_LITERAL("/p"),
                                    .thread_id = SLICE_LITERAL("t"),
                                    .context = SLICE_LITERAL("{}"),
                                    .or_existing = true};
    const struct store_job move = {.operation = STORE_RELOCATE,
                                   .project_path = SLICE_LITERAL("/p"),
                                   .bulk.destination = SLICE_LITERAL("/q"),
                                   .bulk.max_path_bytes = 100,
                                   .bulk.dry_run = true};

    memcpy(id, "11111111-1111-4111-8111-111111111111", UUID_SIZE);
    cr_expect(run(put).created);
    expect("session.created v1 at=/p\n");
    cr_expect_not(run(put).created);
    cr_expect_not(run(again).created);
    cr_expect_eq(fixture_update(&fixture, id, &paused, NULL), ERROR_INVALID_TRANSITION);
    cr_expect_eq(fixture_update(&fixture, id, NULL, NULL), ERROR_NONE);
    run((struct store_job){.operation = STORE_RECOVER});
    run((struct store_job){.operation = STORE_PROBE});
    run(move);
    expect("session.created v1 at=/p\n");
}

static struct slice answer(struct store_job *job)
{
    (void)job;
    return SLICE_LITERAL("answer");
}

Test(store_events, a_replay_is_none)
{
    const struct store_job keyed = {.operation = STORE_CREATE,
                                    .project_path = SLICE_LITERAL("/p"),
                                    .thread_id = SLICE_LITERAL("t"),
                                    .context = SLICE_LITERAL("{}"),
                                    .idempotency = {.key = SLICE_LITERAL("k"), .answer = answer}};

    cr_expect_not(run(keyed).idempotency.replayed);
    cr_expect(run(keyed).idempotency.replayed);
    expect("session.created v1 at=/p\n");
}

static int64_t lease(const char *owner, int64_t token, int64_t ttl_ms, bool steal)
{
    return run((struct store_job){.operation = STORE_LEASE,
                                  .owner = slice_from(owner),
                                  .ttl_ms = ttl_ms,
                                  .steal = steal,
                                  .fence = {token != 0, token}})
        .session.lease.token;
}

static void release_lease(int64_t token)
{
    run((struct store_job){.operation = STORE_RELEASE, .fence = {true, token}});
}

Test(store_events, leases_and_who_had_them)
{
    fixture_create(&fixture, "/p", "t", "{}", id);
    const int64_t first = lease("a", 0, 60000, false);
    cr_expect_eq(lease("a", first, 60000, false), first, "a renewal");
    const int64_t second = lease("b", 0, 60000, true);
    lease("a", 0, 60000, false); /* refused */
    const int64_t third = lease("b", 0, 60000, true);
    release_lease(second); /* refused */
    release_lease(third);
    release_lease(third); /* sent again */
    expect("session.created v1 at=/p\n"
           "lease.granted v2 at=/p from=CREATED to=ACTIVE owner=a token=1\n"
           "lease.stolen v3 at=/p owner=b token=2\n"
           "lease.granted v4 at=/p owner=b token=3\n"
           "lease.released v5 at=/p from=ACTIVE to=PAUSED owner=b token=3\n");
}

Test(store_events, an_expiry_is_one)
{
    const struct timespec a_moment = {.tv_nsec = 10000000};
    struct shown shown = {0};

    fixture_create(&fixture, "/p", "t", "{}", id);
    lease("a", 0, 1, false);
    for (int i = 0; i < 1000 && shown.count < 3; i++) {
        nanosleep(&a_moment, NULL);
        read_page((struct store_event_query){0}, &shown);
    }
    expect("session.created v1 at=/p\n"
           "lease.granted v2 at=/p from=CREATED to=ACTIVE owner=a token=1\n"
           "lease.expired v3 at=/p from=ACTIVE to=PAUSED owner=a token=1\n");
}

Test(store_events, a_session_that_is_over_is_one_row_though_a_lease_ends)
{
    fixture_create(&fixture, "/p", "t", "{}", id);
    const int64_t token = lease("a", 0, 60000, false);
    run((struct store_job){.operation = STORE_UPDATE,
                           .has_status = true,
                           .status = SESSION_TERMINATED,
                           .fence = {true, token}});
    expect("session.created v1 at=/p\n"
           "lease.granted v2 at=/p from=CREATED to=ACTIVE owner=a token=1\n"
           "session.transitioned v3 at=/p from=ACTIVE to=TERMINATED\n");
}

Test(store_events, a_recovery_and_a_move_are_a_row_a_session)
{
    const struct store_job move = {.operation = STORE_RELOCATE,
                                   .project_path = SLICE_LITERAL("/p"),
                                   .bulk.destination = SLICE_LITERAL("/q"),
                                   .bulk.max_path_bytes = 100};

    fixture_create(&fixture, "/p/1", "t", "{}", id);
    become(SESSION_ACTIVE);
    fixture_create(&fixture, "/p/2", "t", "{}", id);
    lease("a", 0, 60000, false);
    run((struct store_job){.operation = STORE_RECOVER});
    run((struct store_job){.operation = STORE_RECOVER, .owner = SLICE_LITERAL("a")});
    run(move);
    expect("session.created v1 at=/p/1\n"
           "session.transitioned v2 at=/p/1 from=CREATED to=ACTIVE\n"
           "session.created v1 at=/p/2\n"
           "lease.granted v2 at=/p/2 from=CREATED to=ACTIVE owner=a token=1\n"
           "session.recovered v3 at=/p/1 from=ACTIVE to=PAUSED\n"
           "session.recovered v3 at=/p/2 from=ACTIVE to=PAUSED owner=a token=1\n"
           "session.relocated v4 at=/q/1 from=/p/1\n"
           "session.relocated v4 at=/q/2 from=/p/2\n");
}
