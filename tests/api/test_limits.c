/* Every limit, at it and one beyond. */
#include "tests/support/fixture.h"
#include "tests/support/parallel.h"
#include "tests/support/raw_connection.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(limits, .init = fixture_start, .fini = fixture_stop);
TestSuite(limits_set, .init = fixture_init, .fini = fixture_stop);

/* A session's body of exactly `len` bytes. The caller frees it. */
static char *body_of(size_t len)
{
    static const char before[] =
        "{\"project_path\":\"/p\",\"thread_id\":\"t\",\"context\":{\"a\":\"";
    char *body = malloc(len + 1);

    cr_assert_not_null(body);
    memset(body, 'x', len);
    memcpy(body, before, sizeof(before) - 1);
    memcpy(body + len - 3, "\"}}", 4);
    return body;
}

static const struct response *post_of(size_t len)
{
    char *body = body_of(len);
    const struct response *response = client_send(client, "POST", body, "/sessions");

    free(body);
    return response;
}

Test(limits_set, a_body_may_be_as_long_as_the_limit)
{
    service_start(&service, FLAGS("--max-body-size", "4096"));
    expect_status(post_of(4096), 201);
    const struct response *refused = expect_status(post_of(4097), 413);
    cr_expect(response_is_problem(refused, "body-too-large"), "%s", refused->body);
    expect_status(post_of(1 << 20), 413);
    expect_status(post_of(4095), 201);
    cr_expect_eq(count_sessions(), 2);
}

Test(limits, the_usual_limit_is_sixteen_mebibytes)
{
    expect_status(post_of(16777216), 201);
    expect_status(post_of(16777217), 413);
    cr_expect_eq(count_sessions(), 1);
}

/* Headers alone: the answer comes though the body never does. */
static void expect_refused_early(const char *content_length)
{
    char request[256];
    char response[4096];
    const int fd = raw_connect(&service);

    snprintf(request, sizeof(request),
             "POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
             "Content-Length: %s\r\n\r\n",
             content_length);
    cr_assert(raw_send(fd, request, strlen(request)));
    cr_assert(raw_read_to_end(fd, response, sizeof(response)), "%s: no end", content_length);
    cr_expect_eq(strncmp(response, "HTTP/1.1 413 ", 13), 0, "%s: %s", content_length, response);
    close(fd);
}

Test(limits_set, a_body_that_is_too_long_is_refused_before_it_is_read)
{
    service_start(&service, FLAGS("--max-body-size", "4096"));
    expect_refused_early("4097");
    expect_refused_early("1000000000000");
    expect_refused_early("9223372036854775808");
    cr_expect_eq(count_sessions(), 0);
}

/* What merging makes counts like what is sent. */
Test(limits_set, a_merged_context_may_be_as_long_as_the_limit)
{
    char id[UUID_SIZE];
    char target[64];
    char body[1200];

    service_start(&service, FLAGS("--max-body-size", "2048"));
    create_session("/p", "t", "{}", id);
    snprintf(target, sizeof(target), "/sessions/%s", id);
    for (int i = 0; i < 4; i++) {
        /* Each adds 1,000 bytes, and a comma where it is not the first. */
        snprintf(body, sizeof(body), "{\"context\":{\"m%d\":\"%0993d\"}}", i, i);
        const struct response *merged =
            client_call(client, &(struct request){.method = "PATCH",
                                                  .target = target,
                                                  .type = "application/merge-patch+json",
                                                  .body = body});
        expect_status(merged, i < 2 ? 200 : 413);
    }
    const struct response *kept = expect_status(client_get(client, "%s", target), 200);
    cr_expect_eq(response_number(kept, "/version"), 3);
    cr_expect_eq(response_length(kept, "/context"), 2);
}

struct text_case {
    const char *member;
    const char *unit; /* in JSON */
    int count;
    const char *end;
    int status;
};

static const struct text_case text_cases[] = {
    {"project_path", "x", 4096, "", 201},
    {"project_path", "x", 4097, "", 422},
    {"project_path", "\xc3\xa5", 2048, "", 201},
    {"project_path", "\xc3\xa5", 2048, "x", 422},
    {"project_path", "\\u00e5", 2048, "", 201},
    {"project_path", "\\u00e5", 2047, "xxx", 422},
    {"project_path", "\xf0\x9f\x98\x80", 1024, "", 201},
    {"project_path", "\\ud83d\\ude00", 1024, "", 201},
    {"project_path", "\\ud83d\\ude00", 1024, "x", 422},
    {"project_path", "x", 1, "", 201},
    {"project_path", "x", 0, "", 422},
    {"thread_id", "x", 512, "", 201},
    {"thread_id", "x", 513, "", 422},
    {"thread_id", "\xe4\xb8\x96", 170, "xx", 201},
    {"thread_id", "\xe4\xb8\x96", 170, "xxx", 422},
    {"thread_id", "\\u4e16", 170, "xx", 201},
    {"thread_id", "\\u4e16", 171, "", 422},
    {"thread_id", "\\\"", 512, "", 201},
    {"thread_id", "\\\"", 513, "", 422},
    {"thread_id", "x", 0, "", 422},
    {"thread_id", "x", 100000, "", 422},
    {"thread_id", "\\u0000", 1, "", 422},
    {"thread_id", "a", 1, "\\n", 422},
    {"thread_id", "a", 1, "\x7f", 422},
    {"thread_id", "a", 1, "\xc2\x80", 422},
    {"thread_id", "a", 1, "\xc2\x9f", 422},
    {"thread_id", "a", 1, "\xc2\xa0", 201},
    {"thread_id", "a", 1, "\\ud800", 422},
    {"project_path", "/", 1, "\\u001f", 422},
    {"project_path", "/", 1, "\\udc00", 422},
};

static const struct response *try_text(const struct text_case *it)
{
    const bool path = strcmp(it->member, "project_path") == 0;
    const size_t size = strlen(it->unit) * (size_t)it->count + strlen(it->end) + 128;
    char *body = malloc(size);

    cr_assert_not_null(body);
    char *at = body + sprintf(body, "{\"%s\":\"y\",\"%s\":\"", path ? "thread_id" : "project_path",
                              it->member);
    for (int i = 0; i < it->count; i++)
        at = stpcpy(at, it->unit);
    at = stpcpy(at, it->end);
    stpcpy(at, "\"}");
    const struct response *response = client_send(client, "POST", body, "/sessions");
    free(body);
    return response;
}

Test(limits, texts_are_measured_in_bytes_of_utf8)
{
    char pointer[32];

    for (size_t i = 0; i < sizeof(text_cases) / sizeof(text_cases[0]); i++) {
        const struct text_case *it = &text_cases[i];
        const struct response *response = try_text(it);
        cr_expect_eq(response->status, it->status, "%s: %d times %s and %s: %.300s", it->member,
                     it->count, it->unit, it->end, response->body);
        if (it->status == 201)
            continue;
        snprintf(pointer, sizeof(pointer), "#/%s", it->member);
        cr_expect_str_eq(response_text(response, "/errors/0/pointer"), pointer, "%.300s",
                         response->body);
    }
}

/* A context of `depth` objects in one another stands in the body's own object. */
static int post_nested(int depth, const char *open, const char *close)
{
    char body[8192] = "{\"project_path\":\"/p\",\"thread_id\":\"t\",\"context\":{\"a\":";
    char *at = body + strlen(body);

    for (int i = 1; i < depth; i++)
        at = stpcpy(at, open);
    at = stpcpy(at, "1");
    for (int i = 1; i < depth; i++)
        at = stpcpy(at, close);
    stpcpy(at, "}}");
    return client_send(client, "POST", body, "/sessions")->status;
}

Test(limits_set, nesting_may_be_as_deep_as_the_limit)
{
    service_start(&service, FLAGS("--max-json-depth", "16"));
    cr_expect_eq(post_nested(15, "[", "]"), 201);
    cr_expect_eq(post_nested(16, "[", "]"), 400);
    cr_expect_eq(post_nested(15, "{\"a\":", "}"), 201);
    cr_expect_eq(post_nested(16, "{\"a\":", "}"), 400);
}

Test(limits, the_usual_depth_is_512)
{
    cr_expect_eq(post_nested(511, "[", "]"), 201);
    cr_expect_eq(post_nested(512, "[", "]"), 400);
    cr_expect_eq(post_nested(511, "{\"a\":", "}"), 201);
    cr_expect_eq(post_nested(512, "{\"a\":", "}"), 400);
}

/* --- The queue of writes -------------------------------------------------------------------- */

/* Of a worker, when nobody is ever refused. */
#define TRIES_MAX 2000

struct pressure {
    atomic_int made;
    atomic_int refused;
};

/* Creates until somebody was refused, and a few more. */
static void press(struct worker *worker)
{
    struct pressure *pressure = worker->arg;

    int after = 0;

    for (int i = 0; i < TRIES_MAX && after < 5 && worker->failure[0] == '\0'; i++) {
        after += atomic_load(&pressure->refused) > 0;
        const struct response *response = client_send(
            worker->client, "POST", "{\"project_path\":\"/p\",\"thread_id\":\"t\"}", "/sessions");
        if (response->status == 201) {
            atomic_fetch_add(&pressure->made, 1);
            continue;
        }
        if (!worker_expect(worker, response, 503))
            return;
        atomic_fetch_add(&pressure->refused, 1);
        const char *seconds = response_header(response, "Retry-After");
        if (seconds == NULL || atoi(seconds) < 1 || !response_is_problem(response, "queue-full"))
            worker_fail(worker, "Retry-After %s: %s", seconds == NULL ? "lacks" : seconds,
                        response->body);
    }
}

Test(limits_set, a_full_queue_refuses_and_loses_nothing)
{
    struct pressure pressure = {0};

    service_start(&service, FLAGS("--max-queue", "1"));
    parallel_run(&service, 32, press, &pressure);
    cr_expect_gt(pressure.made, 0);
    cr_expect_gt(pressure.refused, 0);
    cr_expect_eq(count_sessions(), pressure.made);
    expect_status(post_of(100), 201);
}

/* --- Connections ---------------------------------------------------------------------------- */

#define CONNECTIONS 4

/* Long enough to see an answer that should not come; a slow service only makes the test milder. */
#define NO_ANSWER_MS 200

static void ask(int fd)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

    cr_assert(raw_send(fd, request, sizeof(request) - 1));
}

static void expect_ok(int fd)
{
    char response[4096];

    cr_assert(raw_read_until(fd, "{\"status\":\"ok\"}\n", response, sizeof(response)), "%s",
              response);
}

Test(limits_set, a_connection_too_many_waits_for_another_to_end)
{
    int fds[CONNECTIONS + 1];

    service_start(&service, FLAGS("--max-connections", "4", "--threads", "1"));
    for (int i = 0; i < CONNECTIONS; i++) {
        fds[i] = raw_connect(&service);
        ask(fds[i]);
        expect_ok(fds[i]);
    }
    fds[CONNECTIONS] = raw_connect(&service);
    ask(fds[CONNECTIONS]);
    cr_expect(!raw_await(fds[CONNECTIONS], NO_ANSWER_MS), "the limit is not kept");
    ask(fds[0]);
    expect_ok(fds[0]);
    close(fds[0]);
    expect_ok(fds[CONNECTIONS]);
    for (int i = 1; i <= CONNECTIONS; i++)
        close(fds[i]);
}
