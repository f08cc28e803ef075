/* Whoever follows the events is told of each commit that wrote some, when reads show them and
 * before anybody is answered. */

#include "tests/unit/support/events_fixture.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

static struct store_fixture fixture;
static atomic_int_least64_t announced;
static atomic_int announcements;
static atomic_int too_early;
static atomic_bool looks;

static enum store_visit count_event(void *arg, const struct store_event *event)
{
    (void)event;
    (*(int *)arg)++;
    return STORE_VISIT_NEXT;
}

/* The event that is announced is there. */
static void on_events(void *arg, int64_t newest)
{
    const struct store_event_query query = {.after = newest - 1, .limit = 1, .scan = 1};
    struct store_event_page page;
    struct error err;
    int found = 0;

    (void)arg;
    if (atomic_load(&looks) &&
        (!store_events(fixture.store, &query, count_event, &found, &page, &err) || found != 1))
        atomic_fetch_add(&too_early, 1);
    atomic_store(&announced, newest);
    atomic_fetch_add(&announcements, 1);
}

static void open_store(void)
{
    struct error err;

    fixture_init(&fixture);
    fixture.options.observer.events = on_events;
    fixture.options.readers = 2;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    atomic_store(&looks, true);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_announce, .init = open_store, .fini = release);

Test(store_announce, a_commit_with_events_is_told_before_it_is_answered)
{
    char id[UUID_SIZE];

    cr_expect_eq(store_newest_event(fixture.store), 0, "there never was one");
    const int64_t seq = fixture_create(&fixture, "/p", "t", "{}", id);
    cr_expect_eq(atomic_load(&announced), seq);
    cr_expect_eq(store_newest_event(fixture.store), seq);
    cr_expect_eq(fixture_update(&fixture, id, NULL, "{\"n\":1}"), ERROR_NONE);
    cr_expect_gt(store_newest_event(fixture.store), seq);
    cr_expect_eq(atomic_load(&announced), store_newest_event(fixture.store));
    cr_expect_eq(atomic_load(&announcements), 2);
    cr_expect_eq(atomic_load(&too_early), 0);
}

Test(store_announce, what_changes_nothing_is_not_told)
{
    struct store_job probe = {.operation = STORE_PROBE};

    fixture_run(&fixture, &probe);
    store_job_release(&probe);
    cr_expect_eq(fixture_update(&fixture, "b0a4c7de-0000-4000-8000-000000000001", NULL, "{}"),
                 ERROR_NOT_FOUND);
    cr_expect_eq(atomic_load(&announcements), 0);
}
