#include "service/app/config_option.h"

#include "service/app/config_units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_out_of_range(const struct option *option, int64_t value)
{
    return value < option->least || value > option->most;
}

static void store_value(void *values, const struct option *option, int64_t value)
{
    memcpy((char *)values + option->offset, &value, sizeof(value));
}

static bool set_number(void *values, const struct option *option, const char *source,
                       const char *value, struct error *err)
{
    char *end;

    errno = 0;
    const long long number = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || is_out_of_range(option, number))
        return error_set(err, ERROR_INVALID_PAYLOAD, option->flag,
                         "%s takes a number from %lld to %lld, not \"%.40s\"", source,
                         (long long)option->least, (long long)option->most, value);
    store_value(values, option, number);
    return true;
}

static bool set_size(void *values, const struct option *option, const char *source,
                     const char *value, struct error *err)
{
    const int64_t bytes = config_size(value);

    if (bytes < 0 || is_out_of_range(option, bytes))
        return error_set(err, ERROR_INVALID_PAYLOAD, option->flag,
                         "%s takes bytes from %lld to %lld, or a size such as 64KiB or 16MiB, not "
                         "\"%.40s\"",
                         source, (long long)option->least, (long long)option->most, value);
    store_value(values, option, bytes);
    return true;
}

static bool reject_duration(const struct option *option, int64_t unit_ms, bool has_off,
                            const char *source, const char *value, struct error *err)
{
    char least[CONFIG_DURATION_SIZE];
    char most[CONFIG_DURATION_SIZE];

    if (config_has_no_unit(value))
        return error_set(err, ERROR_INVALID_PAYLOAD, option->flag,
                         "%s %.40s: a duration needs a unit, for example %.12s%s", source, value,
                         value, unit_ms == 1 ? "ms" : "d");
    config_duration_print(option->least * unit_ms, least);
    config_duration_print(option->most * unit_ms, most);
    return error_set(err, ERROR_INVALID_PAYLOAD, option->flag,
                     "%s takes a duration from %s to %s in whole %s%s, not \"%.40s\"", source,
                     least, most, unit_ms == 1 ? "d, h, m, s or ms" : "d, h, m or s",
                     has_off ? ", or off" : "", value);
}

/* "off" is stored as 0. It is valid only for options whose help text contains "; off". */
static bool set_duration(void *values, const struct option *option, const char *source,
                         const char *value, struct error *err)
{
    const int64_t unit_ms = option->kind == OPTION_SECONDS ? 1000 : 1;
    const bool has_off = strstr(option->help, "; off") != NULL;
    const int64_t ms = config_duration(value);

    if (has_off && strcmp(value, "off") == 0) {
        store_value(values, option, 0);
        return true;
    }
    if (ms < 0 || ms % unit_ms != 0 || is_out_of_range(option, ms / unit_ms))
        return reject_duration(option, unit_ms, has_off, source, value, err);
    store_value(values, option, ms / unit_ms);
    return true;
}

static bool set_mode(void *values, const struct option *option, const char *source,
                     const char *value, struct error *err)
{
    const size_t digits = strspn(value, "01234567");
    const int64_t mode = digits <= 4 ? strtoll(value, NULL, 8) : option->most + 1;

    if (digits == 0 || value[digits] != '\0' || mode > option->most)
        return error_set(err, ERROR_INVALID_PAYLOAD, option->flag,
                         "%s takes permissions in octal, such as 0660, not \"%.40s\"", source,
                         value);
    memcpy((char *)values + option->offset, &mode, sizeof(mode));
    return true;
}

static bool set_switch(void *values, const struct option *option, const char *source,
                       const char *value, struct error *err)
{
    const bool on = strcmp(value, "on") == 0;

    if (!on && strcmp(value, "off") != 0)
        return error_set(err, ERROR_INVALID_PAYLOAD, option->flag,
                         "%s takes on or off, not \"%.40s\"", source, value);
    memcpy((char *)values + option->offset, &on, sizeof(on));
    return true;
}

bool option_set(void *values, const struct option *option, const char *source, const char *value,
                struct error *err)
{
    if (option->kind == OPTION_NUMBER)
        return set_number(values, option, source, value, err);
    if (option->kind == OPTION_SIZE)
        return set_size(values, option, source, value, err);
    if (option->kind == OPTION_SECONDS || option->kind == OPTION_MILLISECONDS)
        return set_duration(values, option, source, value, err);
    if (option->kind == OPTION_MODE)
        return set_mode(values, option, source, value, err);
    if (option->kind == OPTION_SWITCH)
        return set_switch(values, option, source, value, err);
    if (value[0] == '\0')
        return error_set(err, ERROR_INVALID_PAYLOAD, option->flag, "%s must not be empty", source);
    memcpy((char *)values + option->offset, &value, sizeof(value));
    return true;
}

bool option_is_foreign_variable(const char *name)
{
    static const char *const prefixes[] = {
        "SESSIOND_BASE_SUITE", "SESSIOND_BINARY",   "SESSIOND_CONFORMANCE_SEED",
        "SESSIOND_ENV_",       "SESSIOND_NAME",     "SESSIOND_PORT",
        "SESSIOND_SEED",       "SESSIOND_SERVICE_", "SESSIOND_SOURCE",
        "SESSIOND_TAG",        "SESSIOND_TEST_",    "SESSIOND_TRANSCRIPTS"};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return false;
}
