/* Pages of events: what a query finds, how far it got, what is gone, where a reader keeps its
 * place. */

#include "tests/unit/support/events_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct store_fixture fixture;
static char id[UUID_SIZE];
static struct error err;

static void open_store(void)
{
    fixture_start(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_events_read, .init = open_store, .fini = release);

static struct store_event_page read_page(struct store_event_query query, struct shown *shown)
{
    return events_read(&fixture, query, shown);
}

static struct store_job run(struct store_job job)
{
    return events_run(&fixture, id, job);
}

static void become(enum session_status status)
{
    cr_assert_eq(fixture_update(&fixture, id, &status, NULL), ERROR_NONE);
}

Test(store_events_read, pages_go_on_where_the_last_one_ended)
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

Test(store_events_read, an_event_that_is_refused_comes_again)
{
    struct shown shown = {.stop_at = 2};

    fixture_create(&fixture, "/p", "t", "{}", NULL);
    fixture_create(&fixture, "/p", "t", "{}", NULL);
    const struct store_event_page page = read_page((struct store_event_query){0}, &shown);
    cr_expect_eq(shown.count, 1);
    cr_expect(page.more);
    cr_expect_eq(page.last, shown.ids[0]);
}

Test(store_events_read, filters_find_what_was_deleted_and_what_left)
{
    struct store_event_query query = {0};
    struct shown shown = {0};

    fixture_create(&fixture, "/a", "t1", "{}", NULL);
    fixture_create(&fixture, "/b", "t2", "{}", id);
    run((struct store_job){.operation = STORE_RELOCATE,
                           .project_path = SLICE_LITERAL("/b"),
                           .bulk.destination = SLICE_LITERAL("/c"),
                           .bulk.max_path_bytes = 100});
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

Test(store_events_read, a_page_looks_at_so_many_rows_and_says_how_far_it_got)
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

Test(store_events_read, a_timeline_is_newest_first_and_of_the_session_that_is_there)
{
    struct store_event_query query = {.timeline = true, .limit = 10, .scan = 100};
    struct store_job put = {.operation = STORE_PUT,
                            .project_path = SLICE_LITERAL("/p"),
                            .thread_id = SLICE_LITERAL("t"),
                            .context = SLICE_LITERAL("{}")};
    struct store_event_page page;
    struct shown shown = {0};

    memcpy(id, "11111111-1111-4111-8111-111111111111", UUID_SIZE);
    run(put);
    run((struct store_job){.operation = STORE_DELETE});
    query.session_id = slice_from(id);
    cr_expect_not(store_events(fixture.store, &query, events_show, &shown, &page, &err));
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
Test(store_events_read, a_timeline_is_whole_though_another_program_changed_the_session)
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

Test(store_events_read, what_is_gone_is_told_and_the_beginning_is_always_there)
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

/* A corrupt file: an event is there that is said to be removed. A client that begins at the oldest
 * event must not be told again that it is gone. */
Test(store_events_read, the_oldest_event_is_one_that_is_not_gone)
{
    struct shown shown = {0};

    fixture_create(&fixture, "/p", "t", "{}", NULL);
    const int64_t removed = fixture_create(&fixture, "/p", "t", "{}", NULL);
    const int64_t oldest = fixture_create(&fixture, "/p", "t", "{}", NULL);
    free(fixture_sql(&fixture, "UPDATE sessiond_events SET purged_id ="
                               " (SELECT id FROM events ORDER BY id LIMIT 1 OFFSET 1)"));
    struct store_event_page page =
        read_page((struct store_event_query){.after = removed - 1}, &shown);
    cr_expect(page.gone);
    cr_expect_eq(page.oldest, oldest);
    page = read_page((struct store_event_query){.after = page.oldest - 1}, &shown);
    cr_expect_not(page.gone);
    cr_expect_eq(shown.count, 1);
}

Test(store_events_read, when_all_are_gone_the_newest_is_still_known)
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

Test(store_events_read, a_page_can_be_a_job)
{
    struct shown shown = {0};
    struct store_job job = {.operation = STORE_EVENTS,
                            .events = {.query = {.limit = 10, .scan = 10}, .visit = events_show},
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

Test(store_events_read, a_consumer_keeps_a_place_that_reading_does_not_move)
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
