/* Parses the query of a recovery or a relocation, which have pages, and formats their cursors,
 * which need no escapes in a query. Pure functions, any thread. */
#ifndef SESSIOND_ROUTES_SESSIONS_BULK_PARAMS_H
#define SESSIOND_ROUTES_SESSIONS_BULK_PARAMS_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Parses `limit` and `cursor` into *out. `has_path` is true for a relocation, whose cursors have a
 * path. `text` receives the decoded values and must outlive *out. ERROR_INVALID_QUERY names the
 * rejected parameter. */
MUST_USE bool bulk_params_read(struct slice query, bool has_path, struct buffer *text,
                               struct store_bulk *out, struct error *err);

/* Appends the member next_cursor: a JSON string, or null when no sessions are left. */
void bulk_params_add_cursor(struct buffer *out, bool has_path, const struct store_bulk *bulk);

#endif
