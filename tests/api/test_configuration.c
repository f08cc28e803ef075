/* Flags, environment, --help and --version. */
#include "tests/support/files.h"
#include "tests/support/fixture.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void init_bare(void)
{
    fixture_init();
    service.bare = true;
}

TestSuite(configuration, .init = fixture_init, .fini = fixture_stop);
TestSuite(configuration_bare, .init = init_bare, .fini = fixture_stop);

struct option {
    const char *flag;
    const char *variable;
    const char *fallback;
};

static const struct option options[] = {
    {"--listen", "SESSIOND_LISTEN", "127.0.0.1:8082"},
    {"--db", "SESSIOND_DB", "~/.claude-signal/sessions.db"},
    {"--threads", "SESSIOND_THREADS", "number of processors"},
    {"--max-connections", "SESSIOND_MAX_CONNECTIONS", "8192"},
    {"--max-connections-per-address", "SESSIOND_MAX_CONNECTIONS_PER_ADDRESS", "1024"},
    {"--max-keepalive-connections", "SESSIOND_MAX_KEEPALIVE_CONNECTIONS", "1024"},
    {"--max-requests-per-connection", "SESSIOND_MAX_REQUESTS_PER_CONNECTION", "0"},
    {"--max-query-parameters", "SESSIOND_MAX_QUERY_PARAMETERS", "64"},
    {"--max-body-size", "SESSIOND_MAX_BODY_SIZE", "16777216"},
    {"--body-memory-limit", "SESSIOND_BODY_MEMORY_LIMIT", "268435456"},
    {"--rate-limit", "SESSIOND_RATE_LIMIT", "0"},
    {"--request-timeout", "SESSIOND_REQUEST_TIMEOUT", "30s"},
    {"--response-timeout", "SESSIOND_RESPONSE_TIMEOUT", "60s"},
    {"--max-json-depth", "SESSIOND_MAX_JSON_DEPTH", "512"},
    {"--max-page-size", "SESSIOND_MAX_PAGE_SIZE", "4194304"},
    {"--max-queue", "SESSIOND_MAX_QUEUE", "4096"},
    {"--max-consumers", "SESSIOND_MAX_CONSUMERS", "1000"},
    {"--max-streams-per-session", "SESSIOND_MAX_STREAMS_PER_SESSION", "10000"},
    {"--max-forks", "SESSIOND_MAX_FORKS", "16"},
    {"--max-forks-per-client", "SESSIOND_MAX_FORKS_PER_CLIENT", "4"},
    {"--checkpoint-pages", "SESSIOND_CHECKPOINT_PAGES", "40000"},
    {"--idle-timeout", "SESSIOND_IDLE_TIMEOUT", "60s"},
    {"--shutdown-timeout", "SESSIOND_SHUTDOWN_TIMEOUT", "8s"},
    {"--log-level", "SESSIOND_LOG_LEVEL", "info"},
    {"--sandbox", "SESSIOND_SANDBOX", "on"},
    {"--token-file", "SESSIOND_TOKEN_FILE", "none"},
    {"--allow-anonymous", "SESSIOND_ALLOW_ANONYMOUS", "off"},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* The part of the help that is about this flag: up to the next one. The caller frees it. */
static char *help_on(const char *help, const char *flag)
{
    char begin[64];

    snprintf(begin, sizeof(begin), "\n  %s (", flag);
    return text_between(help, begin, "\n  --");
}

Test(configuration_bare, help_lists_each_flag_and_variable)
{
    cr_expect_eq(service_run(&service, FLAGS("--help")), 0);
    char *help = service_output(&service);

    for (size_t i = 0; i < OPTIONS; i++) {
        char fallback[96];
        char *text = help_on(help, options[i].flag);
        cr_assert_not_null(text, "%s is not in:\n%s", options[i].flag, help);
        cr_expect_eq(strncmp(text, options[i].variable, strlen(options[i].variable)), 0, "%s",
                     text);
        snprintf(fallback, sizeof(fallback), "default: %s", options[i].fallback);
        cr_expect_not_null(strstr(text, fallback), "%s: no %s in: %s", options[i].flag, fallback,
                           text);
        free(text);
    }
    cr_expect_not_null(strstr(help, "\n  --help\n"));
    cr_expect_not_null(strstr(help, "\n  --version\n"));
    free(help);
    char *log = service_log(&service);
    cr_expect_str_eq(log, "");
    free(log);
}

/* What the help names is understood: each flag and variable refuses an empty value by its name. */
Test(configuration_bare, whatever_help_lists_is_understood)
{
    char flag[64];
    char variable[64];
    size_t found = 0;

    cr_expect_eq(service_run(&service, FLAGS("--help")), 0);
    char *help = service_output(&service);
    for (const char *at = help; (at = strstr(at, "\n  --")) != NULL; at++) {
        if (sscanf(at, "\n %63s (%63[A-Z_])", flag, variable) != 2)
            continue;
        found++;
        cr_expect_eq(service_run(&service, FLAGS(flag, "")), 2, "%s", flag);
        char *log = service_log(&service);
        cr_expect_not_null(strstr(log, flag), "%s", log);
        free(log);
        setenv(variable, "", 1);
        cr_expect_eq(service_run(&service, NULL), 2, "%s", variable);
        unsetenv(variable);
        log = service_log(&service);
        cr_expect_not_null(strstr(log, variable), "%s", log);
        free(log);
    }
    free(help);
    cr_expect_geq(found, OPTIONS);
}

Test(configuration_bare, version_is_one_line)
{
    cr_expect_eq(service_run(&service, FLAGS("--version")), 0);
    char *output = service_output(&service);

    cr_expect_eq(strncmp(output, "sessiond ", 9), 0, "%s", output);
    cr_expect_eq(strcspn(output, "\n"), strlen(output) - 1, "%s", output);
    free(output);
}

struct wrong {
    const char *words[3];
    const char *named;
};

static const struct wrong wrongs[] = {
    {{"--nonsense"}, "--nonsense"},
    {{"--nonsense=1"}, "--nonsense"},
    {{"--nonsense", "1"}, "--nonsense"},
    {{"stray"}, "stray"},
    {{"-x"}, "-x"},
    {{"--thread", "1"}, "--thread"},
    {{"--threads"}, "--threads"},
    {{"--threads="}, "--threads"},
    {{"--threads", "x"}, "--threads"},
    {{"--threads", "1x"}, "--threads"},
    {{"--threads", "0"}, "--threads"},
    {{"--threads=65"}, "--threads"},
    {{"--threads", "1.5"}, "--threads"},
    {{"--max-queue", "-1"}, "--max-queue"},
    {{"--max-queue", "99999999999999999999"}, "--max-queue"},
    {{"--max-connections", "0"}, "--max-connections"},
    {{"--max-body-size", "1023"}, "--max-body-size"},
    {{"--max-json-depth", "1"}, "--max-json-depth"},
    {{"--max-page-size", "0"}, "--max-page-size"},
    {{"--checkpoint-pages", "ten"}, "--checkpoint-pages"},
    {{"--idle-timeout", "0ms"}, "--idle-timeout"},
    {{"--idle-timeout", "4000"}, "a duration needs a unit"},
    {{"--retain-terminated", "30"},
     "--retain-terminated 30: a duration needs a unit, for example 30d"},
    {{"--shutdown-timeout", "-1s"}, "--shutdown-timeout"},
    {{"--log-level", "loud"}, "--log-level"},
    {{"--log-level", "INFO"}, "--log-level"},
    {{"--sandbox", "yes"}, "--sandbox"},
    {{"--sandbox="}, "--sandbox"},
    {{"--db", ""}, "--db"},
    {{"--db="}, "--db"},
    {{"--listen"}, "--listen"},
    {{"--listen", "nonsense"}, "--listen"},
    {{"--listen", "127.0.0.1"}, "--listen"},
    {{"--listen", "127.0.0.1:"}, "--listen"},
    {{"--listen", ":8082"}, "--listen"},
    {{"--listen", "::1:8082"}, "--listen"},
    {{"--listen", "[::1:8082"}, "--listen"},
};

Test(configuration, a_wrong_flag_is_named)
{
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const struct wrong *it = &wrongs[i];
        const int status = service_run(&service, it->words);
        char *log = service_log(&service);
        const char *value = it->words[1] == NULL ? "" : it->words[1];
        cr_expect_eq(status, 2, "%s %s: %d", it->words[0], value, status);
        cr_expect_not_null(strstr(log, it->named), "%s %s: %s", it->words[0], value, log);
        free(log);
    }
    cr_expect(!file_exists(service.database), "a file was made");
}

Test(configuration, a_folder_is_made_only_where_its_parent_is)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/no/such/x.db", service.folder);
    cr_expect_neq(service_run(&service, FLAGS("--db", path)), 0);
    char *log = service_log(&service);
    cr_expect(strstr(log, "its parent folder does not exist"), "%s", log);
    free(log);
    snprintf(path, sizeof(path), "%s/no", service.folder);
    cr_expect(!file_exists(path), "a folder was made");
}

Test(configuration, warnings_name_deprecated_and_unknown_names)
{
    setenv("SESSIOND_RETIAN_IDLE", "30d", 1);
    service_start(&service, FLAGS("--idle-timeout-ms", "4000"));
    unsetenv("SESSIOND_RETIAN_IDLE");
    service_stop(&service);
    cr_expect(service_logged(&service, "configuration", "use --idle-timeout 4000ms"));
    cr_expect(service_logged(&service, "configuration",
                             "the most similar known one is SESSIOND_RETAIN_IDLE"));
}

static int post_sized(int bytes)
{
    char body[8192];
    const int fixed = (int)strlen("{\"project_path\":\"\",\"thread_id\":\"t\"}");

    snprintf(body, sizeof(body), "{\"project_path\":\"%0*d\",\"thread_id\":\"t\"}", bytes - fixed,
             0);
    return client_send(client, "POST", body, "/sessions")->status;
}

Test(configuration, a_variable_sets_what_no_flag_does)
{
    setenv("SESSIOND_MAX_BODY_SIZE", "2000", 1);
    service_start(&service, NULL);
    cr_expect_eq(post_sized(2000), 201);
    cr_expect_eq(post_sized(2001), 413);
}

Test(configuration, a_flag_wins_over_its_variable)
{
    setenv("SESSIOND_MAX_BODY_SIZE", "2000", 1);
    service_start(&service, FLAGS("--max-body-size=3000"));
    cr_expect_eq(post_sized(3000), 201);
    cr_expect_eq(post_sized(3001), 413);
}

Test(configuration, the_last_of_two_flags_wins)
{
    service_start(&service, FLAGS("--max-body-size", "2000", "--max-body-size=3000"));
    cr_expect_eq(post_sized(3000), 201);
    cr_expect_eq(post_sized(3001), 413);
}

Test(configuration_bare, the_environment_alone_is_enough)
{
    setenv("SESSIOND_LISTEN", "127.0.0.1:0", 1);
    setenv("SESSIOND_DB", service.database, 1);
    service_start(&service, NULL);
    expect_status(client_get(client, "/readyz"), 200);
    cr_expect(file_exists(service.database));
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    cr_assert_eq(stat(path, &status), 0, "%s", path);
    return status.st_mode & 07777;
}

Test(configuration_bare, the_usual_database_is_in_the_home_folder_and_private)
{
    char path[128];

    setenv("HOME", service.folder, 1);
    service_start(&service, FLAGS("--listen", "127.0.0.1:0"));
    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    snprintf(path, sizeof(path), "%s/.claude-signal", service.folder);
    cr_expect_eq(mode_of(path), 0700);
    snprintf(path, sizeof(path), "%s/.claude-signal/sessions.db", service.folder);
    cr_expect_eq(mode_of(path), 0600);
    snprintf(path, sizeof(path), "%s/.claude-signal/sessions.db-wal", service.folder);
    cr_expect_eq(mode_of(path), 0600);
}

/* Some containers have no IPv6 at all. */
static bool has_ipv6(void)
{
    const struct sockaddr_in6 loopback = {.sin6_family = AF_INET6,
                                          .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    union {
        const struct sockaddr_in6 *in6;
        const struct sockaddr *any;
    } address = {.in6 = &loopback};
    const int fd = socket(AF_INET6, SOCK_STREAM, 0);
    const bool bound = fd >= 0 && bind(fd, address.any, sizeof(loopback)) == 0;

    if (fd >= 0)
        close(fd);
    return bound;
}

Test(configuration, a_listener_on_ipv6_is_named_as_it_is_called)
{
    if (!has_ipv6())
        cr_skip_test("there is no IPv6 here");
    service_start(&service, FLAGS("--listen", "[::1]:0"));
    cr_expect_eq(strncmp(service.address, "[::1]:", 6), 0, "%s", service.address);
    expect_status(client_get(client, "/healthz"), 200);
}

static void start_threads(const char *threads)
{
    service_start(&service, FLAGS("--threads", threads));
    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    service_stop(&service);
}

Test(configuration, from_one_to_sixty_four_threads_serve)
{
    start_threads("1");
    start_threads("3");
    start_threads("64");
    service_start(&service, NULL);
    cr_expect_eq(count_sessions(), 3);
}
