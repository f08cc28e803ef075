/* The bounded queue: places, order, waiting and closing. Waits have limits that end a test only
 * when it fails. */

#include "db/runtime/job_queue.h"

#include <criterion/criterion.h>
#include <sched.h>

#define LONG_MS 600000
#define LONG_US (LONG_MS * INT64_C(1000))

static struct job_queue queue;
static const struct job_queue_gather at_once = {0};

static void make_queue(void)
{
    job_queue_init(&queue, 8);
}

static void release(void)
{
    job_queue_release(&queue);
}

TestSuite(job_queue, .init = make_queue, .fini = release, .timeout = 60);

Test(job_queue, has_as_many_places_as_it_was_made_with)
{
    for (int i = 0; i < 8; i++)
        cr_expect(job_queue_reserve(&queue), "place %d", i);
    cr_expect_not(job_queue_reserve(&queue));
    cr_expect_not(job_queue_reserve(&queue), "a refusal takes no place");
    job_queue_complete(&queue, 3);
    for (int i = 0; i < 3; i++)
        cr_expect(job_queue_reserve(&queue));
    cr_expect_not(job_queue_reserve(&queue));
}

Test(job_queue, a_place_is_taken_until_the_answer)
{
    struct store_job jobs[8] = {0};
    struct store_job *taken;
    size_t count;

    for (int i = 0; i < 8; i++) {
        cr_assert(job_queue_reserve(&queue));
        job_queue_push(&queue, &jobs[i]);
    }
    cr_expect_eq(job_queue_take(&queue, at_once, LONG_MS, &taken, &count), JOB_QUEUE_JOBS);
    cr_expect_not(job_queue_reserve(&queue), "taken, but not answered");
    job_queue_complete(&queue, count);
    cr_expect(job_queue_reserve(&queue));
}

Test(job_queue, jobs_come_all_at_once_in_order)
{
    struct store_job jobs[5] = {0};
    struct store_job *taken = NULL;
    size_t count = 0;

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5; i++)
            job_queue_push(&queue, &jobs[i]);
        cr_assert_eq(job_queue_take(&queue, at_once, LONG_MS, &taken, &count), JOB_QUEUE_JOBS);
        cr_expect_eq(count, 5);
        for (int i = 0; i < 5; i++, taken = taken->next)
            cr_assert(taken == &jobs[i]);
        cr_expect_null(taken);
    }
}

Test(job_queue, without_a_job_it_is_idle)
{
    struct store_job *taken = NULL;
    size_t count = 7;

    cr_expect_eq(job_queue_take(&queue, at_once, 0, &taken, &count), JOB_QUEUE_IDLE);
    cr_expect_eq(job_queue_take(&queue, at_once, 1, &taken, &count), JOB_QUEUE_IDLE);
    cr_expect_null(taken);
    cr_expect_eq(count, 0);
}

Test(job_queue, closed_only_when_nothing_is_left)
{
    struct store_job job = {0};
    struct store_job *taken;
    size_t count;

    job_queue_push(&queue, &job);
    job_queue_close(&queue);
    cr_expect_eq(job_queue_take(&queue, at_once, LONG_MS, &taken, &count), JOB_QUEUE_JOBS);
    cr_expect(taken == &job);
    cr_expect_eq(job_queue_take(&queue, at_once, LONG_MS, &taken, &count), JOB_QUEUE_CLOSED);
    cr_expect_eq(job_queue_take(&queue, at_once, LONG_MS, &taken, &count), JOB_QUEUE_CLOSED);
}

/* --- With a second thread ------------------------------------------------------------------ */

static struct store_job pushed[4];

/* Waits until the taker sleeps, so that it has to be woken. */
static void await_taker(void)
{
    bool asleep = false;

    while (!asleep) {
        pthread_mutex_lock(&queue.lock);
        asleep = queue._shared.wanted != 0;
        pthread_mutex_unlock(&queue.lock);
    }
}

static void *push_one(void *arg)
{
    (void)arg;
    await_taker();
    job_queue_push(&queue, &pushed[0]);
    return NULL;
}

static void *push_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++) {
        await_taker();
        job_queue_push(&queue, &pushed[i]);
    }
    return NULL;
}

static void *push_one_and_close(void *arg)
{
    push_one(arg);
    await_taker();
    job_queue_close(&queue);
    return NULL;
}

static void *close_it(void *arg)
{
    (void)arg;
    await_taker();
    job_queue_close(&queue);
    return NULL;
}

/* Takes once while `other` runs. */
static enum job_queue_event take_beside(void *(*other)(void *), struct job_queue_gather gather,
                                        size_t *count)
{
    struct store_job *taken;
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, other, NULL), 0);
    const enum job_queue_event event = job_queue_take(&queue, gather, LONG_MS, &taken, count);
    pthread_join(thread, NULL);
    return event;
}

Test(job_queue, a_push_wakes_the_taker)
{
    size_t count;

    cr_expect_eq(take_beside(push_one, at_once, &count), JOB_QUEUE_JOBS);
    cr_expect_eq(count, 1);
}

Test(job_queue, a_close_wakes_the_taker)
{
    size_t count;

    cr_expect_eq(take_beside(close_it, at_once, &count), JOB_QUEUE_CLOSED);
    cr_expect_eq(count, 0);
}

Test(job_queue, gathers_until_the_senders_of_the_last_batch_are_back)
{
    const struct job_queue_gather gather = {.answered = 4, .limit_us = LONG_US};
    size_t count;

    cr_expect_eq(take_beside(push_all, gather, &count), JOB_QUEUE_JOBS);
    cr_expect_eq(count, 4);
}

/* They have waited through the last commit, so their senders are none of those it answered. */
Test(job_queue, gathers_beside_those_that_wait_already)
{
    const struct job_queue_gather gather = {.answered = 1, .limit_us = LONG_US};
    struct store_job waiting[2] = {0};
    size_t count;

    job_queue_push(&queue, &waiting[0]);
    job_queue_push(&queue, &waiting[1]);
    cr_expect_eq(take_beside(push_one, gather, &count), JOB_QUEUE_JOBS);
    cr_expect_eq(count, 3);
}

Test(job_queue, gathers_no_longer_than_its_limit)
{
    const struct job_queue_gather gather = {.answered = 100, .limit_us = 1000};
    size_t count;

    cr_expect_eq(take_beside(push_one, gather, &count), JOB_QUEUE_JOBS);
    cr_expect_eq(count, 1);
}

Test(job_queue, without_a_limit_it_does_not_gather)
{
    const struct job_queue_gather gather = {.answered = 100, .limit_us = 0};
    size_t count;

    cr_expect_eq(take_beside(push_one, gather, &count), JOB_QUEUE_JOBS);
    cr_expect_eq(count, 1);
}

Test(job_queue, a_close_ends_the_gathering)
{
    const struct job_queue_gather gather = {.answered = 100, .limit_us = LONG_US};
    size_t count;

    cr_expect_eq(take_beside(push_one_and_close, gather, &count), JOB_QUEUE_JOBS);
    cr_expect_eq(count, 1);
}

/* --- Many senders -------------------------------------------------------------------------- */

#define SENDERS 8
#define JOBS_EACH 3000

struct sender {
    pthread_t thread;
    struct store_job jobs[JOBS_EACH];
    size_t seen;
};

static struct sender senders[SENDERS];

static void *send_jobs(void *arg)
{
    struct sender *sender = arg;

    for (int i = 0; i < JOBS_EACH; i++) {
        while (!job_queue_reserve(&queue))
            sched_yield();
        sender->jobs[i].arg = sender;
        job_queue_push(&queue, &sender->jobs[i]);
    }
    return NULL;
}

Test(job_queue, nothing_is_lost_and_each_sender_keeps_its_order)
{
    const struct job_queue_gather gather = {.answered = 2, .limit_us = 100};
    struct store_job *job;
    size_t total = 0;
    size_t count;

    for (int i = 0; i < SENDERS; i++)
        cr_assert_eq(pthread_create(&senders[i].thread, NULL, send_jobs, &senders[i]), 0);
    while (total < (size_t)SENDERS * JOBS_EACH) {
        cr_assert_eq(job_queue_take(&queue, gather, LONG_MS, &job, &count), JOB_QUEUE_JOBS);
        cr_assert(count >= 1 && count <= 8, "%zu jobs for 8 places", count);
        for (size_t i = 0; i < count; i++, job = job->next) {
            struct sender *sender = job->arg;
            cr_assert(job == &sender->jobs[sender->seen++]);
        }
        cr_assert_null(job);
        total += count;
        job_queue_complete(&queue, count);
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
}
