/* What no well-meaning client sends: whatever becomes of that connection, the service serves on,
 * and nothing is stored that was not wholly sent. */
#include "tests/support/fixture.h"
#include "tests/support/parallel.h"
#include "tests/support/raw_connection.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection that is stuck is closed after a second. */
static void start_impatient(void)
{
    fixture_init();
    service_start(&service, FLAGS("--idle-timeout", "1000ms"));
}

TestSuite(hostile, .init = start_impatient, .fini = fixture_stop);

static void expect_alive(const char *after)
{
    cr_expect_eq(client_get(client, "/healthz")->status, 200, "after %.200s", after);
}

#define HEAD "POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
#define BODY "{\"project_path\":\"/p\",\"thread_id\":\"t\"}"

/* Every prefix of a good request, cut off by a reset or by an end. */
Test(hostile, a_request_that_is_cut_off_stores_nothing)
{
    static const char request[] = HEAD "Content-Length: 37\r\n\r\n" BODY;
    const struct linger reset = {.l_onoff = 1};

    cr_assert_eq(strlen(BODY), 37);
    for (size_t len = 0; len < sizeof(request) - 1; len++) {
        const int fd = raw_connect(&service);
        cr_assert(raw_send(fd, request, len));
        if (len % 2 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(fd);
    }
    expect_alive(request);
    cr_expect_eq(count_sessions(), 0);
}

Test(hostile, a_request_byte_by_byte_is_answered)
{
    static const char request[] = HEAD "Content-Length: 37\r\nConnection: close\r\n\r\n" BODY;
    char response[4096];
    const int fd = raw_connect(&service);

    for (size_t i = 0; i < sizeof(request) - 1; i++)
        cr_assert(raw_send(fd, request + i, 1));
    cr_assert(raw_read_to_end(fd, response, sizeof(response)));
    cr_expect_eq(strncmp(response, "HTTP/1.1 201 ", 13), 0, "%s", response);
    close(fd);
    cr_expect_eq(count_sessions(), 1);
}

/* More connections than clients have reason for, all dropped in the middle of something. */
Test(hostile, connections_that_come_and_go_leave_nothing_behind)
{
    static const char half[] = HEAD "Content-Length: 37\r\n\r\n{\"project";
    int fds[200];

    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 200; i++) {
            fds[i] = raw_connect(&service);
            raw_send(fds[i], half, sizeof(half) - 1 - i % 40);
        }
        for (size_t i = 0; i < 200; i++)
            close(fds[i]);
        expect_alive("dropped connections");
    }
    cr_expect_eq(count_sessions(), 0);
}

static const char *const missing[] = {
    "/sessions/",
    "/sessions/x",
    "/sessions/..",
    "/sessions/../healthz",
    "/sessions/%2e%2e",
    "/sessions/b0a4c7de-0000-4000-8000-00000000000",
    "/sessions/b0a4c7de-0000-4000-8000-0000000000010",
    "/sessions/{b0a4c7de-0000-4000-8000-000000000001}",
    "/sessions/b0a4c7de000040008000000000000001",
    "/sessions/b0a4c7de-0000-4000-8000-00000000000g",
    "/sessions/b0a4c7de-0000-4000-8000-000000000001/",
    "/sessions/b0a4c7de-0000-4000-8000-000000000001/context",
    "/sessions/b0a4c7de%2d0000-4000-8000-000000000001",
    "/sessions/'%20OR%20'1'='1",
    "/sessions//b0a4c7de-0000-4000-8000-000000000001",
    "//sessions",
    "/SESSIONS",
    "/sessions;x=1",
    "/session",
    "/sessionss",
    "/.",
    "/",
};

/* What is nearly the path of a session is none, for reading and for writing. */
Test(hostile, only_the_paths_of_the_contract_are_served)
{
    const char *path;

    expect_status(
        client_send(client, "PUT", BODY, "/sessions/b0a4c7de-0000-4000-8000-000000000001"), 201);
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
        path = missing[i];
        const struct response *read =
            client_call(client, &(struct request){.method = "GET", .target = path});
        cr_expect_eq(read->status, 404, "GET %s: %d", path, read->status);
        cr_expect(response_is_problem(read, "not-found"), "%s: %s", path, read->body);
        cr_expect_eq(
            client_call(client, &(struct request){.method = "PUT", .target = path, .body = BODY})
                ->status,
            404, "PUT %s", path);
        cr_expect_eq(
            client_call(client, &(struct request){.method = "DELETE", .target = path})->status, 404,
            "DELETE %s", path);
    }
    cr_expect_eq(count_sessions(), 1);
}

struct member_case {
    const char *body;
    const char *pointer;
};

static const struct member_case member_cases[] = {
    {"{}", "#/project_path"},
    {"{\"project_path\":\"/p\"}", "#/thread_id"},
    {"{\"project_path\":null,\"thread_id\":\"t\"}", "#/project_path"},
    {"{\"project_path\":1,\"thread_id\":\"t\"}", "#/project_path"},
    {"{\"project_path\":[\"/p\"],\"thread_id\":\"t\"}", "#/project_path"},
    {"{\"project_path\":\"/p\",\"thread_id\":true}", "#/thread_id"},
    {"{\"project_path\":\"/p\",\"thread_id\":15551234567}", "#/thread_id"},
    {"{\"project_path\":\"/p\",\"thread_id\":\"t\",\"context\":null}", "#/context"},
    {"{\"project_path\":\"/p\",\"thread_id\":\"t\",\"context\":[]}", "#/context"},
    {"{\"project_path\":\"/p\",\"thread_id\":\"t\",\"context\":\"{}\"}", "#/context"},
    {"{\"project_path\":\"/p\",\"thread_id\":\"t\",\"status\":\"ACTIVE\"}", "#/status"},
    {"{\"project_path\":\"/p\",\"thread_id\":\"t\",\"id\":\"x\"}", "#/id"},
    {"{\"project_path\":\"/p\",\"thread_id\":\"t\",\"a/b~c\":1}", "#/a~1b~0c"},
    {"{\"project_path\":\"/p\",\"thread_id\":\"t\",\"\":1}", "#/"},
    {"{\"Project_path\":\"/p\",\"thread_id\":\"t\"}", "#/Project_path"},
};

Test(hostile, a_member_that_does_not_fit_is_pointed_at)
{
    for (size_t i = 0; i < sizeof(member_cases) / sizeof(member_cases[0]); i++) {
        const struct member_case *it = &member_cases[i];
        const struct response *refused = client_send(client, "POST", it->body, "/sessions");
        cr_expect_eq(refused->status, 422, "%s: %s", it->body, refused->body);
        cr_expect_str_eq(response_text(refused, "/errors/0/pointer"), it->pointer, "%s: %s",
                         it->body, refused->body);
    }
    cr_expect_eq(count_sessions(), 0);
}

/* Names of members may be written with escapes like any string. */
Test(hostile, names_are_compared_by_what_they_mean)
{
    const struct response *made = client_send(
        client, "POST",
        "{\"\\u0070roject_path\":\"/p\",\"thread\\u005fid\":\"t\",\"conte\\u0078t\":{\"a\":1}}",
        "/sessions");
    cr_expect_eq(response_number(expect_status(made, 201), "/context/a"), 1);
}

struct missing_case {
    const char *method;
    const char *target;
    const char *body;
    const char *detail;
    const char *pointers[2];
};

#define SESSION "/sessions/0f8fad5b-d9cb-469f-a165-70867728950e"

static const struct missing_case missing_cases[] = {
    {"POST",
     "/sessions",
     "{}",
     "project_path and thread_id are missing",
     {"#/project_path", "#/thread_id"}},
    {"POST", "/sessions", "{\"thread_id\":\"t\"}", "project_path is missing", {"#/project_path"}},
    {"PUT",
     SESSION,
     "{}",
     "project_path and thread_id are missing",
     {"#/project_path", "#/thread_id"}},
    {"PUT",
     SESSION "/lease",
     "{}",
     "owner and ttl_seconds are missing",
     {"#/owner", "#/ttl_seconds"}},
    {"POST", SESSION "/transition", "{}", "from and to are missing", {"#/from", "#/to"}},
    {"POST",
     "/sessions/relocate",
     "{\"dry_run\":true}",
     "from and to are missing",
     {"#/from", "#/to"}},
};

Test(hostile, all_missing_members_are_reported_at_once)
{
    for (size_t i = 0; i < sizeof(missing_cases) / sizeof(missing_cases[0]); i++) {
        const struct missing_case *it = &missing_cases[i];
        const struct response *refused =
            client_send(client, it->method, it->body, "%s", it->target);
        cr_expect_eq(refused->status, 422, "%s: %s", it->target, refused->body);
        cr_expect_str_eq(response_text(refused, "/detail"), it->detail);
        cr_expect_eq(response_length(refused, "/errors"), it->pointers[1] == NULL ? 1 : 2);
        for (int at = 0; at < 2 && it->pointers[at] != NULL; at++)
            cr_expect_str_eq(response_text(refused, "/errors/%d/pointer", at), it->pointers[at]);
    }
}

Test(hostile, a_slash_at_the_end_of_a_path_is_named)
{
    const struct response *refused = client_get(client, "/sessions/");

    cr_expect_eq(refused->status, 404);
    cr_expect_str_eq(response_text(refused, "/detail"),
                     "unknown path; remove the slash at the end: /sessions");
    cr_expect_str_eq(response_text(client_get(client, "/nothing/"), "/detail"),
                     "unknown path; see /openapi.yaml for the paths of this service");
}
