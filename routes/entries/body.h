/*
 * Parses a request body into a batch of entries: a JSON array of objects, or NDJSON
 * (https://github.com/ndjson/ndjson-spec), one object a line. Lines end with LF or CR LF, which the
 * last line may lack; blank lines are skipped. An entry may have any members; only `uuid` is read,
 * if it is a string.
 *
 * Threads: the HTTP thread; once parsed, the batch is constant. Errors: when memory runs out, the
 * process aborts.
 */
#ifndef SESSIOND_ROUTES_ENTRIES_BODY_H
#define SESSIOND_ROUTES_ENTRIES_BODY_H

#include "db/base/error.h"
#include "db/store.h"
#include "routes/core/buffer.h"

#define ENTRY_UUID_MAX 128 /* bytes of UTF-8 */

struct entries_body;

struct entries_body_limits {
    size_t max_depth; /* nesting of the whole array, or of each line */
    size_t max_count; /* entries of a batch */
};

/* Parses a body and compacts the entries in place: their texts are in `body` afterwards, without
 * insignificant white space. `body` is borrowed until entries_body_free(). `by_lines`: it is
 * NDJSON. The caller frees *out. ERROR_MALFORMED_JSON; ERROR_INVALID_PAYLOAD, whose field points to
 * the entry (RFC 6901), in NDJSON too; ERROR_TOO_LARGE for more than max_count entries. */
MUST_USE bool entries_body_new(struct buffer *body, bool by_lines,
                               const struct entries_body_limits *limits, struct entries_body **out,
                               struct error *err);

/* Does nothing when `entries` is NULL. */
void entries_body_free(struct entries_body *entries);

/* The entries and their number; valid as long as both the batch and the body. */
const struct store_new_entry *entries_body_items(const struct entries_body *entries);
size_t entries_body_count(const struct entries_body *entries);

#endif
