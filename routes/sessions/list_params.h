/* Parses the query of GET /sessions and formats its cursors and links. Pure functions, any thread.
 */
#ifndef SESSIOND_ROUTES_SESSIONS_LIST_PARAMS_H
#define SESSIOND_ROUTES_SESSIONS_LIST_PARAMS_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Parses limit, cursor, status (repeatable), thread_id, project_path, order and include. The slices
 * of *out point into `text`, which must be empty and must outlive *out. ERROR_INVALID_QUERY names
 * the first parameter that is unknown, repeated or malformed. */
MUST_USE bool list_params_read(struct slice query, struct buffer *text,
                               struct store_list_query *out, struct error *err);

/* Whether the list may take so long that it would block the other connections of an HTTP thread.
 * Such a list is read by a job. */
bool list_params_is_long(const struct store_list_query *query);

/* Appends the cursor of the next page. */
void list_params_add_cursor(struct buffer *out, const struct store_page *page);

/* Appends the value of the Link header (RFC 8288): the same query with the cursor of the next page.
 */
void list_params_add_link(struct buffer *out, struct slice query, const struct store_page *page);

#endif
