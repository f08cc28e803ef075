/* Rates, with a clock of the test's own. */

#include "service/limits/rate_limiter.h"

#include <criterion/criterion.h>

#define SECOND INT64_C(1000000)

static struct rate_limiter *rate;

static void finish(void)
{
    rate_limiter_free(rate);
}

TestSuite(rate, .fini = finish);

static int takes(uint64_t key, int count, int64_t now_us)
{
    int64_t wait_us;
    int taken = 0;

    for (int i = 0; i < count; i++)
        taken += rate_limiter_acquire(rate, key, now_us, &wait_us);
    return taken;
}

Test(rate, a_second_s_worth_may_come_at_once)
{
    rate = rate_limiter_new(5);
    cr_expect_eq(takes(1, 4, 0), 4);
    cr_expect_eq(takes(1, 1, 0), 1);
    cr_expect_eq(takes(1, 1, 0), 0);
}

Test(rate, goes_on_at_its_pace_and_says_how_long_to_wait)
{
    int64_t wait_us = 0;

    rate = rate_limiter_new(4);
    cr_expect_eq(takes(1, 9, 0), 4);
    cr_expect_not(rate_limiter_acquire(rate, 1, SECOND / 8, &wait_us));
    cr_expect_eq(wait_us, SECOND / 8);
    cr_expect_not(rate_limiter_acquire(rate, 1, SECOND / 4 - 1, &wait_us));
    cr_expect_eq(wait_us, 1);
    cr_expect(rate_limiter_acquire(rate, 1, SECOND / 4, &wait_us));
    cr_expect_not(rate_limiter_acquire(rate, 1, SECOND / 4, &wait_us));
    int taken = 0;
    for (int64_t now_us = SECOND; now_us < 11 * SECOND; now_us += SECOND / 100)
        taken += takes(1, 1, now_us);
    cr_expect_geq(taken, 40);
    cr_expect_leq(taken, 43, "%d", taken);
}

Test(rate, a_long_silence_gives_no_more_than_a_second_s_worth)
{
    rate = rate_limiter_new(3);
    cr_expect_eq(takes(1, 9, 0), 3);
    cr_expect_eq(takes(1, 99, 3600 * SECOND), 3);
}

Test(rate, each_key_has_its_own)
{
    rate = rate_limiter_new(2);
    cr_expect_eq(takes(1, 9, 0), 2);
    cr_expect_eq(takes(2, 9, 0), 2);
    cr_expect_eq(takes(0, 9, 0), 2);
    cr_expect_eq(takes(1, 9, 0), 0);
}

/* The table is of a fixed size: what is forgotten is what has all its due again, as long as there
 * is any such in a key's set of 8. */
Test(rate, many_keys_that_came_and_went_do_not_free_a_greedy_one)
{
    rate = rate_limiter_new(1);
    for (uint64_t key = 0; key < 100000; key++) {
        const int64_t now_us = (int64_t)key * SECOND / 250;
        takes(key, 1, now_us);
        cr_expect_leq(takes(UINT64_MAX, 1, now_us), key % 250 < 2, "after %llu keys",
                      (unsigned long long)key);
    }
}

Test(rate, a_clock_that_stands_still_or_is_a_little_behind_gives_nothing)
{
    rate = rate_limiter_new(10);
    cr_expect_eq(takes(1, 99, SECOND), 10);
    cr_expect_eq(takes(1, 99, SECOND - 5), 0);
    cr_expect_eq(takes(1, 99, SECOND), 0);
}
