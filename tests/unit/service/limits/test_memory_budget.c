/* A budget: at it, one beyond, what comes back, and many threads at once. */

#include "service/limits/memory_budget.h"

#include <criterion/criterion.h>
#include <pthread.h>

static struct memory_budget memory_budget;

static void prepare(void)
{
    memory_budget_init(&memory_budget, 100);
}

TestSuite(memory_budget, .init = prepare);

Test(memory_budget, takes_up_to_its_limit)
{
    cr_expect(memory_budget_acquire(&memory_budget, 0, 60));
    cr_expect(memory_budget_acquire(&memory_budget, 0, 40));
    cr_expect_not(memory_budget_acquire(&memory_budget, 0, 1));
    cr_expect_eq(memory_budget_used(&memory_budget), 100);
}

Test(memory_budget, what_was_given_back_can_be_taken_again)
{
    cr_expect(memory_budget_acquire(&memory_budget, 0, 100));
    memory_budget_release(&memory_budget, 30);
    cr_expect_not(memory_budget_acquire(&memory_budget, 0, 31));
    cr_expect(memory_budget_acquire(&memory_budget, 0, 30));
    cr_expect_eq(memory_budget_used(&memory_budget), 100);
}

Test(memory_budget, what_comes_alone_is_never_refused)
{
    cr_expect(memory_budget_acquire(&memory_budget, 0, 1000));
    cr_expect_not(memory_budget_acquire(&memory_budget, 0, 1));
    memory_budget_release(&memory_budget, 1000);
    cr_expect(memory_budget_acquire(&memory_budget, 0, 1));
    cr_expect_not(memory_budget_acquire(&memory_budget, 0, 1000));
}

Test(memory_budget, who_holds_all_that_is_taken_is_never_refused)
{
    cr_expect(memory_budget_acquire(&memory_budget, 0, 70));
    cr_expect(memory_budget_acquire(&memory_budget, 70, 1000));
    cr_expect_eq(memory_budget_used(&memory_budget), 1070);
    memory_budget_release(&memory_budget, 1000);
    cr_expect_not(memory_budget_acquire(&memory_budget, 69, 31));
    cr_expect(memory_budget_acquire(&memory_budget, 69, 30));
}

Test(memory_budget, has_room_takes_nothing)
{
    cr_expect(memory_budget_acquire(&memory_budget, 0, 60));
    cr_expect(memory_budget_has_room(&memory_budget, 40));
    cr_expect_not(memory_budget_has_room(&memory_budget, 41));
    cr_expect_eq(memory_budget_used(&memory_budget), 60);
    memory_budget_release(&memory_budget, 60);
    cr_expect(memory_budget_has_room(&memory_budget, 1000), "alone");
}

Test(memory_budget, huge_amounts_do_not_wrap)
{
    cr_expect(memory_budget_acquire(&memory_budget, 0, 1));
    cr_expect_not(memory_budget_acquire(&memory_budget, 0, UINT64_MAX));
    cr_expect_not(memory_budget_acquire(&memory_budget, 0, (uint64_t)INT64_MAX + 1));
    cr_expect_eq(memory_budget_used(&memory_budget), 1);
}

Test(memory_budget, what_cannot_be_refused_counts_too)
{
    cr_expect(memory_budget_acquire(&memory_budget, 0, 90));
    memory_budget_charge(&memory_budget, 50);
    cr_expect_eq(memory_budget_used(&memory_budget), 140);
    memory_budget_release(&memory_budget, 90);
    cr_expect(memory_budget_acquire(&memory_budget, 0, 50));
}

static void *take_and_give(void *arg)
{
    for (int i = 0; i < 100000; i++) {
        if (!memory_budget_acquire(arg, 0, 30))
            continue;
        cr_assert_leq(memory_budget_used(arg), 100);
        memory_budget_release(arg, 30);
    }
    return NULL;
}

Test(memory_budget, never_goes_beyond_its_limit_under_many_threads)
{
    pthread_t threads[8];

    for (int i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, take_and_give, &memory_budget), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(memory_budget_used(&memory_budget), 0);
}
