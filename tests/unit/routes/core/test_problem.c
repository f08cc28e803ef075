/* Errors on the wire: each kind has a status, a type and a title, and says no more than it may. */

#include "routes/core/problem.h"

#include "routes/json/scan.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct exchange ex;

static void make_exchange(void)
{
    ex = (struct exchange){.path = SLICE_LITERAL("/sessions/\"x\""), .request_id = "id-1"};
}

static void release(void)
{
    exchange_release(&ex);
}

TestSuite(problem, .init = make_exchange, .fini = release);

static const char *response_header(const char *name)
{
    for (size_t i = 0; i < ex.response_header_count; i++) {
        if (strcmp(ex.response_headers[i].name, name) == 0)
            return exchange_header_value(&ex, i);
    }
    return NULL;
}

/* The raw text of a member of the answer; its data is NULL when there is none. */
static struct slice member(const char *name)
{
    const struct slice text = buffer_slice(&ex.response);
    struct json_outline outline;
    struct error err;

    cr_assert(json_scan(text, 16, &outline, &err), "%s: %.*s", err.detail, (int)text.len,
              text.data);
    cr_assert_eq(outline.type, JSON_OBJECT);
    cr_assert_leq(outline.member_count, JSON_OUTLINE_MEMBERS);
    for (size_t i = 0; i < outline.member_count; i++) {
        if (slice_is(outline.members[i].name, name))
            return outline.members[i].value;
    }
    return (struct slice){0};
}

static void expect_member(const char *name, const char *value)
{
    const struct slice found = member(name);

    cr_expect(slice_is(found, value), "%s is %.*s, not %s", name, (int)found.len,
              found.data == NULL ? "" : found.data, value);
}

struct kind {
    enum error_kind kind;
    int status;
    const char *type; /* without urn:sessiond:problem: */
};

static const struct kind kinds[] = {
    {ERROR_MALFORMED_REQUEST, 400, "malformed-request"},
    {ERROR_UNKNOWN_METHOD, 501, "method-not-implemented"},
    {ERROR_UNKNOWN_VERSION, 505, "version-not-supported"},
    {ERROR_MALFORMED_JSON, 400, "malformed-json"},
    {ERROR_INVALID_QUERY, 400, "invalid-query"},
    {ERROR_INVALID_HEADER, 400, "invalid-header"},
    {ERROR_INVALID_PAYLOAD, 422, "invalid-payload"},
    {ERROR_UNSUPPORTED_TYPE, 415, "unsupported-media-type"},
    {ERROR_LENGTH_REQUIRED, 411, "length-required"},
    {ERROR_TOO_LARGE, 413, "body-too-large"},
    {ERROR_TARGET_TOO_LONG, 414, "uri-too-long"},
    {ERROR_HEADERS_TOO_LARGE, 431, "header-fields-too-large"},
    {ERROR_UNAUTHORIZED, 401, "unauthorized"},
    {ERROR_FORBIDDEN, 403, "forbidden"},
    {ERROR_CROSS_ORIGIN, 403, "cross-origin"},
    {ERROR_MISDIRECTED, 421, "misdirected"},
    {ERROR_NO_ROUTE, 404, "not-found"},
    {ERROR_NO_METHOD, 405, "method-not-allowed"},
    {ERROR_NOT_FOUND, 404, "not-found"},
    {ERROR_SESSION_EXISTS, 409, "session-exists"},
    {ERROR_INVALID_TRANSITION, 409, "invalid-transition"},
    {ERROR_STATUS_MISMATCH, 409, "status-mismatch"},
    {ERROR_LEASE_HELD, 409, "lease-held"},
    {ERROR_LEASE_LOST, 409, "lease-lost"},
    {ERROR_NO_LEASE, 404, "no-lease"},
    {ERROR_EVENTS_GONE, 410, "events-gone"},
    {ERROR_NO_SEARCH, 404, "search-off"},
    {ERROR_ENTRY_CONFLICT, 409, "entry-conflict"},
    {ERROR_KEY_REUSED, 422, "idempotency-key-reused"},
    {ERROR_PRECONDITION_FAILED, 412, "precondition-failed"},
    {ERROR_REQUEST_TIMEOUT, 408, "request-timeout"},
    {ERROR_RATE_LIMITED, 429, "rate-limited"},
    {ERROR_CLIENT_LIMIT, 429, "client-limit"},
    {ERROR_CLIENT_LEFT, 400, "client-left"},
    {ERROR_OVERLOADED, 503, "overloaded"},
    {ERROR_QUEUE_FULL, 503, "queue-full"},
    {ERROR_STOPPING, 503, "stopping"},
    {ERROR_STORAGE_FULL, 507, "storage-full"},
    {ERROR_DATABASE_FULL, 507, "database-full"},
    {ERROR_NOT_READY, 503, "not-ready"},
    {ERROR_STORAGE_BUSY, 503, "storage-busy"},
    {ERROR_READ_TIMEOUT, 503, "read-timeout"},
    {ERROR_BACKUP_RUNNING, 409, "backup-running"},
    {ERROR_NO_ROOM, 507, "storage-full"},
    {ERROR_INTERNAL, 500, "internal"},
    {ERROR_OUTCOME_UNKNOWN, 500, "outcome-unknown"},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void answer(enum error_kind kind, const char *field, const char *detail)
{
    struct error err;

    error_set(&err, kind, field, "%s", detail);
    problem_respond(&ex, &err);
}

Test(problem, every_kind_has_its_status_and_type)
{
    for (enum error_kind kind = ERROR_NONE + 1; kind < ERROR_KIND_COUNT; kind++) {
        size_t i = 0;
        char type[80];
        char status[8];
        while (i < KINDS && kinds[i].kind != kind)
            i++;
        cr_assert_lt(i, KINDS, "the kind %d is not in this table", kind);
        answer(kind, NULL, "a detail");
        cr_expect_eq(ex.status, kinds[i].status);
        cr_expect_str_eq(ex.content_type, "application/problem+json");
        snprintf(type, sizeof(type), "\"urn:sessiond:problem:%s\"", kinds[i].type);
        snprintf(status, sizeof(status), "%d", kinds[i].status);
        expect_member("type", type);
        expect_member("status", status);
        expect_member("instance", "\"/sessions/\\\"x\\\"\"");
        expect_member("request_id", "\"id-1\"");
        cr_expect_gt(member("title").len, 2);
        cr_expect_gt(member("detail").len, 2);
    }
}

/* RFC 9457 §3.1.1, §3.1.3: a type has one status and one title, and no other type has them both. */
Test(problem, types_and_titles_go_together)
{
    char titles[KINDS][80];

    for (size_t i = 0; i < KINDS; i++) {
        answer(kinds[i].kind, NULL, "a detail");
        const struct slice title = member("title");
        snprintf(titles[i], sizeof(titles[i]), "%.*s", (int)title.len, title.data);
        for (size_t k = 0; k < i; k++) {
            const bool same_type = strcmp(kinds[i].type, kinds[k].type) == 0;
            cr_expect_eq(same_type, strcmp(titles[i], titles[k]) == 0, "%s and %s", titles[i],
                         titles[k]);
            cr_expect(!same_type || kinds[i].status == kinds[k].status);
        }
    }
}

Test(problem, only_503_says_when_to_come_back)
{
    for (size_t i = 0; i < KINDS; i++) {
        answer(kinds[i].kind, NULL, "a detail");
        const char *after = response_header("Retry-After");
        cr_expect_eq(after != NULL, kinds[i].status == 503, "%s", kinds[i].type);
        cr_expect(after == NULL || (after[0] >= '1' && after[0] <= '9'), "whole seconds");
    }
}

Test(problem, what_concerns_the_operator_is_not_shown)
{
    static const enum error_kind secret[] = {ERROR_INTERNAL, ERROR_OUTCOME_UNKNOWN,
                                             ERROR_STORAGE_FULL, ERROR_STORAGE_BUSY};

    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
        make_exchange();
        answer(secret[i], "/secret", "SQLite error 11 at /home/me/secret");
        buffer_add_char(&ex.response, '\0');
        cr_expect_null(strstr(ex.response.data, "secret"), "%s", ex.response.data);
        cr_expect_null(strstr(ex.response.data, "SQLite"), "%s", ex.response.data);
        release();
    }
}

Test(problem, public_details_are_sent_unless_the_outcome_is_unknown)
{
    static const enum error_kind kinds_sent[] = {ERROR_INTERNAL, ERROR_STORAGE_FULL,
                                                 ERROR_STORAGE_BUSY, ERROR_READ_TIMEOUT};
    struct error err;

    for (size_t i = 0; i < sizeof(kinds_sent) / sizeof(kinds_sent[0]); i++) {
        make_exchange();
        error_set_public(&err, kinds_sent[i], NULL, "send it again");
        problem_respond(&ex, &err);
        expect_member("detail", "\"send it again\"");
        release();
    }
    make_exchange();
    error_set_public(&err, ERROR_OUTCOME_UNKNOWN, NULL, "send it again");
    problem_respond(&ex, &err);
    buffer_add_char(&ex.response, '\0');
    cr_expect_null(strstr(ex.response.data, "send it again"), "%s", ex.response.data);
}

Test(problem, the_clients_fault_is_described)
{
    answer(ERROR_MALFORMED_JSON, NULL, "line 1, column 2: found '\"'");
    expect_member("detail", "\"line 1, column 2: found '\\\"'\"");
    cr_expect_null(member("errors").data);
}

Test(problem, errors_say_where)
{
    answer(ERROR_INVALID_PAYLOAD, "/a~1b c", "it is wrong");
    expect_member("errors", "[{\"pointer\":\"#/a~1b%20c\",\"detail\":\"it is wrong\"}]");
    answer(ERROR_INVALID_PAYLOAD, "", "it is no object");
    expect_member("errors", "[{\"pointer\":\"#\",\"detail\":\"it is no object\"}]");
    answer(ERROR_INVALID_QUERY, "li\"mit", "it is wrong");
    expect_member("errors", "[{\"parameter\":\"li\\\"mit\",\"detail\":\"it is wrong\"}]");
    answer(ERROR_INVALID_HEADER, "If-Match", "it is wrong");
    expect_member("errors", "[{\"header\":\"If-Match\",\"detail\":\"it is wrong\"}]");
}

Test(problem, takes_the_place_of_an_answer_that_was_begun)
{
    ex.status = 200;
    ex.content_type = "application/json";
    ex.fixed_response = SLICE_LITERAL("fixed");
    buffer_add_text(&ex.response, "{\"sessions\":[");
    exchange_add_header(&ex, "Link", SLICE_LITERAL("<…>"));
    problem_respond_kind(&ex, ERROR_QUEUE_FULL, "try again");
    cr_expect_eq(ex.status, 503);
    expect_member("detail", "\"try again\"");
    cr_expect_null(ex.fixed_response.data);
    cr_expect_null(response_header("Link"));
    cr_expect_str_eq(response_header("Retry-After"), "1");
}

Test(problem, a_refused_transition_says_which_are_allowed)
{
    static const struct {
        enum session_status from;
        const char *current;
        const char *allowed;
    } cases[] = {
        {SESSION_CREATED, "\"CREATED\"", "[\"ACTIVE\",\"TERMINATED\"]"},
        {SESSION_ACTIVE, "\"ACTIVE\"", "[\"PAUSED\",\"TERMINATED\"]"},
        {SESSION_PAUSED, "\"PAUSED\"", "[\"ACTIVE\",\"TERMINATED\"]"},
        {SESSION_TERMINATED, "\"TERMINATED\"", "[]"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        error_set(&ex.job.error, ERROR_INVALID_TRANSITION, "/status", "not so");
        ex.job.session.status = cases[i].from;
        problem_respond_job(&ex);
        cr_expect_eq(ex.status, 409);
        expect_member("current_status", cases[i].current);
        expect_member("allowed", cases[i].allowed);
    }
}

Test(problem, a_failed_precondition_shows_the_version)
{
    error_set(&ex.job.error, ERROR_PRECONDITION_FAILED, "If-Match", "changed");
    ex.job.session.version = 12;
    problem_respond_job(&ex);
    cr_expect_eq(ex.status, 412);
    expect_member("current_version", "12");
    cr_expect_str_eq(response_header("ETag"), "\"12\"");
}

Test(problem, other_job_errors_show_nothing_of_the_session)
{
    error_set(&ex.job.error, ERROR_NOT_FOUND, NULL, "there is none");
    problem_respond_job(&ex);
    cr_expect_null(member("current_status").data);
    cr_expect_null(member("current_version").data);
    cr_expect_null(response_header("ETag"));
}

Test(problem, tells_how_long_to_wait)
{
    struct error err;

    error_set(&err, ERROR_RATE_LIMITED, NULL, "slower");
    problem_respond_retry_after(&ex, &err, 7);
    cr_expect_eq(ex.status, 429);
    cr_expect_str_eq(response_header("Retry-After"), "7");
    expect_member("detail", "\"slower\"");
}
