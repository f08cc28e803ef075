#include "service/app/config_units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

#define DIGITS "0123456789"
#define DIGITS_MAX 17 /* the number fits into 64 bits */

/* Returns -1 when the text is not a number with one of the units, or when the result overflows. */
static int64_t parse_with_unit(const char *text, const struct unit *units, size_t count)
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

/* Largest unit first. */
static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

#define DURATION_UNIT_COUNT (sizeof(durations) / sizeof(durations[0]))

int64_t config_duration(const char *text)
{
    return parse_with_unit(text, durations, DURATION_UNIT_COUNT);
}

void config_duration_print(int64_t ms, char out[CONFIG_DURATION_SIZE])
{
    size_t i = 0;

    while (i + 1 < DURATION_UNIT_COUNT && (ms == 0 || ms % durations[i].factor != 0))
        i++;
    snprintf(out, CONFIG_DURATION_SIZE, "%lld%s", (long long)(ms / durations[i].factor),
             durations[i].name);
}

int64_t config_size(const char *text)
{
    static const struct unit sizes[] = {{"", 1}, {"KiB", 1024}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};

    return parse_with_unit(text, sizes, sizeof(sizes) / sizeof(sizes[0]));
}

bool config_has_no_unit(const char *text)
{
    return text[0] != '\0' && strspn(text, DIGITS) == strlen(text);
}

#define NAME_MAX_COMPARED 63

size_t config_distance(const char *a, const char *b)
{
    const size_t a_len = strnlen(a, NAME_MAX_COMPARED);
    const size_t b_len = strnlen(b, NAME_MAX_COMPARED);
    size_t row[NAME_MAX_COMPARED + 1]; /* distances between a[0..i] and each prefix of b */

    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 0; i < a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_len; j++) {
            const size_t substituted = diagonal + (a[i] != b[j]);
            const size_t inserted = 1 + (row[j] < row[j + 1] ? row[j] : row[j + 1]);
            diagonal = row[j + 1];
            row[j + 1] = substituted < inserted ? substituted : inserted;
        }
    }
    return row[b_len];
}
