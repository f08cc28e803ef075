/* Which parameters a path takes, how often, and what is told of one that it does not take. */

#include "routes/http/query_params.h"

#include <criterion/criterion.h>

enum which { LIMIT, TYPE, PATH, NAMES };

static const char *const names[NAMES] = {"limit", "type", "path"};

static struct buffer text;
static struct error err;
static char taken[200];

static bool take(void *arg, unsigned which, struct slice value)
{
    (void)arg;
    strcat(taken, names[which]);
    strcat(taken, "=");
    strncat(taken, value.data, value.len);
    strcat(taken, ";");
    return !slice_is(value, "bad");
}

static bool reads(struct query_params *reader, const char *query)
{
    text.len = 0;
    taken[0] = '\0';
    *reader = (struct query_params){
        .names = names,
        .count = NAMES,
        .known = QUERY_BIT(LIMIT) | QUERY_BIT(TYPE) | QUERY_BIT(PATH),
        .repeatable = QUERY_BIT(TYPE),
        .text = &text,
        .err = &err,
    };
    return query_read(reader, slice_from(query), take, NULL);
}

static void finish(void)
{
    buffer_release(&text);
}

TestSuite(query_params, .fini = finish);

Test(query_params, values_are_decoded_and_handed_over_in_order)
{
    struct query_params reader;

    cr_assert(reads(&reader, "path=%2Fa+b&type=x&limit=&type=y"));
    cr_expect_str_eq(taken, "path=/a b;type=x;limit=;type=y;");
    cr_expect(slice_is(query_text(&reader, PATH), "/a b"), "it moved while the text grew");
    cr_expect_not_null(query_text(&reader, LIMIT).data);
    cr_expect_eq(query_text(&reader, LIMIT).len, 0);
}

Test(query_params, what_does_not_stand_there_is_no_text)
{
    struct query_params reader;

    cr_assert(reads(&reader, ""));
    cr_expect_not(query_has(&reader, PATH));
    cr_expect_null(query_text(&reader, PATH).data);
}

Test(query_params, what_is_not_known_is_told_with_what_is)
{
    struct query_params reader;

    cr_assert_not(reads(&reader, "path=a&pth=b"));
    cr_expect_eq(err.kind, ERROR_INVALID_QUERY);
    cr_expect_str_eq(err.field, "pth");
    cr_expect_str_eq(err.detail,
                     "unknown parameter; the parameters of this path are limit, type, path");
}

Test(query_params, once_means_once)
{
    struct query_params reader;

    cr_assert_not(reads(&reader, "path=a&path=a"));
    cr_expect_str_eq(err.field, "path");
    cr_expect_str_eq(err.detail, "the parameter must not be repeated");
}

Test(query_params, a_limit_has_its_own)
{
    struct query_params reader;
    int limit = 7;

    cr_assert(reads(&reader, "limit=1"));
    cr_expect(query_limit(&reader, LIMIT, SLICE_LITERAL("1"), 20, &limit) && limit == 1);
    cr_expect(query_limit(&reader, LIMIT, SLICE_LITERAL("20"), 20, &limit) && limit == 20);
    cr_expect_not(query_limit(&reader, LIMIT, SLICE_LITERAL("21"), 20, &limit));
    cr_expect_not(query_limit(&reader, LIMIT, SLICE_LITERAL("0"), 20, &limit));
    cr_expect_eq(limit, 20);
    cr_expect_str_eq(err.field, "limit");
    cr_expect_str_eq(err.detail, "limit must be a number from 1 to 20");
}

Test(query_params, a_broken_value_and_a_refused_one_end_it)
{
    struct query_params reader;

    cr_expect_not(reads(&reader, "path=%2&limit=1"));
    cr_expect_str_eq(taken, "");
    cr_expect_not(reads(&reader, "path=bad&limit=1"));
    cr_expect_str_eq(taken, "path=bad;");
}
