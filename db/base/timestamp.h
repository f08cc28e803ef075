/*
 * Points in time: microseconds since 1970-01-01T00:00:00Z in the code, ISO 8601 text outside.
 * Pure functions, no locale, no time zone database.
 */
#ifndef SESSIOND_DB_BASE_TIMESTAMP_H
#define SESSIOND_DB_BASE_TIMESTAMP_H

#include "db/base/error.h"
#include "db/base/slice.h"

#include <stdint.h>

/* `2026-11-23T06:36:00.123456`: date, time and always six digits, without a zone. */
#define TIMESTAMP_LENGTH 26

/* The last microsecond of the year 9999, the end of RFC 3339. */
#define TIMESTAMP_MAX_US INT64_C(253402300799999999)

/* The wall clock, in µs. */
int64_t timestamp_now_us(void);

/* Writes TIMESTAMP_LENGTH characters, no NUL. `us` is between 0 and TIMESTAMP_MAX_US. */
void timestamp_format(int64_t us, char *out);

/* Reads what RFC 3339 §5.6 and Python's isoformat() write: a date, `T` or a space, a time with 0
 * to 9 digits of a second, and `Z`, an offset, or nothing (UTC). Digits past the sixth are cut.
 * False when it is no such time or lies before 1970 or after 9999. */
MUST_USE bool timestamp_parse(struct slice text, int64_t *us);

#endif
