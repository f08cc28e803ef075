/* A budget: at it, one beyond, what comes back, and many threads at once. */

#include "service/limits/memory_budget.h"

#include <criterion/criterion.h>
#include <pthread.h>

static struct budget budget;

static void prepare(void)
{
    budget_init(&budget, 100);
}

TestSuite(budget, .init = prepare);

Test(budget, takes_up_to_its_limit)
{
    cr_expect(budget_take(&budget, 0, 60));
    cr_expect(budget_take(&budget, 0, 40));
    cr_expect_not(budget_take(&budget, 0, 1));
    cr_expect_eq(budget_used(&budget), 100);
}

Test(budget, what_was_given_back_can_be_taken_again)
{
    cr_expect(budget_take(&budget, 0, 100));
    budget_give(&budget, 30);
    cr_expect_not(budget_take(&budget, 0, 31));
    cr_expect(budget_take(&budget, 0, 30));
    cr_expect_eq(budget_used(&budget), 100);
}

Test(budget, what_comes_alone_is_never_refused)
{
    cr_expect(budget_take(&budget, 0, 1000));
    cr_expect_not(budget_take(&budget, 0, 1));
    budget_give(&budget, 1000);
    cr_expect(budget_take(&budget, 0, 1));
    cr_expect_not(budget_take(&budget, 0, 1000));
}

Test(budget, who_holds_all_that_is_taken_is_never_refused)
{
    cr_expect(budget_take(&budget, 0, 70));
    cr_expect(budget_take(&budget, 70, 1000));
    cr_expect_eq(budget_used(&budget), 1070);
    budget_give(&budget, 1000);
    cr_expect_not(budget_take(&budget, 69, 31));
    cr_expect(budget_take(&budget, 69, 30));
}

Test(budget, has_room_takes_nothing)
{
    cr_expect(budget_take(&budget, 0, 60));
    cr_expect(budget_has_room(&budget, 40));
    cr_expect_not(budget_has_room(&budget, 41));
    cr_expect_eq(budget_used(&budget), 60);
    budget_give(&budget, 60);
    cr_expect(budget_has_room(&budget, 1000), "alone");
}

Test(budget, huge_amounts_do_not_wrap)
{
    cr_expect(budget_take(&budget, 0, 1));
    cr_expect_not(budget_take(&budget, 0, UINT64_MAX));
    cr_expect_not(budget_take(&budget, 0, (uint64_t)INT64_MAX + 1));
    cr_expect_eq(budget_used(&budget), 1);
}

Test(budget, what_cannot_be_refused_counts_too)
{
    cr_expect(budget_take(&budget, 0, 90));
    budget_charge(&budget, 50);
    cr_expect_eq(budget_used(&budget), 140);
    budget_give(&budget, 90);
    cr_expect(budget_take(&budget, 0, 50));
}

static void *take_and_give(void *arg)
{
    for (int i = 0; i < 100000; i++) {
        if (!budget_take(arg, 0, 30))
            continue;
        cr_assert_leq(budget_used(arg), 100);
        budget_give(arg, 30);
    }
    return NULL;
}

Test(budget, never_goes_beyond_its_limit_under_many_threads)
{
    pthread_t threads[8];

    for (int i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, take_and_give, &budget), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(budget_used(&budget), 0);
}
