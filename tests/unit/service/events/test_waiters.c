/* Who is found by what, and who is not. */

#include "service/events/waiters.h"

#include <criterion/criterion.h>

#define SECOND INT64_C(1000000)
#define NEVER (100000 * SECOND)
#define START (7 * SECOND)

static struct waiters *all;

static void make(void)
{
    all = waiters_new();
}

static void release(void)
{
    waiters_free(all);
}

TestSuite(waiters, .init = make, .fini = release, .timeout = 60);

static void add(struct waiter *waiter, const char *session, int64_t seen, int64_t deadline_us)
{
    *waiter = (struct waiter){.session_id = session, .seen = seen, .deadline_us = deadline_us};
    waiters_add(all, waiter);
}

static size_t count(const struct waiter *woken)
{
    size_t n = 0;

    for (; woken != NULL; woken = woken->next)
        n++;
    return n;
}

Test(waiters, an_event_finds_those_of_its_session_alone)
{
    struct waiter a[3], b[2], any;
    struct waiter *woken = NULL;

    for (int i = 0; i < 3; i++)
        add(&a[i], "a", 10, NEVER);
    for (int i = 0; i < 2; i++)
        add(&b[i], "b", 10, NEVER);
    add(&any, NULL, 10, NEVER);
    waiters_remove_session(all, "a", 11, &woken);
    cr_expect_eq(count(woken), 3);
    cr_expect_eq(waiters_count(all), 3);
    woken = NULL;
    waiters_remove_session(all, "a", 12, &woken);
    cr_expect_null(woken, "they are taken once");
    waiters_remove_session(all, "b", 13, &woken);
    cr_expect_eq(count(woken), 2);
    woken = NULL;
    waiters_remove_any(all, 13, &woken);
    cr_expect(woken == &any && waiters_count(all) == 0);
}

Test(waiters, what_has_been_seen_wakes_nobody)
{
    struct waiter of_session, any;
    struct waiter *woken = NULL;

    add(&of_session, "a", 20, NEVER);
    add(&any, NULL, 20, NEVER);
    waiters_remove_session(all, "a", 20, &woken);
    waiters_remove_any(all, 20, &woken);
    cr_expect_null(woken);
    waiters_remove_session(all, "a", 25, &woken);
    cr_expect(woken == &of_session);
    cr_expect_eq(of_session.seen, 24, "up to the event there was nothing");
    cr_expect_eq(of_session.reason, WAKE_EVENT);
}

Test(waiters, any_one_of_a_list_can_leave_it)
{
    struct waiter waiters[5];
    struct waiter *woken = NULL;

    for (int i = 0; i < 5; i++)
        add(&waiters[i], "a", i == 2 ? 0 : 9, NEVER);
    waiters_remove_session(all, "a", 5, &woken);
    cr_expect(woken == &waiters[2], "from the middle");
    woken = NULL;
    waiters_remove_session(all, "a", 10, &woken);
    cr_expect_eq(count(woken), 4);
    cr_expect_eq(waiters_count(all), 0);
}

/* Nobody is woken before its time, and nobody later than a slot and what the clock left out. */
Test(waiters, times_are_kept)
{
    static struct waiter waiters[400];
    int64_t now_us = START;
    struct waiter *woken = NULL;
    size_t left = 400;

    waiters_remove_due(all, now_us, &woken);
    for (int i = 0; i < 400; i++)
        add(&waiters[i], i % 2 ? "a" : NULL, 0, START + (int64_t)i * 977777);
    while (left > 0) {
        const int64_t due_us = waiters_next_due_us(all, now_us);
        cr_assert_geq(due_us, now_us);
        cr_assert_leq(due_us, now_us + 2 * SECOND + WAITERS_SLOT_US);
        now_us = due_us;
        woken = NULL;
        waiters_remove_due(all, now_us, &woken);
        for (; woken != NULL; woken = woken->next, left--) {
            cr_expect_leq(woken->deadline_us, now_us);
            cr_expect_geq(woken->deadline_us + 2 * WAITERS_SLOT_US, now_us);
            cr_expect_eq(woken->reason, WAKE_TIME);
        }
    }
    cr_expect_eq(waiters_next_due_us(all, now_us), INT64_MAX);
}

Test(waiters, a_time_that_is_over_already_is_due_at_once)
{
    struct waiter waiter;
    struct waiter *woken = NULL;

    waiters_remove_due(all, START, &woken);
    add(&waiter, NULL, 0, START - 5 * SECOND);
    cr_expect_leq(waiters_next_due_us(all, START), START + WAITERS_SLOT_US);
    waiters_remove_due(all, START + WAITERS_SLOT_US, &woken);
    cr_expect(woken == &waiter);
}

Test(waiters, a_long_silence_loses_nobody)
{
    struct waiter waiter;
    struct waiter *woken = NULL;

    waiters_remove_due(all, START, &woken);
    add(&waiter, NULL, 0, START + SECOND);
    waiters_remove_due(all, START + 3600 * SECOND, &woken);
    cr_expect(woken == &waiter);
}

Test(waiters, who_waits_for_its_turn_is_next)
{
    struct waiter soon = {.soon = true, .session_id = "a", .seen = 99, .deadline_us = NEVER};
    struct waiter *woken = NULL;

    cr_expect_not(waiters_has_yielded(all));
    waiters_add(all, &soon);
    cr_expect(waiters_has_yielded(all));
    waiters_remove_soon(all, &woken);
    cr_expect(woken == &soon && soon.reason == WAKE_EVENT);
    cr_expect_not(waiters_has_yielded(all));
}

Test(waiters, at_the_end_all_are_found)
{
    struct waiter waiters[4];
    struct waiter *woken = NULL;

    add(&waiters[0], "a", 0, NEVER);
    add(&waiters[1], NULL, 0, START);
    add(&waiters[2], "b", 0, 2 * NEVER);
    waiters[3] = (struct waiter){.soon = true, .deadline_us = 1};
    waiters_add(all, &waiters[3]);
    waiters_remove_all(all, WAKE_STOPPING, &woken);
    cr_expect_eq(count(woken), 4);
    cr_expect_eq(waiters[2].reason, WAKE_STOPPING);
    cr_expect_eq(waiters_count(all), 0);
}
