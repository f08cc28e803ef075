/* The order in which the jobs of several clients are taken. */

#include "db/runtime/fair_queue.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct store_job jobs[8];
static struct fair_queue queue;

static void push(size_t job, uint64_t client)
{
    jobs[job].client = client;
    fair_queue_push(&queue, &jobs[job]);
}

/* -1: the queue is empty. */
static long pop(void)
{
    const struct store_job *job = fair_queue_pop(&queue);

    return job == NULL ? -1 : job - jobs;
}

static void expect_order(const long *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(pop(), wanted[i], "job %zu", i);
    cr_expect_eq(pop(), -1);
}

Test(fair_queue, jobs_of_one_client_keep_their_order)
{
    for (size_t i = 0; i < 4; i++)
        push(i, 9);
    expect_order((const long[]){0, 1, 2, 3}, 4);
}

Test(fair_queue, clients_take_turns)
{
    for (size_t i = 0; i < 4; i++)
        push(i, 1);
    push(4, 2);
    push(5, 2);
    push(6, 3);
    expect_order((const long[]){0, 4, 6, 1, 5, 2, 3}, 7);
}

Test(fair_queue, a_client_that_comes_later_waits_for_no_backlog)
{
    for (size_t i = 0; i < 4; i++)
        push(i, 1);
    cr_expect_eq(pop(), 0);
    cr_expect_eq(pop(), 1);
    push(4, 2);
    expect_order((const long[]){4, 2, 3}, 3);
}

/* The client whose job was just taken has had its turn in this round. */
Test(fair_queue, a_client_that_pushes_one_by_one_does_not_stay_first)
{
    push(0, 1);
    cr_expect_eq(pop(), 0);
    push(1, 1);
    push(2, 2);
    expect_order((const long[]){2, 1}, 2);
}

/* Each of the two pushes its next job while the job of the other one runs. */
Test(fair_queue, a_waiting_job_is_reached_while_two_other_clients_keep_pushing)
{
    long running;
    int pops = 0;

    push(0, 3);
    push(1, 3);
    cr_expect_eq(pop(), 0);
    push(2, 1);
    for (running = pop(); running != 1 && pops < 20; pops++) {
        push(running == 2 ? 4 : 2, running == 2 ? 2 : 1);
        running = pop();
    }
    cr_expect_leq(pops, 2);
    while (pop() != -1) {
    }
}

/* Each pushes one job, under a name of its own. */
Test(fair_queue, a_waiting_job_is_reached_while_new_clients_keep_coming)
{
    uint64_t client = 10;

    push(0, 3);
    push(1, 3);
    cr_expect_eq(pop(), 0);
    push(2, client);
    while (pop() != 1 && client < 1000)
        push(2, ++client);
    cr_expect_leq(client, 10 + FAIR_QUEUE_ROUND_CLIENTS);
    while (pop() != -1) {
    }
}

/* -1: no other client has a job. */
static long pop_other(uint64_t client)
{
    const struct store_job *job = fair_queue_pop_other(&queue, client);

    return job == NULL ? -1 : job - jobs;
}

Test(fair_queue, the_next_job_of_another_client_is_taken_out_of_turn)
{
    cr_expect_eq(pop_other(1), -1);
    push(0, 1);
    push(1, 1);
    cr_expect_eq(pop_other(1), -1);
    push(2, 2);
    push(3, 3);
    push(4, 2);
    cr_expect_eq(pop_other(1), 2);
    cr_expect_eq(pop_other(2), 0);
    expect_order((const long[]){3, 1, 4}, 3);
}

/* Two clients push their next job as soon as one of theirs is taken. */
Test(fair_queue, jobs_taken_out_of_turn_do_not_delay_the_next_round)
{
    long taken;
    int pops = 0;

    push(0, 1);
    push(1, 1);
    push(2, 2);
    push(3, 3);
    cr_expect_eq(pop(), 0);
    for (taken = pop_other(1); taken != 1 && pops < 20; pops++) {
        push((size_t)taken, taken == 2 ? 2 : 3);
        taken = pops % 2 == 0 ? pop() : pop_other(1);
    }
    cr_expect_leq(pops, 4);
    while (pop() != -1) {
    }
}

#define RANDOM_JOBS 500

static struct store_job many[RANDOM_JOBS];

static unsigned count_pushed(unsigned client, size_t pushed)
{
    unsigned count = 0;

    for (size_t i = 0; i < pushed; i++)
        count += many[i].client == client && many[i].arg == NULL;
    return count;
}

/* A client that has a job waiting is served at the latest after one job of each other client. */
Test(fair_queue, no_client_waits_for_more_than_one_job_of_each_other)
{
    unsigned waited[4] = {0};
    size_t pushed = 0;

    srand(11);
    for (int step = 0; step < 4 * RANDOM_JOBS; step++) {
        if (pushed < RANDOM_JOBS && rand() % 2 == 0) {
            many[pushed] = (struct store_job){.client = (uint64_t)(rand() % 4)};
            fair_queue_push(&queue, &many[pushed++]);
            continue;
        }
        struct store_job *job = fair_queue_pop(&queue);
        if (job == NULL)
            continue;
        job->arg = job; /* taken */
        for (unsigned client = 0; client < 4; client++)
            waited[client] =
                job->client == client || count_pushed(client, pushed) == 0 ? 0 : waited[client] + 1;
        for (unsigned client = 0; client < 4; client++)
            cr_expect_leq(waited[client], 6, "client %u", client);
    }
    while (pop() != -1) {
    }
}
