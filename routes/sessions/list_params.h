/* The query of GET /sessions, in and out. */
#ifndef SESSIOND_ROUTES_SESSIONS_LIST_PARAMS_H
#define SESSIOND_ROUTES_SESSIONS_LIST_PARAMS_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Reads limit, cursor, status (repeatable), thread_id, project_path, order and include. The texts
 * of *out stand in `text`, which must be empty and outlive it. ERROR_INVALID_QUERY names the first
 * parameter that is unknown, repeated or malformed. */
MUST_USE bool list_params_read(struct slice query, struct buffer *text,
                               struct store_list_query *out, struct error *err);

/* Whether the list may take long enough to make an HTTP thread's other connections wait. */
bool list_params_is_long(const struct store_list_query *query);

/* Adds the cursor that continues behind the page. */
void list_params_add_cursor(struct buffer *out, const struct store_page *page);

/* Adds the Link header's value (RFC 8288): the same query with the next cursor. */
void list_params_add_link(struct buffer *out, struct slice query, const struct store_page *page);

#endif
