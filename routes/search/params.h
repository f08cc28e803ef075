/* Parses the query of GET /search and formats its cursors. Pure functions, any thread. */
#ifndef SESSIOND_ROUTES_SEARCH_PARAMS_H
#define SESSIOND_ROUTES_SEARCH_PARAMS_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Parses q, limit, cursor, status (repeatable), thread_id and project_path. The slices of *out
 * point into `text`, which must be empty and must outlive *out. ERROR_INVALID_QUERY names the first
 * parameter that is unknown, repeated or malformed, or q when it is missing. The store checks
 * whether q has a word. */
MUST_USE bool search_params_read(struct slice query, struct buffer *text,
                                 struct store_search_query *out, struct error *err);

/* Appends the cursor of the page that follows the hit `last`. */
void search_params_add_cursor(struct buffer *out, const struct store_search_cursor *last);

#endif
