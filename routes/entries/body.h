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

#define JSON_ENTRY_UUID_MAX 128 /* bytes */

struct json_entries;

struct json_entries_limits {
    size_t max_depth; /* of the whole body, or of each line */
    size_t max_count;
};

/* Reads a body, whose bytes it moves: the texts of the entries stand there afterwards, without
 * insignificant white space. `body` is borrowed for the batch's life.
 * ERROR_MALFORMED_JSON; ERROR_INVALID_PAYLOAD, pointing at the entry (RFC 6901), whatever its form;
 * ERROR_TOO_LARGE for more than max_count. */
MUST_USE bool json_entries_new(struct buffer *body, bool by_lines,
                               const struct json_entries_limits *limits, struct json_entries **out,
                               struct error *err);

/* NULL is fine. */
void json_entries_free(struct json_entries *entries);

/* They live as long as the batch and the body do. */
const struct store_new_entry *json_entries_items(const struct json_entries *entries);
size_t json_entries_count(const struct json_entries *entries);

#endif
