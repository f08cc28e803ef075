/* What people write: durations and sizes with units, and names with typing errors. Pure. */
#ifndef SESSIOND_SERVICE_APP_CONFIG_UNITS_H
#define SESSIOND_SERVICE_APP_CONFIG_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_DURATION_SIZE 24

/* "250ms", "45s", "90m", "12h" or "30d" in milliseconds, -1 for everything else. */
int64_t config_duration(const char *text);

/* Writes the duration with the largest unit that divides it. */
void config_duration_print(int64_t ms, char out[CONFIG_DURATION_SIZE]);

/* "4096", "64KiB", "16MiB" or "2GiB" in bytes, -1 for everything else. */
int64_t config_size(const char *text);

/* Whether the text is a number without a unit. */
bool config_has_no_unit(const char *text);

/* How many characters of a name have to be inserted, removed or replaced to get the other
 * (Levenshtein). Names are compared up to 63 characters. */
size_t config_distance(const char *a, const char *b);

#endif
