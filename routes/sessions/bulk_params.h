/* The query of a recovery or a relocation, which have pages, and their cursors, which need no
 * escapes in a query. Pure functions. */
#ifndef SESSIOND_ROUTES_SESSIONS_BULK_PARAMS_H
#define SESSIOND_ROUTES_SESSIONS_BULK_PARAMS_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Reads `limit` and `cursor` into *out. `has_path` is true for a relocation, whose cursors have a
 * path. `text` gets the decoded values and has to outlive *out. */
MUST_USE bool bulk_params_read(struct slice query, bool has_path, struct buffer *text,
                               struct store_bulk *out, struct error *err);

/* Appends the member next_cursor: a JSON string, or null when nothing is left. */
void bulk_params_add_cursor(struct buffer *out, bool has_path, const struct store_bulk *many);

#endif
