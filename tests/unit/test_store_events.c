/* Events through the store's door: each change is one, in the order of the commits; what a query
 * finds, and where a reader keeps its place. */

#include "store_fixture.h"

#include "db/store_events.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

static struct store_fixture fixture;
static char id[ID_SIZE];
static struct error err;

static void open_store(void)
{
    fixture_start(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_events, .init = open_store, .fini = release);

/* What a page showed, one event a line. */
struct shown {
    char text[8192];
    int64_t ids[256];
    int count;
    int stop_at; /* refuses the event of this number */
};

static void add(struct shown *shown, const char *name, struct slice value)
{
    const size_t used = strlen(shown->text);

    if (value.data != NULL)
        snprintf(shown->text + used, sizeof(shown->text) - used, " %s=%.*s", name, (int)value.len,
                 value.data);
}

static enum store_visit show(void *arg, const struct store_event *event)
{
    struct shown *shown = arg;
    char number[64];

    if (shown->stop_at != 0 && shown->count + 1 == shown->stop_at)
        return STORE_VISIT_STOP;
    shown->ids[shown->count++] = event->id;
    snprintf(number, sizeof(number), "%s v%lld", store_event_name(event->type),
             (long long)event->version);
    strcat(shown->text, number);
    add(shown, "at", event->project_path);
    add(shown, "from", event->from);
    add(shown, "to", event->to);
    if (event->context_changed)
        strcat(shown->text, " context");
    add(shown, "owner", event->lease_owner);
    if (event->lease_token != 0) {
        snprintf(number, sizeof(number), "%lld", (long long)event->lease_token);
        add(shown, "token", slice_from(number));
    }
    strcat(shown->text, "\n");
    return STORE_VISIT_NEXT;
}

static struct store_event_page read_page(struct store_event_query query, struct shown *shown)
{
    struct store_event_page page;

    *shown = (struct shown){.stop_at = shown->stop_at};
    if (query.limit == 0)
        query.limit = 256;
    if (query.scan == 0)
        query.scan = 10000;
    cr_assert(store_events(fixture.store, &query, show, shown, &page, &err), "%s", err.detail);
    return page;
}

static void expect(const char *wanted)
{
    static struct shown shown;

    read_page((struct store_event_query){0}, &shown);
    cr_expect_str_eq(shown.text, wanted);
    for (int i = 1; i < shown.count; i++)
        cr_expect_lt(shown.ids[i - 1], shown.ids[i]);
}

static struct store_job run(struct store_job job)
{
    memcpy(job.id, id, ID_SIZE);
    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job;
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
                                   .destination = SLICE_LITERAL("/q"),
                                   .max_path_bytes = 100,
                                   .dry_run = true};

    memcpy(id, "11111111-1111-4111-8111-111111111111", ID_SIZE);
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
                                    .once = {.key = SLICE_LITERAL("k"), .answer = answer}};

    cr_expect_not(run(keyed).once.replayed);
    cr_expect(run(keyed).once.replayed);
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
                                   .destination = SLICE_LITERAL("/q"),
                                   .max_path_bytes = 100};

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

Test(store_events, pages_go_on_where_the_last_one_ended)
{
    struct store_event_query query = {.limit = 2};
    struct shown shown = {0};

    for (int i = 0; i < 5; i++)
        fixture_create(&fixture, "/p", "t", "{}", NULL);
    for (int seen = 0; seen < 5; seen += 2) {
        const struct store_event_page page = read_page(query, &shown);
        cr_expect_eq(shown.count, seen < 4 ? 2 : 1);
        cr_expect_eq(page.more, seen < 4);
        cr_expect_eq(page.last, shown.ids[shown.count - 1]);
        query.after = page.last;
    }
    const struct store_event_page none = read_page(query, &shown);
    cr_expect_eq(shown.count, 0);
    cr_expect_not(none.more);
    cr_expect_eq(none.last, query.after);
    cr_expect_eq(none.last, none.newest);
}

Test(store_events, an_event_that_is_refused_comes_again)
{
    struct shown shown = {.stop_at = 2};

    fixture_create(&fixture, "/p", "t", "{}", NULL);
    fixture_create(&fixture, "/p", "t", "{}", NULL);
    const struct store_event_page page = read_page((struct store_event_query){0}, &shown);
    cr_expect_eq(shown.count, 1);
    cr_expect(page.more);
    cr_expect_eq(page.last, shown.ids[0]);
}

Test(store_events, filters_find_what_was_deleted_and_what_left)
{
    struct store_event_query query = {0};
    struct shown shown = {0};

    fixture_create(&fixture, "/a", "t1", "{}", NULL);
    fixture_create(&fixture, "/b", "t2", "{}", id);
    run((struct store_job){.operation = STORE_RELOCATE,
                           .project_path = SLICE_LITERAL("/b"),
                           .destination = SLICE_LITERAL("/c"),
                           .max_path_bytes = 100});
    run((struct store_job){.operation = STORE_DELETE});

    query.session_id = slice_from(id);
    read_page(query, &shown);
    cr_expect_eq(shown.count, 3);
    query.types = 1U << EVENT_SESSION_CREATED | 1U << EVENT_SESSION_DELETED;
    read_page(query, &shown);
    cr_expect_str_eq(shown.text, "session.created v1 at=/b\nsession.deleted v2 at=/c\n");
    read_page((struct store_event_query){.thread_id = SLICE_LITERAL("t1")}, &shown);
    cr_expect_str_eq(shown.text, "session.created v1 at=/a\n");
    read_page((struct store_event_query){.project_path = SLICE_LITERAL("/b")}, &shown);
    cr_expect_str_eq(shown.text, "session.created v1 at=/b\nsession.relocated v2 at=/c from=/b\n");
}

Test(store_events, a_page_looks_at_so_many_rows_and_says_how_far_it_got)
{
    struct store_event_query query = {.thread_id = SLICE_LITERAL("last"), .scan = 3};
    struct shown shown = {0};

    for (int i = 0; i < 7; i++)
        fixture_create(&fixture, "/p", i == 6 ? "last" : "t", "{}", NULL);
    for (int pages = 0; pages < 2; pages++) {
        const struct store_event_page page = read_page(query, &shown);
        cr_expect_eq(shown.count, 0);
        cr_expect(page.more);
        cr_expect_gt(page.last, query.after);
        query.after = page.last;
    }
    cr_expect_not(read_page(query, &shown).more);
    cr_expect_eq(shown.count, 1);
}

Test(store_events, a_timeline_is_newest_first_and_of_the_session_that_is_there)
{
    struct store_event_query query = {.timeline = true, .limit = 10, .scan = 100};
    struct store_job put = {.operation = STORE_PUT,
                            .project_path = SLICE_LITERAL("/p"),
                            .thread_id = SLICE_LITERAL("t"),
                            .context = SLICE_LITERAL("{}")};
    struct store_event_page page;
    struct shown shown = {0};

    memcpy(id, "11111111-1111-4111-8111-111111111111", ID_SIZE);
    run(put);
    run((struct store_job){.operation = STORE_DELETE});
    query.session_id = slice_from(id);
    cr_expect_not(store_events(fixture.store, &query, show, &shown, &page, &err));
    cr_expect_eq(err.kind, ERROR_NOT_FOUND);

    run(put);
    become(SESSION_ACTIVE);
    fixture_create(&fixture, "/p", "t", "{}", NULL);
    page = read_page(query, &shown);
    cr_expect_str_eq(shown.text, "session.transitioned v2 at=/p from=CREATED to=ACTIVE\n"
                                 "session.created v1 at=/p\n");
    cr_expect_not(page.more);
    query.limit = 1;
    page = read_page(query, &shown);
    cr_expect(page.more);
    query.before = page.last;
    cr_expect_not(read_page(query, &shown).more);
    cr_expect_str_eq(shown.text, "session.created v1 at=/p\n");
}

/* Another program knows nothing of events, and what it changed has a time that is no event's. */
Test(store_events, a_timeline_is_whole_though_another_program_changed_the_session)
{
    struct store_event_query query = {.timeline = true};
    struct shown shown = {0};

    fixture_create(&fixture, "/p", "t", "{}", id);
    query.session_id = slice_from(id);
    become(SESSION_ACTIVE);
    free(fixture_sql(&fixture, "UPDATE sessions SET updated_at = '2020-01-01T00:00:00'"));
    read_page(query, &shown);
    cr_expect_eq(shown.count, 2);
}

Test(store_events, what_is_gone_is_told_and_the_beginning_is_always_there)
{
    struct store_event_query query = {0};
    struct store_event_page page;
    struct shown shown = {0};
    int64_t ids[3];

    cr_expect_eq(read_page(query, &shown).newest, 0);
    for (int i = 0; i < 3; i++)
        ids[i] = fixture_create(&fixture, "/p", "t", "{}", NULL);
    free(fixture_sql(&fixture,
                     "UPDATE sessiond_events SET purged_id = (SELECT min(id) FROM events)"));
    free(fixture_sql(&fixture, "DELETE FROM events WHERE id = (SELECT min(id) FROM events)"));
    fixture_close(&fixture);
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);

    page = read_page(query, &shown);
    cr_expect_not(page.gone);
    cr_expect_eq(shown.count, 2);
    cr_expect_eq(page.oldest, ids[1]);
    cr_expect_eq(page.newest, ids[2]);
    query.after = ids[0] - 1;
    page = read_page(query, &shown);
    cr_expect(page.gone);
    cr_expect_eq(shown.count, 0);
    cr_expect_eq(page.oldest, ids[1]);
    query.after = ids[0];
    cr_expect_not(read_page(query, &shown).gone, "it has seen all that was removed");
    query.after = ids[2] + 1;
    cr_expect(read_page(query, &shown).gone, "a place that this database never gave");
}

Test(store_events, when_all_are_gone_the_newest_is_still_known)
{
    struct store_event_page page;
    struct shown shown = {0};

    const int64_t last = fixture_create(&fixture, "/p", "t", "{}", NULL);
    free(fixture_sql(&fixture,
                     "UPDATE sessiond_events SET purged_id = (SELECT max(id) FROM events)"));
    free(fixture_sql(&fixture, "DELETE FROM events"));
    page = read_page((struct store_event_query){0}, &shown);
    cr_expect_eq(page.oldest, 0);
    cr_expect_eq(page.newest, last);
    cr_expect_eq(page.last, last, "so that nothing later is missed unseen");
    cr_expect_not(read_page((struct store_event_query){.after = last}, &shown).gone);
    cr_expect(read_page((struct store_event_query){.after = last - 1}, &shown).gone);
}

Test(store_events, a_page_can_be_a_job)
{
    struct shown shown = {0};
    struct store_job job = {.operation = STORE_EVENTS,
                            .events = {.query = {.limit = 10, .scan = 10}, .visit = show},
                            .visit_arg = &shown};

    fixture_create(&fixture, "/p", "t", "{}", NULL);
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect_eq(shown.count, 1);
    cr_expect_eq(job.events.page.last, shown.ids[0]);
    store_job_release(&job);
}

static struct store_job put_consumer(const char *name, int64_t after)
{
    return run((struct store_job){.operation = STORE_CONSUMER_PUT,
                                  .consumer = {.name = slice_from(name), .after = after}});
}

Test(store_events, a_consumer_keeps_a_place_that_reading_does_not_move)
{
    struct store_event_query query = {.consumer = SLICE_LITERAL("worker")};
    struct store_consumer consumer;
    struct shown shown = {0};

    const int64_t first = fixture_create(&fixture, "/p", "t", "{}", NULL);
    fixture_create(&fixture, "/p", "t", "{}", NULL);
    cr_expect(put_consumer("worker", 0).created);
    cr_expect_not(put_consumer("worker", first).created);
    for (int i = 0; i < 2; i++) {
        read_page(query, &shown);
        cr_expect_eq(shown.count, 1);
    }
    cr_expect(store_consumer(fixture.store, SLICE_LITERAL("worker"), &consumer, &err));
    cr_expect_eq(consumer.after, first);
    cr_expect_gt(consumer.updated_us, first);

    const struct store_job forget = {.operation = STORE_CONSUMER_DELETE,
                                     .consumer = {.name = SLICE_LITERAL("worker")}};
    cr_expect_eq(run(forget).error.kind, ERROR_NONE);
    cr_expect_eq(run(forget).error.kind, ERROR_NOT_FOUND);
    cr_expect_not(store_consumer(fixture.store, SLICE_LITERAL("worker"), &consumer, &err));
    cr_expect_eq(err.kind, ERROR_NOT_FOUND);
}
