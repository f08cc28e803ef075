/* Parsers for durations and sizes with units, and the edit distance that finds misspelled names.
 * Pure. */
#ifndef SESSIOND_SERVICE_APP_CONFIG_UNITS_H
#define SESSIOND_SERVICE_APP_CONFIG_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_DURATION_SIZE 24

/* Returns "250ms", "45s", "90m", "12h" or "30d" in milliseconds; -1 when the text is not a
 * duration. */
int64_t config_duration(const char *text);

/* Writes the duration with the largest unit that divides it. */
void config_duration_print(int64_t ms, char out[CONFIG_DURATION_SIZE]);

/* Returns "4096", "64KiB", "16MiB" or "2GiB" in bytes; -1 when the text is not a size. */
int64_t config_size(const char *text);

/* Whether the text is a non-empty sequence of digits. */
bool config_has_no_unit(const char *text);

/* Returns the Levenshtein distance: the number of characters to insert, remove or replace in `a` to
 * get `b`. Only the first 63 characters of each count. */
size_t config_distance(const char *a, const char *b);

#endif
