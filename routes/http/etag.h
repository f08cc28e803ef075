/* Entity tags and conditional requests (RFC 9110 §8.8.3 and §13). The ETag of a session is its
 * version in quotes, a strong validator. HTTP thread; the store's thread where it serializes a
 * response. */
#ifndef SESSIOND_ROUTES_HTTP_ETAG_H
#define SESSIOND_ROUTES_HTTP_ETAG_H

#include "routes/core/exchange.h"

/* Adds the response header ETag: "version". */
void etag_add_header(struct exchange *ex, int64_t version);

/* Parses the value of a condition: `*`, or a list of entity tags. If-Match compares strongly, so
 * weak tags match nothing (§13.1.1); If-None-Match compares weakly, so weak tags count as strong
 * ones (§13.1.2). Tags that are no version match nothing. ERROR_INVALID_HEADER when the value is
 * malformed or names more than STORE_MATCH_MAX versions. */
MUST_USE bool etag_parse_if_match(struct slice header, struct store_match *out, struct error *err);
MUST_USE bool etag_parse_if_none_match(struct slice header, struct store_match *out,
                                       struct error *err);

/* Parses If-Match and If-None-Match of the request into its job. Errors as above. */
MUST_USE bool etag_read_conditions(struct exchange *ex, struct error *err);

#endif
