/*
 * Points in time: microseconds since 1970-01-01T00:00:00Z in the code, ISO 8601 text outside. Pure
 * functions without locale or time zone database; any thread.
 */
#ifndef SESSIOND_DB_BASE_TIMESTAMP_H
#define SESSIOND_DB_BASE_TIMESTAMP_H

#include "db/base/error.h"
#include "db/base/slice.h"

#include <stdint.h>

/* `2026-11-23T06:36:00.123456`: date, time and always six fractional digits, without a zone. */
#define TIMESTAMP_LENGTH 26

/* The last microsecond of the year 9999, the end of RFC 3339. */
#define TIMESTAMP_MAX_US INT64_C(253402300799999999)

/* The wall clock, in µs since 1970. It may go backwards. */
int64_t timestamp_now_us(void);

/* Writes TIMESTAMP_LENGTH characters without a NUL. `us` must be between 0 and TIMESTAMP_MAX_US. */
void timestamp_format(int64_t us, char *out);

/* Parses the formats of RFC 3339 §5.6 and of Python's isoformat(): a date, `T` or a space, a time
 * with 0 to 9 fractional digits, and `Z`, an offset, or nothing (UTC). Digits after the sixth are
 * truncated. False when the text is no such time, or is before 1970 or after 9999; *us is then
 * unchanged. */
MUST_USE bool timestamp_parse(struct slice text, int64_t *us);

#endif
