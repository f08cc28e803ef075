/* The log: JSON to the last line, whatever clients send; one access line a request. */
#include "tests/support/fixture.h"
#include "tests/support/parallel.h"
#include "tests/support/raw_connection.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(logs, .init = fixture_init, .fini = fixture_stop);

/* Reads one line as what it must be: a whole JSON object in UTF-8. The caller puts it back. */
static struct json_object *parse_line(const char *line)
{
    struct json_tokener *tokener = json_tokener_new();

    /* Not JSON_TOKENER_STRICT: json-c 0.18 then refuses every byte of UTF-8 beyond ASCII. */
    json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *tree = json_tokener_parse_ex(tokener, line, (int)strlen(line));
    const bool whole = json_tokener_get_parse_end(tokener) == strlen(line);
    json_tokener_free(tokener);
    for (const char *c = line; *c != '\0'; c++)
        cr_expect((unsigned char)*c >= ' ', "a control character: %s", line);
    cr_expect(whole && json_object_is_type(tree, json_type_object), "no JSON: %s", line);
    return tree;
}

static const char *text_of(struct json_object *line, const char *name)
{
    struct json_object *value = json_object_object_get(line, name);

    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

static int64_t number_of(struct json_object *line, const char *name)
{
    struct json_object *value = json_object_object_get(line, name);

    return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
}

static void expect_structlog(struct json_object *line, const char *text)
{
    const char *timestamp = text_of(line, "timestamp");

    cr_expect_eq(strlen(timestamp), strlen("2026-11-23T06:36:00.123456Z"), "%s", text);
    cr_expect(timestamp[0] == '2' && timestamp[strlen(timestamp) - 1] == 'Z', "%s", text);
    cr_expect_not_null(strstr("debug info warning error", text_of(line, "level")), "%s", text);
    cr_expect_str_neq(text_of(line, "level"), "", "%s", text);
    cr_expect_str_neq(text_of(line, "event"), "", "%s", text);
}

/* Looks at every line of the log; those of the event go to `visit`, unless it is NULL. Returns how
 * many these are. */
static size_t read_log(const char *event, void (*visit)(struct json_object *line, void *arg),
                       void *arg)
{
    char *log = service_log(&service);
    size_t found = 0;

    cr_expect(log[0] != '\0' && log[strlen(log) - 1] == '\n', "the last line is not whole");
    for (char *rest = log, *text; (text = strsep(&rest, "\n")) != NULL;) {
        if (text[0] == '\0')
            continue;
        struct json_object *line = parse_line(text);
        expect_structlog(line, text);
        if (strcmp(text_of(line, "event"), event) == 0) {
            found++;
            if (visit != NULL)
                visit(line, arg);
        }
        json_object_put(line);
    }
    free(log);
    return found;
}

struct expected_line {
    const char *method;
    const char *target;
    const char *path;
    int status;
    bool found;
    size_t bytes;
};

static struct expected_line requests[] = {
    {"GET", "/healthz", "/healthz", 200, false, 0},
    {"GET", "/sessions?limit=5&thread_id=secret", "/sessions", 200, false, 0},
    {"GET", "/sessions?limit=x", "/sessions", 400, false, 0},
    {"GET", "/nothing", "/nothing", 404, false, 0},
    {"DELETE", "/sessions", "/sessions", 405, false, 0},
    {"GET", "/sessions/b0a4c7de-0000-4000-8000-000000000001",
     "/sessions/b0a4c7de-0000-4000-8000-000000000001", 404, false, 0},
    {"POST", "/sessions", "/sessions", 422, false, 0},
    {"OPTIONS", "/sessions", "/sessions", 405, false, 0},
    {"BREW", "/pot", "/pot", 501, false, 0},
    {"HEAD", "/healthz", "/healthz", 200, false, 0},
    {"GET", "/openapi.yaml", "/openapi.yaml", 200, false, 0},
};

#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

static void check_line(struct json_object *line, void *arg)
{
    size_t i;

    (void)arg;
    cr_assert_eq(sscanf(text_of(line, "request_id"), "request.%zu", &i), 1);
    cr_assert_lt(i, REQUESTS);
    struct expected_line *it = &requests[i];
    cr_expect(!it->found, "two lines of one request");
    it->found = true;
    cr_expect_str_eq(text_of(line, "method"), it->method);
    cr_expect_str_eq(text_of(line, "path"), it->path);
    cr_expect_eq(number_of(line, "status"), it->status);
    cr_expect_eq(number_of(line, "bytes"), (int64_t)it->bytes, "%s %s", it->method, it->target);
    struct json_object *duration = json_object_object_get(line, "duration_ms");
    cr_expect(json_object_is_type(duration, json_type_double) &&
              json_object_get_double(duration) >= 0);
}

Test(logs, each_request_has_its_access_line)
{
    service_start(&service, NULL);
    for (size_t i = 0; i < REQUESTS; i++) {
        struct expected_line *it = &requests[i];
        char name[64];
        snprintf(name, sizeof(name), "X-Request-Id: request.%zu", i);
        const struct response *response =
            client_call(client, &(struct request){.method = it->method,
                                                  .target = it->target,
                                                  .body = it->method[0] == 'P' ? "{}" : NULL,
                                                  .headers = {name}});
        expect_status(response, it->status);
        it->bytes = response->body_len;
    }
    service_stop(&service);
    cr_expect_eq(read_log("request", check_line, NULL), REQUESTS);
    cr_expect_eq(read_log("listening", NULL, NULL), 1);
    cr_expect_eq(read_log("stopping", NULL, NULL), 1);
    cr_expect_eq(read_log("stopped", NULL, NULL), 1);
}

/* What a person searches for, such as a phone number, does not go to the log. */
Test(logs, queries_and_bodies_are_not_logged)
{
    service_start(&service, NULL);
    create_session("/secret/path", "+15551234567", "{\"secret\":1}", (char[UUID_SIZE]){0});
    client_get(client, "/sessions?thread_id=%%2B15551234567");
    client_get(client, "/sessions?secret=1");
    client_send(client, "POST", "{\"secret\"", "/sessions");
    service_stop(&service);
    char *log = service_log(&service);
    cr_expect_null(strstr(log, "secret"), "%s", log);
    cr_expect_null(strstr(log, "15551234567"), "%s", log);
    free(log);
}

/* --- Names of requests ---------------------------------------------------------------------- */

struct name_case {
    const char *sent;
    bool taken;
};

static const struct name_case name_cases[] = {
    {"a", true},
    {"7b8e2c04-0000-4000-8000-000000000001", true},
    {"trace/1.2:3~4_5+6=7@8", true},
    {"1234567890123456789012345678901234567890123456789012345678901234", true},
    {"12345678901234567890123456789012345678901234567890123456789012345", false},
    {"a b", false},
    {"a\"b", false},
    {"a\\b", false},
    {"a,b", false},
    {"{\"a\":1}", false},
    {"\xc3\xa5", false},
    {"\xff", false},
    {"<script>", false},
    {"a\tb", false},
};

static void note_name(struct json_object *line, void *arg)
{
    char(*names)[80] = arg;
    static size_t at;

    snprintf(names[at++], sizeof(names[0]), "%s", text_of(line, "request_id"));
}

#define NAMES (sizeof(name_cases) / sizeof(name_cases[0]))

Test(logs, a_sane_name_of_a_request_is_taken_over)
{
    char answered[NAMES][80];
    char logged[NAMES][80] = {0};

    service_start(&service, NULL);
    for (size_t i = 0; i < NAMES; i++) {
        const struct name_case *it = &name_cases[i];
        char header[128];
        snprintf(header, sizeof(header), "X-Request-Id: %s", it->sent);
        const struct response *response = client_call(
            client, &(struct request){.method = "GET", .target = "/nothing", .headers = {header}});
        snprintf(answered[i], sizeof(answered[0]), "%s",
                 response_header(expect_status(response, 404), "X-Request-Id"));
        cr_expect_eq(strcmp(answered[i], it->sent) == 0, it->taken, "%s: %s", it->sent,
                     answered[i]);
        cr_expect_str_eq(response_text(response, "/request_id"), answered[i]);
    }
    service_stop(&service);
    cr_expect_eq(read_log("request", note_name, logged), NAMES);
    for (size_t i = 0; i < NAMES; i++)
        cr_expect_str_eq(logged[i], answered[i]);
}

static void read_names(struct worker *worker)
{
    char(*names)[80] = worker->arg;

    for (int i = 0; i < 20; i++) {
        const struct response *response = client_get(worker->client, "/healthz");
        const char *name = response_header(response, "X-Request-Id");
        if (!worker_expect(worker, response, 200) || name == NULL)
            worker_fail(worker, "no X-Request-Id");
        else
            snprintf(names[worker->index * 20 + i], sizeof(names[0]), "%s", name);
    }
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(left, right);
}

Test(logs, a_name_that_is_made_is_made_once)
{
    static char names[16 * 20][80];

    service_start(&service, NULL);
    parallel_run(&service, 16, read_names, names);
    qsort(names, 16 * 20, sizeof(names[0]), compare_names);
    for (size_t i = 0; i < 16 * 20; i++)
        cr_expect(names[i][0] != '\0' && (i == 0 || strcmp(names[i - 1], names[i]) != 0), "%s",
                  names[i]);
}

/* --- What clients send -------------------------------------------------------------------- */

static const char *const heads[] = {
    "GET /\"quoted\"\\back HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /\xff\xfe\x80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /\x01\x02\x1f\x7f HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /%00%0a%0d%22 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /\xe2\x80\xa8\xc2\x85\xed\xa0\x80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /a\",\"event\":\"forged HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "{\"a\":\"b\"} /x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "G\xff\"T /x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "AVERYLONGMETHODTHATDOESNOTEND /x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /x HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a\",\"b\":\"\xff\r\n\r\n",
    "GET /x HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a\r\nX-Request-Id: b\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\xfc\x03\x03\r\n\r\n",
    "nonsense\r\n\r\n",
};

Test(logs, no_client_can_break_a_line)
{
    char response[4096];

    service_start(&service, FLAGS("--log-level", "debug", "--idle-timeout", "1000ms"));
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        const int fd = raw_connect(&service);
        raw_send(fd, heads[i], strlen(heads[i]));
        raw_await(fd, PATIENCE_MS);
        raw_read_until(fd, "\r\n\r\n", response, sizeof(response));
        close(fd);
    }
    expect_status(client_get(client, "/healthz"), 200);
    service_stop(&service);
    cr_expect_geq(read_log("request", NULL, NULL), 1);
    cr_expect_eq(read_log("forged", NULL, NULL), 0);
}

static void ask_often(struct worker *worker)
{
    for (int i = 0; i < 100; i++)
        worker_expect(worker, client_get(worker->client, "/nothing/%d/%d", worker->index, i), 404);
}

Test(logs, lines_of_many_threads_stay_whole)
{
    service_start(&service, NULL);
    parallel_run(&service, 16, ask_often, NULL);
    service_stop(&service);
    cr_expect_eq(read_log("request", NULL, NULL), 1600);
}

Test(logs, a_level_silences_what_is_below_it)
{
    service_start(&service, FLAGS("--log-level", "info"));
    expect_status(client_get(client, "/nothing"), 404);
    service_stop(&service);
    cr_expect(!service_logged(&service, "libmicrohttpd", ""));
    cr_expect_eq(read_log("request", NULL, NULL), 1);
}
