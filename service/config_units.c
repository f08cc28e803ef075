#include "service/config_units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

#define DIGITS "0123456789"
#define DIGITS_MAX 17 /* so that the number fits into 64 bits */

/* -1 when the text is no number with one of the units, or too large. */
static int64_t parse(const char *text, const struct unit *units, size_t count)
{
    const size_t digits = strspn(text, DIGITS);

    if (digits == 0 || digits > DIGITS_MAX)
        return -1;
    const int64_t number = strtoll(text, NULL, 10);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text + digits, units[i].name) == 0)
            return number > INT64_MAX / units[i].factor ? -1 : number * units[i].factor;
    }
    return -1;
}

/* The largest first. */
static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

#define DURATIONS (sizeof(durations) / sizeof(durations[0]))

int64_t config_duration(const char *text)
{
    return parse(text, durations, DURATIONS);
}

void config_duration_print(int64_t ms, char out[CONFIG_DURATION_SIZE])
{
    size_t i = 0;

    while (i + 1 < DURATIONS && (ms == 0 || ms % durations[i].factor != 0))
        i++;
    snprintf(out, CONFIG_DURATION_SIZE, "%lld%s", (long long)(ms / durations[i].factor),
             durations[i].name);
}

int64_t config_size(const char *text)
{
    static const struct unit sizes[] = {{"", 1}, {"KiB", 1024}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};

    return parse(text, sizes, sizeof(sizes) / sizeof(sizes[0]));
}

bool config_has_no_unit(const char *text)
{
    return text[0] != '\0' && strspn(text, DIGITS) == strlen(text);
}
