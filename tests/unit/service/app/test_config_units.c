/* Durations and sizes with units, and the names of before that had the unit in them. */

#include "service/app/config.h"
#include "service/app/config_units.h"
#include "tests/unit/support/command_line.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct config config;
static struct error err;

static bool reads(const char *one, const char *two, const char *three)
{
    enum config_action action;

    return read_words(&config, &action, one, two, three, &err);
}

static int64_t number_at(size_t place)
{
    int64_t number;

    memcpy(&number, (const char *)&config + place, sizeof(number));
    return number;
}

Test(config_units, parse_durations_and_sizes)
{
    static const struct {
        const char *text;
        int64_t ms;
        int64_t bytes;
    } cases[] = {
        {"250ms", 250, -1},
        {"45s", 45000, -1},
        {"90m", 5400000, -1},
        {"12h", 43200000, -1},
        {"30d", 2592000000, -1},
        {"0s", 0, -1},
        {"30", -1, 30},
        {"64KiB", -1, 65536},
        {"16MiB", -1, 16777216},
        {"2GiB", -1, INT64_C(2147483648)},
        {"", -1, -1},
        {"s", -1, -1},
        {"-1s", -1, -1},
        {"+1s", -1, -1},
        {"1 s", -1, -1},
        {"1S", -1, -1},
        {"1.5h", -1, -1},
        {"1h30m", -1, -1},
        {"1w", -1, -1},
        {"16MB", -1, -1},
        {"16mib", -1, -1},
        {"99999999999999999d", -1, -1},
        {"99999999999999999GiB", -1, -1},
        {"100000000000000000", -1, -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(config_duration(cases[i].text), cases[i].ms, "\"%s\"", cases[i].text);
        cr_expect_eq(config_size(cases[i].text), cases[i].bytes, "\"%s\"", cases[i].text);
    }
}

Test(config_units, print_the_largest_unit_that_divides)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{0, "0ms"},       {250, "250ms"},    {1000, "1s"},       {90000, "90s"},
                 {5400000, "90m"}, {43200000, "12h"}, {2592000000, "30d"}};
    char out[CONFIG_DURATION_SIZE];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        config_duration_print(cases[i].ms, out);
        cr_expect_str_eq(out, cases[i].text);
    }
}

struct duration {
    const char *flag;
    const char *variable;
    size_t place;
    int64_t unit_ms; /* of the member */
    int64_t least;
    int64_t most;
    const char *old_flag; /* NULL: none */
    const char *old_variable;
};

#define PLACE(member) offsetof(struct config, member)

static const struct duration durations[] = {
    {"--request-timeout", "SESSIOND_REQUEST_TIMEOUT", PLACE(request_timeout_ms), 1, 100, 3600000,
     "--request-timeout-ms", "SESSIOND_REQUEST_TIMEOUT_MS"},
    {"--response-timeout", "SESSIOND_RESPONSE_TIMEOUT", PLACE(response_timeout_ms), 1, 100, 3600000,
     "--response-timeout-ms", "SESSIOND_RESPONSE_TIMEOUT_MS"},
    {"--idle-timeout", "SESSIOND_IDLE_TIMEOUT", PLACE(idle_timeout_ms), 1, 1000, 3600000,
     "--idle-timeout-ms", "SESSIOND_IDLE_TIMEOUT_MS"},
    {"--shutdown-timeout", "SESSIOND_SHUTDOWN_TIMEOUT", PLACE(shutdown_timeout_ms), 1, 0, 600000,
     "--stop-timeout-ms", "SESSIOND_STOP_TIMEOUT_MS"},
    {"--idempotency-ttl", "SESSIOND_IDEMPOTENCY_TTL", PLACE(idempotency_ttl_s), 1000, 1, 31536000,
     "--idempotency-ttl-s", "SESSIOND_IDEMPOTENCY_TTL_S"},
    {"--event-retention", "SESSIOND_EVENT_RETENTION", PLACE(event_retention_s), 1000, 1, 315360000,
     "--keep-events-s", "SESSIOND_KEEP_EVENTS_S"},
    {"--retain-terminated", "SESSIOND_RETAIN_TERMINATED", PLACE(retain_terminated_s), 1000, 1,
     3155760000, NULL, NULL},
    {"--retain-idle", "SESSIOND_RETAIN_IDLE", PLACE(retain_idle_s), 1000, 1, 3155760000, NULL,
     NULL},
    {"--command-timeout", "SESSIOND_COMMAND_TIMEOUT", PLACE(command_timeout_s), 1000, 1, 86400,
     NULL, NULL},
};

#define DURATIONS (sizeof(durations) / sizeof(durations[0]))

/* The value in the member's unit, with `unit` behind it, as a flag and as a variable. */
static void expect(const struct duration *it, const char *flag, const char *variable,
                   const char *unit, int64_t value, bool taken)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld%s", (long long)value, unit);
    cr_expect_eq(reads(flag, text, NULL), taken, "%s %s", flag, text);
    cr_expect(!taken || number_at(it->place) == value, "%s %s", flag, text);
    cr_expect(taken || strstr(err.detail, flag) != NULL, "%s", err.detail);
    setenv(variable, text, 1);
    cr_expect_eq(reads(NULL, NULL, NULL), taken, "%s=%s", variable, text);
    cr_expect(!taken || number_at(it->place) == value, "%s=%s", variable, text);
    cr_expect(taken || strstr(err.detail, variable) != NULL, "%s", err.detail);
    unsetenv(variable);
}

static void expect_bounds(const struct duration *it, const char *flag, const char *variable,
                          const char *unit)
{
    expect(it, flag, variable, unit, it->least, true);
    expect(it, flag, variable, unit, it->most, true);
    expect(it, flag, variable, unit, it->least - 1, false);
    expect(it, flag, variable, unit, it->most + 1, false);
}

Test(config_units, durations_have_bounds)
{
    for (size_t i = 0; i < DURATIONS; i++)
        expect_bounds(&durations[i], durations[i].flag, durations[i].variable,
                      durations[i].unit_ms == 1 ? "ms" : "s");
}

Test(config_units, a_duration_without_a_unit_is_refused)
{
    for (size_t i = 0; i < DURATIONS; i++) {
        cr_expect_not(reads(durations[i].flag, "2000", NULL), "%s", durations[i].flag);
        cr_expect(strstr(err.detail, "2000: a duration needs a unit"), "%s", err.detail);
    }
    cr_expect_not(reads("--retain-terminated", "30", NULL));
    cr_expect_str_eq(err.detail,
                     "--retain-terminated 30: a duration needs a unit, for example 30d");
}

Test(config_units, an_error_names_the_bounds)
{
    cr_expect_not(reads("--idle-timeout", "2d", NULL));
    cr_expect(strstr(err.detail, "a duration from 1s to 1h in whole d, h, m, s or ms, not"), "%s",
              err.detail);
    cr_expect_not(reads("--event-retention", "1500ms", NULL), "no whole seconds");
    cr_expect_not(reads("--idle-timeout", "off", NULL));
    cr_expect(reads("--retain-terminated", "off", NULL));
    cr_expect(reads("--retain-idle", "off", NULL));
}

Test(config_units, old_names_take_numbers_and_leave_a_remark)
{
    for (size_t i = 0; i < DURATIONS && durations[i].old_flag != NULL; i++) {
        const struct duration *it = &durations[i];
        expect_bounds(it, it->old_flag, it->old_variable, "");
        cr_expect(reads(it->old_flag, "2000", NULL));
        cr_expect_eq(config.warning_count, 1);
        cr_expect(strstr(config.warnings[0], it->old_flag) && strstr(config.warnings[0], it->flag),
                  "%s", config.warnings[0]);
        setenv(it->old_variable, "3000", 1);
        setenv(it->variable, "4s", 1);
        cr_expect(reads(NULL, NULL, NULL), "%s", err.detail);
        cr_expect_eq(number_at(it->place), 4000 / it->unit_ms, "the new name wins: %s",
                     it->variable);
        cr_expect_eq(config.warning_count, 1);
        unsetenv(it->old_variable);
        unsetenv(it->variable);
    }
    cr_expect(reads("--idle-timeout", "4s", NULL));
    cr_expect_eq(config.warning_count, 0);
}

Test(config_units, sizes_take_units)
{
    cr_expect(reads("--max-body-size", "8MiB", NULL), "%s", err.detail);
    cr_expect_eq(config.max_body_bytes, 8 << 20);
    cr_expect(reads("--max-header-size=64KiB", NULL, NULL), "%s", err.detail);
    cr_expect_eq(config.max_header_bytes, 65536);
    cr_expect_not(reads("--max-header-size=65KiB", NULL, NULL));
    cr_expect(strstr(err.detail, "from 1024 to 65536"), "%s", err.detail);
    cr_expect(reads("--max-db-size", "40GiB", NULL), "%s", err.detail);
    cr_expect_eq(config.max_db_bytes, INT64_C(40) << 30);
}

Test(config_units, distances_of_names)
{
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } cases[] = {{"", "", 0},
                 {"abc", "abc", 0},
                 {"abc", "", 3},
                 {"RETIAN", "RETAIN", 2},
                 {"LISTEN", "LISTENS", 1},
                 {"kitten", "sitting", 3}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(config_distance(cases[i].a, cases[i].b), cases[i].distance, "%s", cases[i].a);
        cr_expect_eq(config_distance(cases[i].b, cases[i].a), cases[i].distance, "%s", cases[i].b);
    }
}

Test(config_units, remarks_beyond_the_limit_are_counted)
{
    char name[32];

    for (int i = 0; i < CONFIG_WARNINGS_MAX + 4; i++) {
        snprintf(name, sizeof(name), "SESSIOND_RETIAN_%d", i);
        setenv(name, "30d", 1);
    }
    cr_expect(reads(NULL, NULL, NULL));
    cr_expect_eq(config.warning_count, CONFIG_WARNINGS_MAX + 4);
    for (int i = 0; i < CONFIG_WARNINGS_MAX; i++)
        cr_expect(strstr(config.warnings[i], "is not known"), "%d: %s", i, config.warnings[i]);
}

Test(config_units, unknown_variables_leave_a_remark_with_the_nearest_name)
{
    setenv("SESSIOND_RETIAN_IDLE", "30d", 1);
    cr_expect(reads(NULL, NULL, NULL));
    cr_expect_eq(config.warning_count, 1);
    cr_expect(strstr(config.warnings[0], "SESSIOND_RETIAN_IDLE is not known") &&
                  strstr(config.warnings[0], "is SESSIOND_RETAIN_IDLE"),
              "%s", config.warnings[0]);
    unsetenv("SESSIOND_RETIAN_IDLE");
    setenv("SESSIOND_PORT_8082_TCP", "tcp://10.0.0.1:8082", 1);
    setenv("SESSIOND_TAG", "latest", 1);
    cr_expect(reads(NULL, NULL, NULL));
    cr_expect_eq(config.warning_count, 0, "%s", config.warnings[0]);
    unsetenv("SESSIOND_PORT_8082_TCP");
    unsetenv("SESSIOND_TAG");
}
