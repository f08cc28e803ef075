/* Flags and environment: every one of them, which wins, and words for what is not taken. */

#include "service/app/config.h"
#include "tests/unit/support/command_line.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct number {
    const char *flag;
    const char *variable;
    size_t place;
    int64_t least;
    int64_t most;
    int64_t fallback; /* -1: computed */
};

static const struct number numbers[] = {
    {"--threads", "SESSIOND_THREADS", offsetof(struct config, threads), 1, 64, -1},
    {"--max-connections", "SESSIOND_MAX_CONNECTIONS", offsetof(struct config, max_connections), 1,
     20000, 8192},
    {"--max-connections-per-address", "SESSIOND_MAX_CONNECTIONS_PER_ADDRESS",
     offsetof(struct config, max_connections_per_address), 1, 20000, 1024},
    {"--reserved-connections", "SESSIOND_RESERVED_CONNECTIONS",
     offsetof(struct config, reserved_connections), 0, 20000, 64},
    {"--max-connections-per-token", "SESSIOND_MAX_CONNECTIONS_PER_TOKEN",
     offsetof(struct config, max_connections_per_token), 1, 20000, 1024},
    {"--max-streams-per-client", "SESSIOND_MAX_STREAMS_PER_CLIENT",
     offsetof(struct config, max_streams_per_client), 1, 20000, 512},
    {"--max-queue-per-client", "SESSIOND_MAX_QUEUE_PER_CLIENT",
     offsetof(struct config, max_queue_per_client), 1, 1000000, 1024},
    {"--body-memory-limit-per-client", "SESSIOND_BODY_MEMORY_LIMIT_PER_CLIENT",
     offsetof(struct config, max_bodies_bytes_per_client), 1024, INT64_C(1) << 40, 134217728},
    {"--max-keepalive-connections", "SESSIOND_MAX_KEEPALIVE_CONNECTIONS",
     offsetof(struct config, max_keepalive_connections), 0, 20000, 1024},
    {"--max-requests-per-connection", "SESSIOND_MAX_REQUESTS_PER_CONNECTION",
     offsetof(struct config, max_requests_per_connection), 0, 1000000000, 0},
    {"--max-query-parameters", "SESSIOND_MAX_QUERY_PARAMETERS",
     offsetof(struct config, max_query_parameters), 1, 10000, 64},
    {"--rate-limit", "SESSIOND_RATE_LIMIT", offsetof(struct config, rate_per_second), 0, 1000000,
     0},
    {"--max-header-size", "SESSIOND_MAX_HEADER_SIZE", offsetof(struct config, max_header_bytes),
     1024, 65536, 16384},
    {"--max-target-size", "SESSIOND_MAX_TARGET_SIZE", offsetof(struct config, max_target_bytes),
     256, 32768, 14336},
    {"--max-body-size", "SESSIOND_MAX_BODY_SIZE", offsetof(struct config, max_body_bytes), 1024,
     268435456, 16777216},
    {"--max-json-depth", "SESSIOND_MAX_JSON_DEPTH", offsetof(struct config, max_json_depth), 2,
     10000, 512},
    {"--max-page-size", "SESSIOND_MAX_PAGE_SIZE", offsetof(struct config, max_page_bytes), 1024,
     268435456, 4194304},
    {"--max-batch-entries", "SESSIOND_MAX_BATCH_ENTRIES",
     offsetof(struct config, max_batch_entries), 1, 10000, 1000},
    {"--max-queue", "SESSIOND_MAX_QUEUE", offsetof(struct config, max_queue), 1, 1000000, 4096},
    {"--max-consumers", "SESSIOND_MAX_CONSUMERS", offsetof(struct config, max_consumers), 1,
     1000000, 1000},
    {"--max-streams-per-session", "SESSIOND_MAX_STREAMS_PER_SESSION",
     offsetof(struct config, max_streams), 1, 1000000, 10000},
    {"--max-forks", "SESSIOND_MAX_FORKS", offsetof(struct config, max_forks), 1, 1000000, 16},
    {"--max-forks-per-client", "SESSIOND_MAX_FORKS_PER_CLIENT",
     offsetof(struct config, max_client_forks), 1, 1000000, 4},
    {"--checkpoint-pages", "SESSIOND_CHECKPOINT_PAGES", offsetof(struct config, checkpoint_pages),
     10, 1000000, 40000},
};

#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

struct text {
    const char *flag;
    const char *variable;
    size_t place;
    const char *value;
};

static const struct text texts[] = {
    {"--listen", "SESSIOND_LISTEN", offsetof(struct config, listen), "[::1]:0"},
    {"--db", "SESSIOND_DB", offsetof(struct config, db), "/var/lib/a=b.db"},
    {"--log-level", "SESSIOND_LOG_LEVEL", offsetof(struct config, log_level), "error"},
    {"--tls-cert", "SESSIOND_TLS_CERT", offsetof(struct config, tls_cert), "/etc/cert.pem"},
    {"--tls-key", "SESSIOND_TLS_KEY", offsetof(struct config, tls_key), "/etc/key.pem"},
    {"--token-file", "SESSIOND_TOKEN_FILE", offsetof(struct config, token_file), "/etc/tokens"},
};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static struct config config;
static struct error err;
static enum config_action action;

/* The environment of whoever runs the tests is none of theirs. */
static void forget_environment(void)
{
    for (size_t i = 0; i < NUMBERS; i++)
        unsetenv(numbers[i].variable);
    for (size_t i = 0; i < TEXTS; i++)
        unsetenv(texts[i].variable);
    unsetenv("SESSIOND_SOCKET_MODE");
    unsetenv("SESSIOND_TOKEN");
    unsetenv("SESSIOND_ALLOW_ANONYMOUS");
    unsetenv("SESSIOND_SANDBOX");
    setenv("HOME", "/home/me", 1);
}

TestSuite(config, .init = forget_environment);

static bool reads(const char *one, const char *two, const char *three)
{
    return read_words(&config, &action, one, two, three, &err);
}

static int64_t number_at(size_t place)
{
    int64_t number;

    memcpy(&number, (const char *)&config + place, sizeof(number));
    return number;
}

static const char *text_at(size_t place)
{
    const char *text;

    memcpy(&text, (const char *)&config + place, sizeof(text));
    return text;
}

Test(config, defaults)
{
    cr_assert(reads(NULL, NULL, NULL), "%s", err.detail);
    cr_expect_eq(action, CONFIG_RUN);
    cr_expect_str_eq(config.listen, "127.0.0.1:8082");
    cr_expect_str_eq(config.db, "/home/me/.claude-signal/sessions.db");
    cr_expect_str_eq(config.log_level, "info");
    cr_expect(config.sandbox);
    cr_expect_null(config.token_file);
    cr_expect_null(config.token);
    cr_expect_not(config.allow_anonymous);
    for (size_t i = 0; i < NUMBERS; i++) {
        const int64_t number = number_at(numbers[i].place);
        cr_expect(numbers[i].fallback == -1 || number == numbers[i].fallback, "%s",
                  numbers[i].flag);
        cr_expect(number >= numbers[i].least && number <= numbers[i].most, "%s", numbers[i].flag);
    }
}

Test(config, without_a_home_the_database_has_to_be_named)
{
    char longest[5000];
    const char *const homes[] = {NULL, "", longest};

    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    for (size_t i = 0; i < 3; i++) {
        unsetenv("HOME");
        if (homes[i] != NULL)
            setenv("HOME", homes[i], 1);
        cr_assert(reads(NULL, NULL, NULL), "a command may need none");
        cr_expect_not(config_check_db(&config, &err));
        cr_expect(strstr(err.detail, "HOME is not set") && strstr(err.detail, "--db"), "%s",
                  err.detail);
        cr_assert(reads("--db", "x.db", NULL));
        cr_expect(config_check_db(&config, &err));
    }
}

/* The value as a flag in both spellings, and as a variable. */
static void expect_number(const struct number *number, int64_t value, bool taken)
{
    char digits[24];
    char joined[64];

    snprintf(digits, sizeof(digits), "%lld", (long long)value);
    snprintf(joined, sizeof(joined), "%s=%s", number->flag, digits);
    cr_expect_eq(reads(number->flag, digits, NULL), taken, "%s", joined);
    cr_expect(!taken || number_at(number->place) == value, "%s", joined);
    cr_expect(taken || strstr(err.detail, number->flag) != NULL, "%s", err.detail);
    cr_expect_eq(reads(joined, NULL, NULL), taken, "%s", joined);
    cr_expect(!taken || number_at(number->place) == value, "%s", joined);
    setenv(number->variable, digits, 1);
    cr_expect_eq(reads(NULL, NULL, NULL), taken, "%s=%s", number->variable, digits);
    cr_expect(!taken || number_at(number->place) == value, "%s", number->variable);
    cr_expect(taken || strstr(err.detail, number->variable) != NULL, "%s", err.detail);
    unsetenv(number->variable);
}

Test(config, numbers_have_bounds)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        expect_number(&numbers[i], numbers[i].least, true);
        expect_number(&numbers[i], numbers[i].most, true);
        expect_number(&numbers[i], numbers[i].least - 1, false);
        expect_number(&numbers[i], numbers[i].most + 1, false);
    }
}

Test(config, a_body_that_is_allowed_fits_into_what_all_may_take)
{
    cr_expect(reads("--body-memory-limit=4096", "--max-body-size=4096", NULL), "%s", err.detail);
    cr_expect_eq(config.max_bodies_bytes, 4096);
    cr_expect_not(reads("--body-memory-limit=4095", "--max-body-size=4096", NULL));
    cr_expect(strstr(err.detail, "--body-memory-limit (4095) must be at least"), "%s", err.detail);
    cr_expect_not(reads("--body-memory-limit=1000000", NULL, NULL), "less than a usual body");
    cr_expect_not(reads("--body-memory-limit=1023", "--max-body-size=1024", NULL));
    cr_expect(reads("--body-memory-limit=1099511627776", NULL, NULL), "%s", err.detail);
    cr_expect_not(reads("--body-memory-limit=1099511627777", NULL, NULL));
    cr_expect(reads(NULL, NULL, NULL));
    cr_expect_eq(config.max_bodies_bytes, 268435456);
}

Test(config, an_error_says_what_is_taken)
{
    cr_expect_not(reads("--max-queue", "0", NULL));
    cr_expect(strstr(err.detail, "from 1 to 1000000"), "%s", err.detail);
    cr_expect(strstr(err.detail, "\"0\""), "%s", err.detail);
    cr_expect_not(reads("--log-level", "loud", NULL));
    cr_expect(strstr(err.detail, "debug, info, warning or error"), "%s", err.detail);
    cr_expect_not(reads("--sandbox", "maybe", NULL));
    cr_expect(strstr(err.detail, "--sandbox takes on or off"), "%s", err.detail);
}

Test(config, what_is_no_number_is_refused)
{
    static const char *const bad[] = {
        "", "x", "5x", "0x10", "1e3", "5.0", "--", "99999999999999999999", "1 000",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(reads("--max-queue", bad[i], NULL), "\"%s\"", bad[i]);
        cr_expect(strstr(err.detail, "--max-queue"), "%s", err.detail);
    }
}

Test(config, texts_are_taken_as_they_are)
{
    char joined[128];

    for (size_t i = 0; i < TEXTS; i++) {
        cr_expect(reads(texts[i].flag, texts[i].value, NULL), "%s", texts[i].flag);
        cr_expect_str_eq(text_at(texts[i].place), texts[i].value);
        snprintf(joined, sizeof(joined), "%s=%s", texts[i].flag, texts[i].value);
        cr_expect(reads(joined, NULL, NULL), "%s", joined);
        setenv(texts[i].variable, texts[i].value, 1);
        cr_expect(reads(NULL, NULL, NULL), "%s", texts[i].variable);
        cr_expect_str_eq(text_at(texts[i].place), texts[i].value);
        unsetenv(texts[i].variable);
    }
}

Test(config, texts_must_not_be_empty)
{
    for (size_t i = 0; i < TEXTS; i++) {
        cr_expect_not(reads(texts[i].flag, "", NULL), "%s", texts[i].flag);
        cr_expect(strstr(err.detail, texts[i].flag), "%s", err.detail);
        setenv(texts[i].variable, "", 1);
        cr_expect_not(reads(NULL, NULL, NULL), "%s", texts[i].variable);
        cr_expect(strstr(err.detail, texts[i].variable), "%s", err.detail);
        unsetenv(texts[i].variable);
    }
}

Test(config, every_log_level_is_known)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        cr_expect(reads("--log-level", levels[i], NULL), "%s", levels[i]);
    cr_expect_not(reads("--log-level", "INFO", NULL));
    setenv("SESSIOND_LOG_LEVEL", "loud", 1);
    cr_expect_not(reads(NULL, NULL, NULL));
    cr_expect(reads("--log-level", "info", NULL), "the flag wins: %s", err.detail);
}

Test(config, a_flag_wins_over_the_environment)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        char least[24];
        char most[24];
        snprintf(least, sizeof(least), "%lld", (long long)numbers[i].least);
        snprintf(most, sizeof(most), "%lld", (long long)numbers[i].most);
        setenv(numbers[i].variable, most, 1);
        cr_expect(reads(numbers[i].flag, least, NULL));
        cr_expect_eq(number_at(numbers[i].place), numbers[i].least, "%s", numbers[i].flag);
        unsetenv(numbers[i].variable);
    }
    setenv("SESSIOND_DB", "/environment", 1);
    cr_expect(reads("--db", "/flag", NULL));
    cr_expect_str_eq(text_at(offsetof(struct config, db)), "/flag");
}

Test(config, the_last_of_two_flags_wins)
{
    cr_expect(reads("--max-queue=5", "--max-queue=6", NULL));
    cr_expect_eq(config.max_queue, 6);
}

Test(config, unknown_words_are_refused_by_name)
{
    static const char *const bad[] = {
        "--nonsense", "--nonsense=5",  "-l",      "--", "-listen", "---listen", "", "--Listen",
        "--listen ",  "--max_queue=5", "--liste",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(reads(bad[i], "127.0.0.1:0", NULL), "\"%s\"", bad[i]);
        cr_expect(strstr(err.detail, bad[i]), "%s", err.detail);
    }
}

Test(config, one_word_may_be_a_file)
{
    cr_expect(reads("--max-queue", "5", "6"), "%s", err.detail);
    cr_expect_eq(config.max_queue, 5);
    cr_expect_str_eq(config.file, "6");
    cr_expect_null(config.second);
    cr_expect(reads("one", "--max-queue=5", "two"));
    cr_expect_str_eq(config.file, "one");
    cr_expect_str_eq(config.second, "two");
    cr_expect_not(reads("one", "two", "three"));
    cr_expect(strstr(err.detail, "unexpected argument \"three\""), "%s", err.detail);
    cr_expect(reads("--max-queue=5", NULL, NULL));
    cr_expect_null(config.file);
}

Test(config, a_flag_needs_a_value)
{
    cr_expect_not(reads("--db", NULL, NULL));
    cr_expect(strstr(err.detail, "--db needs a value"), "%s", err.detail);
    cr_expect_not(reads("--max-queue=5", "--threads", NULL));
    cr_expect(strstr(err.detail, "--threads"), "%s", err.detail);
}

Test(config, help_and_version_come_before_all_else)
{
    cr_expect(reads("--help", NULL, NULL));
    cr_expect_eq(action, CONFIG_HELP);
    cr_expect(reads("-h", NULL, NULL));
    cr_expect_eq(action, CONFIG_HELP);
    cr_expect(reads("--version", NULL, NULL));
    cr_expect_eq(action, CONFIG_VERSION);
    setenv("SESSIOND_THREADS", "many", 1);
    cr_expect(reads("--nonsense", "--help", NULL), "they work where nothing else does");
    cr_expect_eq(action, CONFIG_HELP);
}

Test(config, help_tells_every_flag_and_variable)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    config_help(out);
    fclose(out);
    for (size_t i = 0; i < NUMBERS; i++) {
        char fallback[40];
        cr_expect(strstr(text, numbers[i].flag), "%s", numbers[i].flag);
        cr_expect(strstr(text, numbers[i].variable), "%s", numbers[i].variable);
        snprintf(fallback, sizeof(fallback), "default: %lld\n", (long long)numbers[i].fallback);
        cr_expect(numbers[i].fallback == -1 || strstr(text, fallback) != NULL, "%s", fallback);
    }
    for (size_t i = 0; i < TEXTS; i++) {
        cr_expect(strstr(text, texts[i].flag), "%s", texts[i].flag);
        cr_expect(strstr(text, texts[i].variable), "%s", texts[i].variable);
    }
    cr_expect(strstr(text, "--help") && strstr(text, "--version"));
    cr_expect(strstr(text, "SESSIOND_TOKEN\n") && strstr(text, "--allow-anonymous (SESSIOND_"));
    free(text);
}
