/*
 * A batch of entries out of a request's body: a JSON array of objects, or NDJSON
 * (https://github.com/ndjson/ndjson-spec): one object a line, lines ended by LF or CR LF, the last
 * one perhaps not; lines of white space alone are passed over. What stands in an entry is its
 * sender's own. Only its member `uuid` is looked at, where that is a string.
 */
#ifndef SESSIOND_ROUTES_ENTRIES_BODY_H
#define SESSIOND_ROUTES_ENTRIES_BODY_H

#include "db/base/error.h"
#include "db/store.h"
#include "routes/core/buffer.h"

#define ENTRY_UUID_MAX 128 /* bytes */

struct entries_body;

struct entries_body_limits {
    size_t max_depth; /* of the whole body, or of each line */
    size_t max_count;
};

/* Reads a body, whose bytes it moves: the texts of the entries stand there afterwards, without
 * insignificant white space. `body` is borrowed for the batch's life.
 * ERROR_MALFORMED_JSON; ERROR_INVALID_PAYLOAD, pointing at the entry (RFC 6901), whatever its form;
 * ERROR_TOO_LARGE for more than max_count. */
MUST_USE bool entries_body_new(struct buffer *body, bool by_lines,
                               const struct entries_body_limits *limits, struct entries_body **out,
                               struct error *err);

/* NULL is fine. */
void entries_body_free(struct entries_body *entries);

/* They live as long as the batch and the body do. */
const struct store_new_entry *entries_body_items(const struct entries_body *entries);
size_t entries_body_count(const struct entries_body *entries);

#endif
