/* Waking those who wait for events: nobody too late, nobody without a reason. The source here is a
 * list in memory; waits have limits that end a test only when it fails. */

#include "service/events/notifier.h"

#include "db/base/monotonic.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

#define SECOND INT64_C(1000000)
#define EVENTS_MAX 100000

/* Written by one thread; an event is there before it is announced. */
static struct notifier_event written[EVENTS_MAX];
static atomic_size_t written_count;
static atomic_int reads;
static atomic_int refusals; /* so many reads fail */
static atomic_int failures;
static struct notifier *notifier;

static bool read_written(void *arg, int64_t after, struct notifier_event *out, size_t max,
                         size_t *count, struct error *err)
{
    const size_t there = atomic_load(&written_count);

    (void)arg;
    atomic_fetch_add(&reads, 1);
    if (atomic_load(&refusals) > 0) {
        atomic_fetch_sub(&refusals, 1);
        return error_set(err, ERROR_INTERNAL, NULL, "no");
    }
    /* Event i has the id i + 1. */
    for (size_t i = (size_t)after; i < there && *count < max; i++)
        out[(*count)++] = written[i];
    return true;
}

static void count_failure(void *arg, const struct error *err)
{
    (void)arg;
    (void)err;
    atomic_fetch_add(&failures, 1);
}

static void start(void)
{
    const struct event_source source = {.read = read_written, .failed = count_failure};
    struct error err;

    notifier = notifier_new();
    cr_assert(notifier_start(notifier, &source, &err));
}

static void stop(void)
{
    notifier_stop(notifier);
    notifier_free(notifier);
}

TestSuite(notifier, .init = start, .fini = stop, .timeout = 60);

struct sleeper {
    struct waiter waiter; /* the first member */
    sem_t woken;
};

static void on_wake(struct waiter *waiter)
{
    sem_post(&((struct sleeper *)waiter)->woken);
}

static bool park(struct sleeper *sleeper, const char *session, int64_t seen, int64_t limit_us)
{
    sleeper->waiter = (struct waiter){.session_id = session,
                                      .seen = seen,
                                      .deadline_us = monotonic_us() + limit_us,
                                      .wake = on_wake};
    sem_init(&sleeper->woken, 0, 0);
    return notifier_wait(notifier, &sleeper->waiter);
}

static bool park_generation(struct sleeper *sleeper, uint64_t generation)
{
    sleeper->waiter = (struct waiter){.session_id = "a",
                                      .generation = generation,
                                      .deadline_us = monotonic_us() + 30 * SECOND,
                                      .wake = on_wake};
    sem_init(&sleeper->woken, 0, 0);
    return notifier_wait(notifier, &sleeper->waiter);
}

static bool is_woken_within(struct sleeper *sleeper, int64_t limit_us)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += limit_us / SECOND;
    at.tv_nsec += limit_us % SECOND * 1000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return sem_timedwait(&sleeper->woken, &at) == 0;
}

static int64_t write_event(const char *session)
{
    const size_t i = atomic_load(&written_count);

    written[i].id = (int64_t)i + 1;
    snprintf(written[i].session_id, sizeof(written[i].session_id), "%s", session);
    atomic_store(&written_count, i + 1);
    notifier_announce(notifier, (int64_t)i + 1);
    return (int64_t)i + 1;
}

Test(notifier, an_event_wakes_those_of_its_session_and_those_of_any)
{
    struct sleeper a, b, any;

    cr_assert(park(&a, "a", 0, 30 * SECOND));
    cr_assert(park(&b, "b", 0, 30 * SECOND));
    cr_assert(park(&any, NULL, 0, 30 * SECOND));
    write_event("a");
    cr_expect(is_woken_within(&a, 20 * SECOND));
    cr_expect(is_woken_within(&any, 20 * SECOND));
    cr_expect_eq(a.waiter.reason, WAKE_EVENT);
    cr_expect_not(is_woken_within(&b, SECOND / 5));
    write_event("b");
    cr_expect(is_woken_within(&b, 20 * SECOND));
    cr_expect_eq(b.waiter.seen, 1, "that event 1 is not for it is known");
}

Test(notifier, what_is_newer_than_what_was_seen_ends_the_wait_at_once)
{
    struct sleeper a, any;

    write_event("a");
    const int64_t newest = write_event("b");
    cr_assert(park(&any, NULL, newest - 1, 30 * SECOND));
    cr_expect(is_woken_within(&any, 20 * SECOND));
    cr_assert(park(&a, "a", 0, 30 * SECOND));
    cr_expect(is_woken_within(&a, 20 * SECOND));
}

Test(notifier, a_time_that_is_over_ends_the_wait)
{
    struct sleeper early, late;

    cr_assert(park(&late, "a", 0, 30 * SECOND));
    cr_assert(park(&early, "a", 0, SECOND / 10));
    cr_expect(is_woken_within(&early, 20 * SECOND));
    cr_expect_geq(monotonic_us(), early.waiter.deadline_us);
    cr_expect_eq(early.waiter.reason, WAKE_TIME);
    cr_expect_not(is_woken_within(&late, SECOND / 5));
    notifier_drain(notifier);
}

Test(notifier, while_nobody_waits_nothing_is_read)
{
    struct sleeper a;

    for (int i = 0; i < 100; i++)
        write_event("a");
    cr_expect_eq(atomic_load(&reads), 0);
    cr_assert(park(&a, "a", 100, 30 * SECOND));
    cr_expect_not(is_woken_within(&a, SECOND / 5));
    cr_expect_eq(atomic_load(&reads), 0, "it has seen all there is");
    write_event("a");
    cr_expect(is_woken_within(&a, 20 * SECOND));
}

Test(notifier, more_events_than_a_round_has_room_for_are_told_in_several)
{
    struct sleeper last, none;

    cr_assert(park(&none, "none", 0, 30 * SECOND));
    cr_assert(park(&last, "last", 0, 30 * SECOND));
    for (int i = 0; i < 5000; i++)
        write_event("other");
    write_event("last");
    cr_expect(is_woken_within(&last, 20 * SECOND));
    cr_expect_eq(last.waiter.seen, 5000);
    notifier_drain(notifier);
    cr_expect(is_woken_within(&none, 20 * SECOND));
}

Test(notifier, a_read_that_fails_is_tried_again)
{
    struct sleeper a;

    atomic_store(&refusals, 1);
    cr_assert(park(&a, "a", 0, 30 * SECOND));
    write_event("a");
    cr_expect(is_woken_within(&a, 20 * SECOND));
    cr_expect_eq(a.waiter.reason, WAKE_EVENT);
    cr_expect_eq(atomic_load(&failures), 1);
}

Test(notifier, a_drain_wakes_all_and_nobody_waits_afterwards)
{
    struct sleeper a, any, refused;

    cr_assert(park(&a, "a", 0, 30 * SECOND));
    cr_assert(park(&any, NULL, 0, 30 * SECOND));
    notifier_drain(notifier);
    cr_expect(is_woken_within(&a, 20 * SECOND));
    cr_expect(is_woken_within(&any, 20 * SECOND));
    cr_expect_eq(a.waiter.reason, WAKE_STOPPING);
    cr_expect_not(park(&refused, "a", 0, 30 * SECOND));
}

Test(notifier, reauthorize_wakes_all_and_whoever_parks_with_an_older_generation)
{
    struct sleeper before, late, current;

    cr_assert(park(&before, "a", 0, 30 * SECOND));
    notifier_reauthorize(notifier, 1);
    cr_expect(is_woken_within(&before, 20 * SECOND));
    cr_expect_eq(before.waiter.reason, WAKE_EVENT);
    cr_assert(park_generation(&late, 0));
    cr_expect(is_woken_within(&late, 20 * SECOND));
    cr_expect_eq(late.waiter.reason, WAKE_EVENT);
    cr_assert(park_generation(&current, 1));
    cr_expect_not(is_woken_within(&current, SECOND / 5));
    notifier_drain(notifier);
    cr_expect(is_woken_within(&current, 20 * SECOND));
}

/* Each follows its session or all, and waits again and again, until the feed is drained; the writer
 * waits for nobody. */
#define FOLLOWERS 16
#define WRITES 20000

struct follower {
    struct sleeper sleeper;
    const char *session;
    pthread_t thread;
    atomic_int_least64_t told; /* the last event that concerns it and that it knows of */
    atomic_size_t kept_back;   /* events of which it was told that they are none of its own */
};

static bool concerns(const struct follower *follower, size_t i)
{
    return follower->session == NULL || strcmp(written[i].session_id, follower->session) == 0;
}

static void *follow(void *arg)
{
    struct follower *follower = arg;
    size_t at = 0;

    for (;;) {
        const size_t there = atomic_load(&written_count);
        for (; at < there; at++) {
            if (concerns(follower, at))
                atomic_store(&follower->told, written[at].id);
        }
        if (!park(&follower->sleeper, follower->session, (int64_t)at, 60 * SECOND))
            return NULL;
        sem_wait(&follower->sleeper.woken);
        for (; at < (size_t)follower->sleeper.waiter.seen; at++) {
            if (concerns(follower, at))
                atomic_fetch_add(&follower->kept_back, 1);
        }
    }
}

static bool is_told(const struct follower *follower, int64_t event_id)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (int i = 0; i < 30000 && atomic_load(&follower->told) != event_id; i++)
        nanosleep(&pause, NULL);
    return atomic_load(&follower->told) == event_id;
}

Test(notifier, no_event_is_missed_while_everybody_comes_and_goes)
{
    static const char *const sessions[] = {"a", "b", "c", NULL};
    static struct follower followers[FOLLOWERS];

    for (int i = 0; i < FOLLOWERS; i++) {
        followers[i].session = sessions[i % 4];
        cr_assert_eq(pthread_create(&followers[i].thread, NULL, follow, &followers[i]), 0);
    }
    for (int i = 0; i < WRITES; i++)
        write_event(sessions[i % 3]);
    for (int i = 0; i < FOLLOWERS; i++) {
        size_t last = WRITES - 1;
        while (!concerns(&followers[i], last))
            last--;
        cr_expect(is_told(&followers[i], written[last].id), "follower %d stands still", i);
    }
    notifier_drain(notifier);
    for (int i = 0; i < FOLLOWERS; i++) {
        pthread_join(followers[i].thread, NULL);
        cr_expect_eq(atomic_load(&followers[i].kept_back), 0);
    }
}
