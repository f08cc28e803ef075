/* A request as it came: its target, its headers, its id, and its line in the log. */

#include "service/http/request.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct request *request;
static struct request_ids ids;

static void make_request(void)
{
    request_ids_init(&ids);
    request = request_new("/sessions/x?limit=5");
}

static void release(void)
{
    request_free(request);
}

TestSuite(request, .init = make_request, .fini = release);

static void renew(const char *target)
{
    request_free(request);
    request = request_new(target);
}

Test(request, the_target_is_a_path_and_a_query)
{
    static const struct {
        const char *target;
        const char *path;
        const char *query;
    } cases[] = {
        {"/sessions", "/sessions", ""},
        {"/sessions?a=1&b", "/sessions", "a=1&b"},
        {"/a?b?c", "/a", "b?c"},
        {"/a?", "/a", ""},
        {"?", "/", ""},
        {"", "/", ""},
        {"http://h:1/a?b", "/a", "b"},
        {"HTTPS://h?b", "/", "b"},
        {"http://h", "/", ""},
        {"ftp://h/a", "ftp://h/a", ""},
        {"/%3F%20?%3F", "/%3F%20", "%3F"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char target[32];
        snprintf(target, sizeof(target), "%s", cases[i].target);
        renew(target);
        memset(target, '#', sizeof(target));
        cr_expect(slice_is(request->ex.path, cases[i].path), "%s", cases[i].target);
        cr_expect(slice_is(request->ex.query, cases[i].query), "%s", cases[i].target);
    }
    request_free(NULL);
}

/* RFC 9110 §5.5: white space around a value is no part of it; libmicrohttpd takes off what stands
 * before it. */
Test(request, white_space_behind_a_value_is_no_part_of_it)
{
    request_header(request, "Authorization", "Bearer abc \t ");
    request_header(request, "Lease-Token", " \t");
    request_header(request, "If-Match", "\"1\" ");
    request_header(request, "If-Match", "\"2\"\t");

    cr_expect(slice_is(request->ex.headers[REQUEST_AUTHORIZATION], "Bearer abc"));
    cr_expect_not_null(request->ex.headers[REQUEST_LEASE_TOKEN].data, "an empty one is there");
    cr_expect(slice_is(request->ex.headers[REQUEST_LEASE_TOKEN], ""));
    cr_expect(slice_is(request->ex.headers[REQUEST_IF_MATCH], "\"1\", \"2\""));
}

Test(request, headers_are_known_in_either_case)
{
    static const struct {
        const char *name;
        enum request_header header;
    } cases[] = {
        {"content-type", REQUEST_CONTENT_TYPE},   {"IF-MATCH", REQUEST_IF_MATCH},
        {"If-None-Match", REQUEST_IF_NONE_MATCH}, {"lease-Token", REQUEST_LEASE_TOKEN},
        {"x-request-id", REQUEST_X_REQUEST_ID},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_null(request->ex.headers[cases[i].header].data, "%s", cases[i].name);
        request_header(request, cases[i].name, "value");
        cr_expect(slice_is(request->ex.headers[cases[i].header], "value"), "%s", cases[i].name);
    }
    request_header(request, "X-Other", "passed over");
    request_header(request, "If-Matc", "passed over");
    cr_expect(slice_is(request->ex.headers[REQUEST_IF_MATCH], "value"));
}

Test(request, an_empty_header_is_there)
{
    request_header(request, "If-Match", "");
    cr_expect_not_null(request->ex.headers[REQUEST_IF_MATCH].data);
    request_header(request, "If-None-Match", NULL);
    cr_expect_not_null(request->ex.headers[REQUEST_IF_NONE_MATCH].data);
    cr_expect_eq(request->ex.headers[REQUEST_IF_NONE_MATCH].len, 0);
}

/* RFC 9110 §5.2. */
Test(request, repeated_headers_are_one_list)
{
    request_header(request, "If-Match", "\"1\"");
    request_header(request, "X-Request-Id", "a");
    request_header(request, "if-match", "\"2\"");
    request_header(request, "IF-MATCH", "\"3\"");
    cr_expect(slice_is(request->ex.headers[REQUEST_IF_MATCH], "\"1\", \"2\", \"3\""));
    cr_expect(slice_is(request->ex.headers[REQUEST_X_REQUEST_ID], "a"));
}

Test(request, the_length_is_a_number)
{
    cr_expect_eq(request->ex.content_length, 0);
    request_header(request, "content-length", "16777217");
    cr_expect_eq(request->ex.content_length, 16777217);
    request_header(request, "Content-Length", "18446744073709551615");
    cr_expect_eq(request->ex.content_length, UINT64_MAX);
}

/* --- Ids ----------------------------------------------------------------------------------- */

static const char *identify(const char *sent)
{
    renew("/");
    if (sent != NULL)
        request_header(request, "X-Request-Id", sent);
    request_identify(request, &ids);
    return request->ex.request_id;
}

Test(request, a_sane_id_is_taken_over)
{
    static const char *const sane[] = {
        "a", "7f3c1e2a-0000-4000-8000-000000000000", "Root=1-5e1b4151:trace/span_1~x+y.z@host",
        "0123456789012345678901234567890123456789012345678901234567890123", /* 64 */
    };

    for (size_t i = 0; i < sizeof(sane) / sizeof(sane[0]); i++)
        cr_expect_str_eq(identify(sane[i]), sane[i]);
}

Test(request, another_id_is_replaced)
{
    static const char *const insane[] = {
        "",     "01234567890123456789012345678901234567890123456789012345678901234", /* 65 */
        "a b",  " ",
        "a\tb", "a\nb",
        "a\"b", "a\\b",
        "<a>",  "a;b",
        "a,b",  "{a}",
        "\x7f", "\xc3\xa4",
    };

    for (size_t i = 0; i < sizeof(insane) / sizeof(insane[0]); i++) {
        const char *id = identify(insane[i]);
        cr_expect_str_neq(id, insane[i]);
        cr_expect_gt(strlen(id), 8);
        cr_expect_eq(strspn(id, "0123456789abcdef-"), strlen(id), "%s", id);
    }
}

Test(request, two_ids_are_no_id)
{
    request_header(request, "X-Request-Id", "a");
    request_header(request, "X-Request-Id", "b");
    request_identify(request, &ids);
    cr_expect_null(strstr(request->ex.request_id, ","));
}

Test(request, made_ids_are_distinct)
{
    struct request_ids others;
    char first[EXCHANGE_REQUEST_ID_MAX + 1];
    char before[EXCHANGE_REQUEST_ID_MAX + 1] = "";

    snprintf(first, sizeof(first), "%s", identify(NULL));
    for (int i = 0; i < 100; i++) {
        const char *id = identify(NULL);
        cr_expect_str_neq(id, before);
        cr_expect_str_neq(id, first);
        snprintf(before, sizeof(before), "%s", id);
    }
    request_ids_init(&others);
    renew("/");
    request_identify(request, &others);
    cr_expect_str_neq(request->ex.request_id, first, "another process makes others");
}

/* --- Methods ------------------------------------------------------------------------------- */

Test(request, methods_are_known_as_they_are_spelt)
{
    static const struct {
        const char *sent;
        enum method method;
    } cases[] = {
        {"GET", METHOD_GET},
        {"HEAD", METHOD_HEAD},
        {"POST", METHOD_POST},
        {"PUT", METHOD_PUT},
        {"PATCH", METHOD_PATCH},
        {"DELETE", METHOD_DELETE},
        {"OPTIONS", METHOD_OTHER},
        {"get", METHOD_OTHER},
        {"", METHOD_OTHER},
        {"OTHER", METHOD_OTHER},
        {"GETGETGETGETGETGETGET", METHOD_OTHER},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        request_set_method(request, cases[i].sent);
        cr_expect_eq(request->ex.method, cases[i].method, "%s", cases[i].sent);
        cr_expect_eq(strncmp(request->method, cases[i].sent, sizeof(request->method) - 1), 0, "%s",
                     request->method);
    }
}

/* --- The access line ----------------------------------------------------------------------- */

/* What the log has of the request. */
static void log_it(const char *level, char *out, size_t size)
{
    const int fd = memfd_create("log", 0);
    struct log *log = log_new(fd, level);

    request_log(request, log, 1500);
    log_free(log);
    const ssize_t got = pread(fd, out, size - 1, 0);
    cr_assert_geq(got, 0);
    out[got] = '\0';
    close(fd);
}

Test(request, has_one_line_in_the_log)
{
    char line[512];

    renew("/sessions/\"x?secret=1");
    request_set_method(request, "GET");
    request_header(request, "X-Request-Id", "id-1");
    request_identify(request, &ids);
    request->ex.status = 404;
    request->input_bytes = 321;
    error_set(&request->ex.job.error, ERROR_NOT_FOUND, NULL, "there is none");
    log_it("info", line, sizeof(line));
    cr_expect(strstr(line, "\"level\":\"info\",\"event\":\"request\",\"method\":\"GET\","
                           "\"path\":\"/sessions/\\\"x\",\"status\":404,\"duration_ms\":1.500,"
                           "\"bytes\":321,\"request_id\":\"id-1\"}\n"),
              "%s", line);
    cr_expect_eq(strchr(line, '\n'), line + strlen(line) - 1);
}

Test(request, a_fault_of_the_service_is_explained_in_the_log)
{
    char line[512];

    request_set_method(request, "PUT");
    request->ex.status = 500;
    error_set(&request->ex.job.error, ERROR_INTERNAL, NULL, "SQLite error 11");
    log_it("error", line, sizeof(line));
    cr_expect(strstr(line, "\"level\":\"error\""), "%s", line);
    cr_expect(strstr(line, "\"detail\":\"SQLite error 11\""), "%s", line);
    request->ex.job.error.kind = ERROR_NONE;
    log_it("error", line, sizeof(line));
    cr_expect_null(strstr(line, "detail"), "%s", line);
}

/* Whoever sends them could fill the log with errors. */
Test(request, what_the_service_does_not_know_is_no_fault_of_its_own)
{
    static const int statuses[] = {501, 505};
    char line[512];

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        request->ex.status = statuses[i];
        log_it("info", line, sizeof(line));
        cr_expect(strstr(line, "\"level\":\"info\""), "%s", line);
    }
}

Test(request, is_silent_where_nobody_wants_to_know)
{
    char line[512];

    request->ex.status = 200;
    log_it("warning", line, sizeof(line));
    cr_expect_str_eq(line, "");
}
