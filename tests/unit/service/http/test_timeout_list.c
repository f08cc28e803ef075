/* Deadlines, with a clock of the test's own. */

#include "service/http/timeout_list.h"

#include <criterion/criterion.h>

static struct deadlines deadlines;
static struct deadline a;
static struct deadline b;
static struct deadline c;

static void prepare(void)
{
    deadlines = (struct deadlines){
        .term_ms = {[DEADLINE_IDLE] = 10, [DEADLINE_REQUEST] = 100, [DEADLINE_RESPONSE] = 1000}};
    a = b = c = (struct deadline){0};
}

TestSuite(deadlines, .init = prepare);

Test(deadlines, nothing_is_due_where_nothing_is_set)
{
    cr_expect_null(deadlines_due(&deadlines, INT64_MAX));
}

Test(deadlines, one_is_due_when_its_term_is_over_and_not_before)
{
    deadlines_set(&deadlines, &a, DEADLINE_REQUEST, 5);
    cr_expect_null(deadlines_due(&deadlines, 104));
    cr_expect_eq(deadlines_due(&deadlines, 105), &a);
    cr_expect_eq(deadlines_due(&deadlines, 105), &a, "it stays until it is set to something else");
    deadlines_set(&deadlines, &a, DEADLINE_NONE, 105);
    cr_expect_null(deadlines_due(&deadlines, INT64_MAX));
}

Test(deadlines, each_kind_has_its_own_term)
{
    deadlines_set(&deadlines, &a, DEADLINE_RESPONSE, 0);
    deadlines_set(&deadlines, &b, DEADLINE_REQUEST, 50);
    deadlines_set(&deadlines, &c, DEADLINE_IDLE, 145);
    cr_expect_null(deadlines_due(&deadlines, 149));
    cr_expect_eq(deadlines_due(&deadlines, 150), &b);
    deadlines_set(&deadlines, &b, DEADLINE_NONE, 150);
    cr_expect_eq(deadlines_due(&deadlines, 155), &c);
    deadlines_set(&deadlines, &c, DEADLINE_NONE, 155);
    cr_expect_null(deadlines_due(&deadlines, 999));
    cr_expect_eq(deadlines_due(&deadlines, 1000), &a);
}

Test(deadlines, those_of_a_kind_come_in_their_order)
{
    deadlines_set(&deadlines, &a, DEADLINE_REQUEST, 1);
    deadlines_set(&deadlines, &b, DEADLINE_REQUEST, 2);
    deadlines_set(&deadlines, &c, DEADLINE_REQUEST, 3);
    deadlines_set(&deadlines, &a, DEADLINE_REQUEST, 4); /* anew: the last now */
    const struct deadline *const order[] = {&b, &c, &a};
    for (int i = 0; i < 3; i++) {
        struct deadline *due = deadlines_due(&deadlines, 1000);
        cr_assert_eq(due, order[i], "place %d", i);
        deadlines_set(&deadlines, due, DEADLINE_NONE, 1000);
    }
    cr_expect_null(deadlines_due(&deadlines, INT64_MAX));
}

Test(deadlines, any_of_a_list_may_leave)
{
    struct deadline *const all[] = {&a, &b, &c};

    for (int gone = 0; gone < 3; gone++) {
        for (int i = 0; i < 3; i++)
            deadlines_set(&deadlines, all[i], DEADLINE_REQUEST, 0);
        deadlines_set(&deadlines, all[gone], DEADLINE_NONE, 0);
        int left = 0;
        for (struct deadline *due; (due = deadlines_due(&deadlines, 100)) != NULL; left++) {
            cr_expect_neq(due, all[gone]);
            deadlines_set(&deadlines, due, DEADLINE_NONE, 100);
        }
        cr_expect_eq(left, 2);
    }
}
