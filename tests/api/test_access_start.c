/* Where tokens come from, and what refuses to start for want of them. */
#include "tests/support/files.h"
#include "tests/support/fixture.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define READER "Authorization: Bearer reader"
#define ADMIN "Authorization: Bearer abc"
#define READER_LINE "r.1:read:3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30\n"

TestSuite(access_start, .init = fixture_init, .fini = fixture_stop);

static const struct response *ask(const char *method, const char *target, const char *header)
{
    return client_call(client,
                       &(struct request){.method = method, .target = target, .headers = {header}});
}

static void await_log(const char *event, const char *text)
{
    const struct timespec pause = {0, 1000000};

    for (int i = 0; i < PATIENCE_MS && !service_logged(&service, event, text); i++)
        nanosleep(&pause, NULL);
    cr_assert(service_logged(&service, event, text), "%s: %s", event, text);
}

Test(access_start, a_token_in_the_environment_is_an_admins)
{
    char path[64];
    size_t len = 0;

    setenv("SESSIOND_TOKEN", "abc", 1);
    service_start(&service, NULL);
    unsetenv("SESSIOND_TOKEN");
    expect_status(ask("GET", "/sessions", NULL), 401);
    expect_status(ask("POST", "/admin/backup", ADMIN), 200);
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)service.pid);
    char *environment = file_read(path, &len);
    cr_assert_not_null(environment);
    cr_expect_not_null(memmem(environment, len, "SESSIOND_TOKEN=", 15));
    cr_expect_null(memmem(environment, len, "SESSIOND_TOKEN=abc", 18), "it is still there");
    free(environment);
    service_stop(&service);
    cr_expect(service_logged(&service, "request", "\"token\":\"SESSIOND_TOKEN\""));
}

/* Everybody could add a token, or put another database in the place of this one. */
Test(access_start, files_that_every_user_may_write_are_named)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/tokens", service.folder);
    file_write(path, READER_LINE, strlen(READER_LINE));
    cr_assert_eq(chmod(path, 0600), 0);
    service_start(&service, FLAGS("--token-file", path));
    cr_expect_not(service_logged(&service, "file_exposed", ""));
    service_stop(&service);
    cr_assert_eq(chmod(path, 0606), 0);
    cr_assert_eq(chmod(service.folder, 0707), 0);
    service_start(&service, FLAGS("--token-file", path));
    cr_expect(
        service_logged(&service, "file_exposed", "/tokens and so add a token; run chmod o-w"));
    cr_expect(
        service_logged(&service, "file_exposed", "and so replace the database; run chmod o-w"));
}

Test(access_start, both_ways_at_once)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/tokens", service.folder);
    file_write(path, READER_LINE, strlen(READER_LINE));
    setenv("SESSIOND_TOKEN", "abc", 1);
    setenv("SESSIOND_TOKEN_FILE", path, 1);
    service_start(&service, NULL);
    unsetenv("SESSIOND_TOKEN");
    unsetenv("SESSIOND_TOKEN_FILE");
    expect_status(ask("GET", "/sessions", READER), 200);
    expect_status(ask("GET", "/sessions", ADMIN), 200);
    service_signal(&service, SIGHUP);
    await_log("tokens_loaded", "\"tokens\":2");
    expect_status(ask("GET", "/sessions", ADMIN), 200);
}

/* Starts what is to be refused; the log says why. */
static void expect_refusal(const char *const *flags, const char *why)
{
    const int status = service_run(&service, flags);
    char *log = service_log(&service);

    cr_expect_eq(status, 2, "%d: %s", status, log);
    cr_expect(strstr(log, why), "\"%s\" is not in %s", why, log);
    free(log);
}

Test(access_start, a_bad_token_file_is_a_reason_not_to_start)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/tokens", service.folder);
    expect_refusal(FLAGS("--token-file", path), "No such file");
    expect_refusal(FLAGS("--token-file", "/no/folder/tokens"),
                   "--token-file /no/folder/tokens: No such file");
    file_write(path, "# nobody\n", 9);
    expect_refusal(FLAGS("--token-file", path), "the file has no token");
    file_write(path, READER_LINE "r.2:reed:00\n", strlen(READER_LINE) + 12);
    expect_refusal(FLAGS("--token-file", path), "line 2: ");
    setenv("SESSIOND_TOKEN", "two words", 1);
    expect_refusal(NULL, "SESSIOND_TOKEN has an invalid character; use letters");
    setenv("SESSIOND_TOKEN", "", 1);
    expect_refusal(NULL, "SESSIOND_TOKEN must not be empty");
    unsetenv("SESSIOND_TOKEN");
}

Test(access_start, other_machines_need_a_token_or_a_word)
{
    expect_refusal(FLAGS("--listen", "0.0.0.0:0"), "--allow-anonymous");
    expect_refusal(FLAGS("--listen", "0.0.0.0:0", "--allow-anonymous=off"), "--token-file");
    expect_refusal(FLAGS("--allow-anonymous", "maybe"), "on or off, not \"maybe\"");
    expect_refusal(FLAGS("--allow-anonymous=maybe"), "on or off");
    setenv("SESSIOND_TOKEN", "abc", 1);
    expect_refusal(FLAGS("--allow-anonymous"), "--allow-anonymous and tokens are both set");
    expect_refusal(FLAGS("--listen", "0.0.0.0:0"), "SESSIOND_TOKEN has fewer than 16 characters");
    setenv("SESSIOND_TOKEN", "15-characters--", 1);
    expect_refusal(FLAGS("--listen", "[::]:0"), "SESSIOND_TOKEN has fewer than 16 characters");
    setenv("SESSIOND_TOKEN", "16-characters---", 1);
    service_start(&service, FLAGS("--listen", "0.0.0.0:0"));
    service_stop(&service);
    unsetenv("SESSIOND_TOKEN");
    service_start(&service, FLAGS("--listen", "0.0.0.0:0", "--allow-anonymous"));
    cr_expect(service_logged(&service, "listening", "\"tokens\":0"));
    await_log("auth_disabled", "every client that can connect may read and write");
    service_stop(&service);
    setenv("SESSIOND_ALLOW_ANONYMOUS", "on", 1);
    service_start(&service, FLAGS("--listen", "0.0.0.0:0"));
    unsetenv("SESSIOND_ALLOW_ANONYMOUS");
}

/* What `sessiond token` prints; the caller frees it. */
static char *make_token(const char *name, const char *scope)
{
    service.bare = true;
    cr_assert_eq(service_run(&service, FLAGS("token", name, scope)), 0);
    service.bare = false;
    return service_output(&service);
}

Test(access_start, a_token_that_was_made_is_let_in)
{
    char path[96];
    char header[128];
    char *first = make_token("ci", "write");
    char *second = make_token("ci", "write");
    char *line = strchr(first, '\n') + 1;

    cr_expect_str_neq(first, second, "it is random");
    free(second);
    cr_assert_eq(strncmp(first, "sd_", 3), 0);
    cr_assert_eq(line - first, 3 + 43 + 1, "32 bytes in base64url");
    cr_assert_eq(strncmp(line, "ci:write:", 9), 0);
    snprintf(path, sizeof(path), "%s/tokens", service.folder);
    file_write(path, line, strlen(line));
    line[-1] = '\0';
    cr_expect_eq(strspn(first, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"),
                 strlen(first));
    snprintf(header, sizeof(header), "Authorization: Bearer %s", first);
    free(first);
    service_start(&service, FLAGS("--token-file", path));
    expect_status(ask("GET", "/sessions", header), 200);
    expect_status(ask("POST", "/admin/backup", header), 403);
}

Test(access_start, a_bad_name_or_scope_is_told_what_is_taken)
{
    static const struct {
        const char *name;
        const char *scope;
        const char *why;
    } bad[] = {
        {"a b", "read", "invalid NAME \"a b\": use 1 to 64 characters"},
        {"a:b", "read", "invalid NAME \"a:b\": use 1 to 64 characters"},
        {"ci", "Read", "invalid SCOPE \"Read\": use read, write or admin"},
        {"ci", "all", "invalid SCOPE \"all\": use read, write or admin"},
        {"ci", NULL, "a NAME and a SCOPE"},
    };

    service.bare = true;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_refusal(FLAGS("token", bad[i].name, bad[i].scope), bad[i].why);
    expect_refusal(FLAGS("token", "a", "read", "b"), "unexpected argument \"b\"");
    expect_refusal(FLAGS("token"), "a NAME and a SCOPE");
}
