/* The cursor of a purge: a position as a text that needs no escapes in a query. Pure functions, any
 * thread. */
#ifndef SESSIOND_ROUTES_ADMIN_PURGE_CURSOR_H
#define SESSIOND_ROUTES_ADMIN_PURGE_CURSOR_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Parses a cursor. Returns false, and leaves *out unchanged, for a text that purge_cursor_add()
 * does not produce. */
MUST_USE bool purge_cursor_read(struct slice text, struct store_purge_position *out);

/* Appends the cursor as a JSON string. */
void purge_cursor_add(struct buffer *out, const struct store_purge_position *position);

#endif
