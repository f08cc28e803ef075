/* Quotas: one a client, shared by all that open it. */

#include "service/limits/quota.h"

#include <criterion/criterion.h>
#include <pthread.h>

static const struct quota_limits limits = {
    {[QUOTA_CONNECTIONS] = 3, [QUOTA_STREAMS] = 2, [QUOTA_JOBS] = 1, [QUOTA_BYTES] = 100}};

static struct quotas *quotas;

static void prepare(void)
{
    quotas = quotas_new();
}

static void finish(void)
{
    quotas_free(quotas);
}

TestSuite(quota, .init = prepare, .fini = finish);

Test(quota, is_shared_by_all_openings_of_one_client)
{
    struct quota *one = quota_open(quotas, 7, &limits);
    struct quota *again = quota_open(quotas, 7, &limits);
    struct quota *other = quota_open(quotas, 8, &limits);

    cr_expect(one == again);
    cr_expect(one != other);
    cr_expect(memory_budget_acquire(&one->held[QUOTA_STREAMS], 0, 1));
    cr_expect(memory_budget_acquire(&again->held[QUOTA_STREAMS], 0, 1));
    cr_expect_not(memory_budget_acquire(&one->held[QUOTA_STREAMS], 0, 1));
    cr_expect(memory_budget_acquire(&other->held[QUOTA_STREAMS], 0, 1));
    memory_budget_release(&one->held[QUOTA_STREAMS], 2);
    memory_budget_release(&other->held[QUOTA_STREAMS], 1);
    quota_close(quotas, one);
    quota_close(quotas, again);
    quota_close(quotas, other);
}

Test(quota, is_kept_until_its_last_closing)
{
    struct quota *quota = quota_open(quotas, 7, &limits);

    cr_assert(quota_open(quotas, 7, &limits) == quota);
    cr_expect(memory_budget_acquire(&quota->held[QUOTA_JOBS], 0, 1));
    quota_close(quotas, quota);
    cr_expect_not(memory_budget_acquire(&quota->held[QUOTA_JOBS], 0, 1));
    memory_budget_release(&quota->held[QUOTA_JOBS], 1);
    quota_close(quotas, quota);
}

/* More keys than there are buckets. */
Test(quota, clients_are_told_apart_whatever_their_number)
{
    static struct quota *many[10000];
    const uint64_t count = sizeof(many) / sizeof(many[0]);

    for (uint64_t i = 0; i < count; i++)
        many[i] = quota_open(quotas, i, &limits);
    for (uint64_t i = 0; i < count; i++) {
        struct quota *again = quota_open(quotas, i, &limits);
        cr_assert(again == many[i]);
        quota_close(quotas, again);
    }
    for (uint64_t i = 0; i < count; i++)
        quota_close(quotas, many[(i * 7919) % count]);
}

static void *open_and_close(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        struct quota *quota = quota_open(quotas, (uint64_t)i % 5, &limits);
        if (memory_budget_acquire(&quota->held[QUOTA_CONNECTIONS], 0, 1))
            memory_budget_release(&quota->held[QUOTA_CONNECTIONS], 1);
        quota_close(quotas, quota);
    }
    return NULL;
}

Test(quota, many_threads_open_and_close_at_once)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, open_and_close, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}
