/* The query of GET /search, in and out. */
#ifndef SESSIOND_ROUTES_SEARCH_PARAMS_H
#define SESSIOND_ROUTES_SEARCH_PARAMS_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Reads q, limit, cursor, status (repeatable), thread_id and project_path. The texts of *out stand
 * in `text`, which must be empty and outlive it. ERROR_INVALID_QUERY names the first parameter that
 * is unknown, repeated, malformed, or missing: q. Whether q has a word, the store says. */
MUST_USE bool search_params_read(struct slice query, struct buffer *text,
                                 struct store_search_query *out, struct error *err);

/* Adds the cursor that continues behind the place. */
void search_params_add_cursor(struct buffer *out, const struct store_search_cursor *place);

#endif
