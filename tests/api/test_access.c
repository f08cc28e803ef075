/* Bearer tokens: who may what, what the others are told, and tokens that change while it runs. */
#include "tests/support/files.h"
#include "tests/support/fixture.h"
#include "tests/support/parallel.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The SHA-256 of "abc" (FIPS 180-4, an example) and of these texts. */
#define READER "Authorization: Bearer reader"
#define WRITER "Authorization: Bearer writer"
#define ADMIN "Authorization: Bearer abc"
#define READER_LINE "r.1:read:3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30\n"
#define WRITER_LINE "w_1:write:b93006774cbdd4b299389a03ac3d88c3a76b460d538795bc12718011a909fba5\n"
#define ADMIN_LINE "boss:admin:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
#define CHALLENGE "Bearer realm=\"sessiond\""
#define NO_SESSION "/sessions/00000000-0000-4000-8000-000000000000"

static char token_file[96];

static void write_tokens(const char *text)
{
    file_write(token_file, text, strlen(text));
}

static void start(const char *tokens)
{
    fixture_init();
    snprintf(token_file, sizeof(token_file), "%s/tokens", service.folder);
    write_tokens(tokens);
    service_start(&service, FLAGS("--token-file", token_file));
}

static void start_with_all(void)
{
    start("# who may\n" READER_LINE "\n" WRITER_LINE ADMIN_LINE);
}

TestSuite(access, .init = start_with_all, .fini = fixture_stop);

enum level { OPEN, READ, WRITE, ADMINISTER };

static const struct {
    const char *method;
    const char *target;
    enum level level;
} operations[] = {
    {"GET", "/healthz", OPEN},
    {"HEAD", "/readyz", OPEN},
    {"GET", "/readyz", OPEN},
    {"GET", "/sessions", READ},
    {"HEAD", "/sessions", READ},
    {"GET", NO_SESSION, READ},
    {"GET", "/metrics", READ},
    {"GET", "/openapi.yaml", READ},
    {"GET", "/openapi.json", READ},
    {"POST", "/sessions", WRITE},
    {"PUT", NO_SESSION, WRITE},
    {"PATCH", NO_SESSION, WRITE},
    {"DELETE", NO_SESSION, WRITE},
    {"POST", NO_SESSION "/transition", WRITE},
    {"PUT", NO_SESSION "/lease", WRITE},
    {"DELETE", NO_SESSION "/lease", WRITE},
    {"POST", "/sessions/recover", WRITE},
    {"POST", "/sessions/relocate", WRITE},
    {"POST", "/admin/backup", ADMINISTER},
};

static const char *const headers_of[] = {
    [OPEN] = NULL, [READ] = READER, [WRITE] = WRITER, [ADMINISTER] = ADMIN};
static const char *const scopes[] = {
    [OPEN] = "", [READ] = "read", [WRITE] = "write", [ADMINISTER] = "admin"};

static const struct response *ask(const char *method, const char *target, const char *header)
{
    const bool body = strcmp(method, "POST") == 0 && strstr(target, "/admin") == NULL;

    return client_call(client, &(struct request){.method = method,
                                                 .target = target,
                                                 .body = body || strcmp(method, "PUT") == 0 ||
                                                                 strcmp(method, "PATCH") == 0
                                                             ? "{}"
                                                             : NULL,
                                                 .headers = {header}});
}

static void expect_challenge(const struct response *response, const char *challenge)
{
    const char *sent = response_header(response, "WWW-Authenticate");

    cr_expect_str_eq(sent == NULL ? "(none)" : sent, challenge);
}

Test(access, each_scope_at_each_route)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        const char *method = operations[i].method;
        const char *target = operations[i].target;
        for (enum level level = OPEN; level <= ADMINISTER; level++) {
            const struct response *response = ask(method, target, headers_of[level]);
            char challenge[128];
            if (level >= operations[i].level) {
                cr_expect(response->status != 0 && response->status != 401 &&
                              response->status != 403,
                          "%s %s with \"%s\": %d", method, target, scopes[level], response->status);
                continue;
            }
            cr_expect_eq(response->status, level == OPEN ? 401 : 403, "%s %s with \"%s\": %d",
                         method, target, scopes[level], response->status);
            snprintf(challenge, sizeof(challenge),
                     level == OPEN ? CHALLENGE
                                   : CHALLENGE ", error=\"insufficient_scope\", scope=\"%s\"",
                     scopes[operations[i].level]);
            expect_challenge(response, challenge);
        }
    }
}

Test(access, the_problem_says_what_would_be_right)
{
    const struct response *response = ask("GET", "/sessions", NULL);

    cr_expect(response_is_problem(response, "unauthorized"));
    cr_expect_str_eq(
        response_text(response, "/detail"),
        "no token was sent; send a token of this service as Authorization: Bearer TOKEN");
    response = ask("POST", "/sessions", READER);
    cr_expect(response_is_problem(response, "forbidden"));
    cr_expect_str_eq(response_text(response, "/detail"),
                     "the request requires a token of scope write; the token r.1 has scope read");
}

Test(access, only_one_bearer_token_counts)
{
    static const struct {
        const char *header;
        const char *challenge;
    } bad[] = {
        {"Authorization: Basic YWJjOmFiYw==", CHALLENGE},
        {"Authorization: abc", CHALLENGE},
        {"Authorization: Bearer", CHALLENGE},
        {"Authorization: Bearerabc", CHALLENGE},
        {"X-Authorization: Bearer abc", CHALLENGE},
        {"Cookie: token=abc", CHALLENGE},
        {"Authorization: Bearer ab", CHALLENGE ", error=\"invalid_token\""},
        {"Authorization: Bearer abcd", CHALLENGE ", error=\"invalid_token\""},
        {"Authorization: Bearer ABC", CHALLENGE ", error=\"invalid_token\""},
        {"Authorization: Bearer abc, Bearer abc", CHALLENGE ", error=\"invalid_token\""},
        {"Authorization: Bearer \"abc\"", CHALLENGE ", error=\"invalid_token\""},
        {"Authorization: Bearer "
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         CHALLENGE ", error=\"invalid_token\""},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct response *response = ask("GET", "/sessions", bad[i].header);
        cr_expect_eq(response->status, 401, "%s: %d", bad[i].header, response->status);
        expect_challenge(response, bad[i].challenge);
    }
    expect_status(ask("GET", "/sessions?access_token=abc", NULL), 401);
    expect_status(ask("GET", "/sessions", "authorization: bearer   abc"), 200);
    const struct response *twice = client_call(
        client,
        &(struct request){.method = "GET", .target = "/sessions", .headers = {ADMIN, ADMIN}});
    cr_expect_eq(twice->status, 400);
    cr_expect_str_eq(response_text(twice, "/errors/0/header"), "Authorization");
}

Test(access, nobody_learns_which_paths_there_are)
{
    static const char *const targets[] = {"/", "/nothing", "/admin", "/sessions/x/y", "/healthz/"};

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        expect_status(ask("GET", targets[i], NULL), 401);
        expect_status(ask("GET", targets[i], READER), 404);
    }
    expect_status(ask("OPTIONS", "/sessions", NULL), 401);
    expect_status(ask("DELETE", "/healthz", NULL), 405);
    expect_status(ask("TRACE", "/readyz", NULL), 405);
    expect_status(ask("DELETE", "/sessions", READER), 405);
}

/* What is refused is refused before its body is read. */
Test(access, no_byte_of_a_body_is_kept)
{
    char *large = malloc(8 << 20);

    cr_assert_not_null(large);
    memset(large, ' ', 8 << 20);
    for (int i = 0; i < 2; i++) {
        const struct response *response =
            client_call(client, &(struct request){.method = "POST",
                                                  .target = "/sessions",
                                                  .body = large,
                                                  .body_len = 8 << 20,
                                                  .headers = {i == 0 ? NULL : READER}});
        cr_expect_eq(response->status, i == 0 ? 401 : 403);
        const char *connection = response_header(response, "Connection");
        cr_expect(connection != NULL && strcmp(connection, "close") == 0);
    }
    free(large);
    expect_status(ask("GET", "/sessions", READER), 200);
}

Test(access, the_log_has_names_and_no_tokens)
{
    ask("GET", "/sessions", READER);
    ask("POST", "/sessions", READER);
    ask("GET", "/sessions", "Authorization: Bearer not-known-here");
    service_stop(&service);
    cr_expect(service_logged(&service, "listening", "\"tokens\":3"));
    cr_expect(service_logged(&service, "request", "\"status\":200"));
    cr_expect(service_logged(&service, "request", "\"token\":\"r.1\""));
    char *log = service_log(&service);
    cr_expect_null(strstr(log, "not-known-here"));
    cr_expect_null(strstr(log, "\"token\":\"\""));
    cr_expect_null(strstr(log, "Bearer"));
    free(log);
}

Test(access, refusals_are_counted_by_reason)
{
    ask("GET", "/sessions", NULL);
    ask("GET", "/sessions", NULL);
    ask("GET", "/nothing", "Authorization: Bearer x");
    ask("POST", "/admin/backup", WRITER);
    const struct response *metrics = expect_status(ask("GET", "/metrics", READER), 200);
    static const char *const lines[] = {"missing_token\"} 2\n", "invalid_token\"} 1\n",
                                        "insufficient_scope\"} 1\n", "misdirected\"} 0\n",
                                        "cross_origin\"} 0\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "\nsessiond_auth_failures_total{reason=\"%s", lines[i]);
        cr_expect(strstr(metrics->body, line), "%s", line);
    }
}

/* With tokens, names and origins say nothing that the token does not. */
Test(access, any_host_and_origin_with_a_token)
{
    const struct response *response =
        client_call(client, &(struct request){.method = "GET",
                                              .target = "/sessions",
                                              .headers = {READER, "Host: sessiond:8082",
                                                          "Origin: http://elsewhere.example"}});
    expect_status(response, 200);
}

static void await_log(const char *event, const char *text)
{
    const struct timespec pause = {0, 1000000};

    for (int i = 0; i < PATIENCE_MS && !service_logged(&service, event, text); i++)
        nanosleep(&pause, NULL);
    cr_assert(service_logged(&service, event, text), "%s: %s", event, text);
}

static void keep_reading(struct worker *worker)
{
    const atomic_bool *enough = worker->arg;
    const struct request request = {.method = "GET", .target = "/sessions", .headers = {READER}};

    while (!atomic_load(enough) &&
           worker_expect(worker, client_call(worker->client, &request), 200))
        continue;
}

Test(access, tokens_are_rotated_under_load)
{
    atomic_bool enough = false;
    struct parallel *parallel = parallel_start(&service, 4, keep_reading, &enough);

    for (int round = 0; round < 20; round++) {
        char tokens[64];
        const bool with_writer = round % 2 == 1;
        write_tokens(with_writer ? READER_LINE WRITER_LINE
                                 : READER_LINE ADMIN_LINE ADMIN_LINE "# not twice\n");
        if (!with_writer) {
            service_signal(&service, SIGHUP);
            await_log("token_reload_failed", "line 3: the token is the same as that of boss");
            expect_status(ask("GET", "/sessions", WRITER), 200);
            write_tokens(READER_LINE);
        }
        service_signal(&service, SIGHUP);
        snprintf(tokens, sizeof(tokens), "\"tokens\":%d", with_writer ? 2 : 1);
        await_log("tokens_loaded", tokens);
        for (int wait = 0; wait < PATIENCE_MS; wait++) {
            if (ask("GET", "/sessions", WRITER)->status == (with_writer ? 200 : 401))
                break;
        }
        expect_status(ask("GET", "/sessions", WRITER), with_writer ? 200 : 401);
        expect_status(ask("GET", "/sessions", ADMIN), 401);
    }
    unlink(token_file);
    service_signal(&service, SIGHUP);
    await_log("token_reload_failed", "No such file");
    expect_status(ask("GET", "/sessions", WRITER), 200);
    atomic_store(&enough, true);
    parallel_join(parallel);
}
