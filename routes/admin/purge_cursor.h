/* Where a purge goes on, as a text that a query can have without escapes. Pure functions. */
#ifndef SESSIOND_ROUTES_ADMIN_PURGE_CURSOR_H
#define SESSIOND_ROUTES_ADMIN_PURGE_CURSOR_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* False, and *out untouched, for a text that purge_cursor_add does not make. */
MUST_USE bool purge_cursor_read(struct slice text, struct store_purge_position *out);

/* Appends it as a JSON string. */
void purge_cursor_add(struct buffer *out, const struct store_purge_position *position);

#endif
