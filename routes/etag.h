/* Entity tags and the conditions on them (RFC 9110 §8.8.3 and §13). The ETag of a session is its
 * version in quotes, a strong validator. */
#ifndef SESSIOND_ROUTES_ETAG_H
#define SESSIOND_ROUTES_ETAG_H

#include "routes/exchange.h"

/* Answers with ETag: "version". */
void etag_header(struct exchange *ex, int64_t version);

/* Reads If-Match for the writer to compare (§13.1.1): `*`, or a list of entity tags, of which weak
 * ones and tags that no version can have match nothing. ERROR_INVALID_HEADER when it is neither, or
 * names more than STORE_MATCH_MAX versions. */
MUST_USE bool etag_parse_if_match(struct slice header, struct store_match *out, struct error *err);

/* Whether If-None-Match names this version, compared weakly (§13.1.2). */
MUST_USE bool etag_none_match(struct slice header, int64_t version, bool *named, struct error *err);

#endif
