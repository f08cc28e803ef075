/* How long events are kept, and how many: the oldest go first, a few at a time, and it is known. */

#include "tests/unit/support/events_fixture.h"

#include "db/store/stats.h"

#include <criterion/criterion.h>
#include <time.h>

static struct store_fixture fixture;
static struct error err;

static void prepare(void)
{
    fixture_init(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_events_kept, .init = prepare, .fini = release);

static void open_store(void)
{
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void create(int count)
{
    for (int i = 0; i < count; i++)
        fixture_create(&fixture, "/p", "t", "{}", NULL);
}

static int64_t kept(void)
{
    struct store_stats stats;

    store_stats(fixture.store, &stats);
    return stats.events;
}

static void wait_until_kept(int64_t count)
{
    const struct timespec a_moment = {.tv_nsec = 10000000};

    for (int i = 0; i < 1000 && kept() != count; i++)
        nanosleep(&a_moment, NULL);
    cr_expect_eq(kept(), count);
}

static struct store_event_page read_after(int64_t after, struct shown *shown)
{
    return events_read(&fixture, (struct store_event_query){.after = after}, shown);
}

Test(store_events_kept, so_many_are_kept_and_the_rest_is_gone)
{
    struct shown shown = {0};

    open_store();
    create(10);
    read_after(0, &shown);
    const int64_t first = shown.ids[0];
    const int64_t seventh = shown.ids[6];
    const int64_t eighth = shown.ids[7];
    cr_expect_eq(kept(), 10);
    fixture_close(&fixture);

    fixture.options.max_events = 3;
    open_store();
    wait_until_kept(3);
    const struct store_event_page page = read_after(first, &shown);
    cr_expect(page.gone);
    cr_expect_eq(page.oldest, eighth);
    cr_expect_not(read_after(seventh, &shown).gone);
    cr_expect_eq(shown.count, 3);
    read_after(0, &shown);
    cr_expect_eq(shown.count, 3);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "10");
}

Test(store_events_kept, what_is_younger_than_the_term_stays)
{
    struct store_stats stats;
    struct shown shown = {0};

    open_store();
    create(2);
    free(fixture_sql(&fixture, "UPDATE events SET id = id - 2000000"));
    create(1);
    fixture_close(&fixture);

    fixture.options.event_retention_us = 1000000;
    open_store();
    wait_until_kept(1);
    const struct store_event_page page = read_after(0, &shown);
    cr_expect_eq(shown.count, 1);
    cr_expect_eq(page.oldest, page.newest);
    store_stats(fixture.store, &stats);
    cr_expect_eq(stats.counts[STORE_EVENTS_EXPIRED], 2);
}

Test(store_events_kept, many_go_step_by_step)
{
    open_store();
    create(1);
    free(fixture_sql(&fixture,
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000)"
                     " INSERT INTO events (id, type, version, session_id, thread_id, project_path)"
                     " SELECT i, 1, 1, 'x', 't', '/p' FROM n"));
    fixture_close(&fixture);

    fixture.options.max_events = 1;
    open_store();
    cr_expect_gt(kept(), 1, "a start does not wait for all of it");
    wait_until_kept(1);
}

Test(store_events_kept, the_newest_is_known_though_all_are_gone)
{
    open_store();
    cr_expect_eq(store_newest_event(fixture.store), 0);
    create(2);
    const int64_t newest = fixture_create(&fixture, "/p", "t", "{}", NULL);
    cr_expect_eq(store_newest_event(fixture.store), newest);
    free(fixture_sql(&fixture, "UPDATE events SET id = id - 2000000"));
    free(fixture_sql(&fixture, "UPDATE sessiond_events SET purged_id = 0"));
    fixture_close(&fixture);

    fixture.options.event_retention_us = 1;
    open_store();
    wait_until_kept(0);
    fixture_close(&fixture);
    open_store();
    cr_expect_eq(store_newest_event(fixture.store), newest - 2000000);
    cr_expect_eq(kept(), 0);
}
