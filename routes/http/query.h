/*
 * Query strings: `name=value&…`, decoded as HTML forms are (`+` is a space, %XX a byte), except
 * that a `+` at the beginning of a value stands for itself, so that ?thread_id=+15551234567 works
 * as typed.
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

/* Takes the next parameter off the front of *rest; false at the end. Empty ones are passed over. */
MUST_USE bool query_next(struct slice *rest, struct query_parameter *out);

/* Sets ERROR_INVALID_QUERY, naming the parameter. Returns false, as error_set does. */
bool query_refuse(const struct query_parameter *parameter, const char *why, struct error *err);

/* Appends the decoded value. ERROR_INVALID_QUERY, naming the parameter, for a broken escape, a NUL
 * or bytes that are no UTF-8. */
MUST_USE bool query_decode(const struct query_parameter *parameter, struct buffer *out,
                           struct error *err);

/* Reads `least` to `most`, in decimal digits without a sign; `least` is not negative. */
MUST_USE bool query_number(struct slice text, int64_t least, int64_t most, int64_t *out);

/* Appends a raw parameter as it was sent, what cannot stand in a URI's query encoded (RFC 3986
 * §3.4). */
void query_add_raw(struct buffer *out, struct slice raw);

#endif
