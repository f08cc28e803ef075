/* What a request has to be before any route sees it: each limit at it and one beyond. */

#include "service/admission.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct admission rules = {
    .max_header_bytes = 1000, .max_target_bytes = 40, .max_query_parameters = 2};

static struct request *request;
static struct error err;

static void release(void)
{
    request_free(request);
}

TestSuite(admission, .fini = release);

static bool admits(const char *target)
{
    request_free(request);
    request = request_new(target);
    return admission_check(&rules, request, &err);
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
    request = request_new("/");
    request->head_bytes = 1000;
    request->header_count = 128;
    cr_expect(admission_check(&rules, request, &err));
    request->head_bytes = 1001;
    cr_expect_not(admission_check(&rules, request, &err));
    cr_expect_eq(err.kind, ERROR_HEADERS_TOO_LARGE);
    request->head_bytes = 1000;
    request->header_count = 129;
    cr_expect_not(admission_check(&rules, request, &err));
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
    cr_expect_str_eq(err.detail, "a query may have at most 2 parameters");
}
