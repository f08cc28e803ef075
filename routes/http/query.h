/*
 * Query strings: `name=value&…`, decoded like HTML forms (`+` is a space, %XX a byte), except that
 * a `+` at the beginning of a value is literal, so that ?thread_id=+15551234567 works as typed.
 * Pure functions, any thread.
 */
#ifndef SESSIOND_ROUTES_HTTP_QUERY_H
#define SESSIOND_ROUTES_HTTP_QUERY_H

#include "db/base/error.h"
#include "routes/core/buffer.h"

struct query_parameter {
    struct slice raw;   /* name, `=` and value as sent */
    struct slice name;  /* as sent */
    struct slice value; /* as sent */
};

/* Removes the next parameter from the front of *rest, skipping empty ones. Returns false at the
 * end. The slices of *out point into the query. */
MUST_USE bool query_next(struct slice *rest, struct query_parameter *out);

/* Sets ERROR_INVALID_QUERY with the parameter's name as the field. Returns false, like error_set().
 */
bool query_reject(const struct query_parameter *parameter, const char *why, struct error *err);

/* Appends the decoded value. ERROR_INVALID_QUERY for an invalid escape, a NUL or bytes that are not
 * UTF-8. */
MUST_USE bool query_decode(const struct query_parameter *parameter, struct buffer *out,
                           struct error *err);

/* Parses a number from `least` (at least 0) to `most`: up to 18 decimal digits without a sign.
 * Returns false, and leaves *out unchanged, for any other text. */
MUST_USE bool query_number(struct slice text, int64_t least, int64_t most, int64_t *out);

/* Appends a raw parameter as sent, and percent-encodes the characters that a URI's query does not
 * allow (RFC 3986 §3.4). */
void query_add_raw(struct buffer *out, struct slice raw);

#endif
