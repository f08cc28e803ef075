/* What a request has to be before any route sees it: each limit at it and one beyond. */

#include "service/http/admission.h"
#include "tests/unit/support/lenient_head.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct admission rules = {
    .max_header_bytes = 1000, .max_target_bytes = 40, .max_query_parameters = 2};

static struct error err;

static bool admits_head(const char *text)
{
    struct lenient_head read;

    cr_assert(lenient_head_read(slice_from(text), &read));
    const bool admitted = admission_check(&rules, &read.head, &err);
    lenient_head_release(&read);
    return admitted;
}

static bool admits(const char *target)
{
    char text[256];

    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", target);
    return admits_head(text);
}

/* A head of `bytes` bytes, with `fields` fields. */
static bool admits_size(int fields, int bytes)
{
    char text[2048] = "GET / HTTP/1.1\r\nHost: h\r\n";
    size_t len = strlen(text);

    for (int i = 2; i < fields; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "A:\r\n");
    len += (size_t)snprintf(text + len, sizeof(text) - len, "B:");
    const size_t rest = (size_t)bytes - len - 4;
    memset(text + len, 'x', rest);
    snprintf(text + len + rest, sizeof(text) - len - rest, "\r\n\r\n");
    return admits_head(text);
}

Test(admission, the_target_may_be_as_long_as_the_limit)
{
    char target[64] = "/";

    memset(target + 1, 'x', 39);
    cr_expect(admits(target));
    target[40] = 'x';
    cr_expect_not(admits(target));
    cr_expect_eq(err.kind, ERROR_TARGET_TOO_LONG);
}

Test(admission, the_head_may_be_as_long_as_the_limit)
{
    cr_expect(admits_size(128, 1000));
    cr_expect_not(admits_size(128, 1001));
    cr_expect_eq(err.kind, ERROR_HEADERS_TOO_LARGE);
    cr_expect_not(admits_size(129, 1000));
    cr_expect_eq(err.kind, ERROR_HEADERS_TOO_LARGE);
}

Test(admission, a_query_may_have_as_many_parameters_as_the_limit)
{
    cr_expect(admits("/sessions"));
    cr_expect(admits("/sessions?a=1"));
    cr_expect(admits("/sessions?a=1&b"));
    cr_expect(admits("/sessions?&&a=1&&&b&&"), "empty ones are none");
    cr_expect_not(admits("/sessions?a=1&b&c=3"));
    cr_expect_eq(err.kind, ERROR_INVALID_QUERY);
    cr_expect_str_eq(err.field, "c");
    cr_expect_str_eq(err.detail, "the query has too many parameters; the limit is 2");
}
