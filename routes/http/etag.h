/* Entity tags and the conditions on them (RFC 9110 §8.8.3 and §13). The ETag of a session is its
 * version in quotes, a strong validator. */
#ifndef SESSIOND_ROUTES_HTTP_ETAG_H
#define SESSIOND_ROUTES_HTTP_ETAG_H

#include "routes/core/exchange.h"

/* Answers with ETag: "version". */
void etag_header(struct exchange *ex, int64_t version);

/* Reads a condition's value: `*`, or a list of entity tags. Weak tags match nothing in If-Match
 * (§13.1.1) and count as strong ones in If-None-Match (§13.1.2); tags that no version can have
 * match nothing. ERROR_INVALID_HEADER when it is neither, or names more than STORE_MATCH_MAX
 * versions. */
MUST_USE bool etag_parse_if_match(struct slice header, struct store_match *out, struct error *err);
MUST_USE bool etag_parse_if_none_match(struct slice header, struct store_match *out,
                                       struct error *err);

/* Reads both conditions of the request into its job. */
MUST_USE bool etag_read_conditions(struct exchange *ex, struct error *err);

#endif
