/*
 * A batch for STORE_IMPORT out of a request's body: NDJSON as /admin/export writes it, a session or
 * an entry a line, each entry behind its session or in a later batch. All members have to be there,
 * and no others.
 */
#ifndef SESSIOND_ROUTES_ADMIN_IMPORT_BODY_H
#define SESSIOND_ROUTES_ADMIN_IMPORT_BODY_H

#include "db/base/error.h"
#include "db/store.h"
#include "routes/core/buffer.h"

/* Lines of one batch. */
#define IMPORT_LINES_MAX 1000

struct import_body;

/* What a line may have beside a context or an entry, in bytes: names, and texts with escapes. */
#define IMPORT_LINE_MORE_BYTES (32 << 10)

/* Reads a body, whose bytes it moves; `body` is borrowed for the batch's life. `max_depth` is that
 * of a context or an entry. ERROR_MALFORMED_JSON; ERROR_INVALID_PAYLOAD, pointing at the line, from
 * 0, and its member; ERROR_TOO_LARGE for more lines. */
MUST_USE bool import_body_new(struct buffer *body, size_t max_depth, struct import_body **out,
                              struct error *err);

/* NULL is fine. */
void import_body_free(struct import_body *import);

/* The batch; it lives as long as `import` does. */
struct store_import import_body_batch(struct import_body *import);

#endif
