/*
 * Parses a request body into a batch for STORE_IMPORT: NDJSON as /admin/export writes it, a session
 * or an entry a line, each entry after its session or in a later batch. A line must have all
 * members of its type and no others.
 *
 * Threads: the HTTP thread; once parsed, the batch is used by one thread at a time. Errors: when
 * memory runs out, the process aborts.
 */
#ifndef SESSIOND_ROUTES_ADMIN_IMPORT_BODY_H
#define SESSIOND_ROUTES_ADMIN_IMPORT_BODY_H

#include "db/base/error.h"
#include "db/store.h"
#include "routes/core/buffer.h"

/* Limit of the lines of one batch. */
#define IMPORT_LINES_MAX 1000

struct import_body;

/* Limit of the bytes of a line besides its context or entry: names, and texts with escapes. */
#define IMPORT_LINE_MORE_BYTES (32 << 10)

/* Parses a body and compacts JSON texts in place. `body` is borrowed until import_body_free().
 * `max_depth` limits the nesting of a context or an entry. The caller frees *out.
 * ERROR_MALFORMED_JSON; ERROR_INVALID_PAYLOAD, whose field points to the line, counted from 0, and
 * its member; ERROR_TOO_LARGE for more than IMPORT_LINES_MAX lines. */
MUST_USE bool import_body_new(struct buffer *body, size_t max_depth, struct import_body **out,
                              struct error *err);

/* Does nothing when `import` is NULL. */
void import_body_free(struct import_body *import);

/* The batch; valid until import_body_free(). */
struct store_import import_body_batch(struct import_body *import);

#endif
