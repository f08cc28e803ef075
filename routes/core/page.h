/*
 * Pages of JSON items: a page ends before the item that would make the response body longer than
 * ex->max_page_bytes, but has at least one item.
 *
 * Threads: the one that visits the rows: the HTTP thread, or the store's thread that runs the job.
 */
#ifndef SESSIOND_ROUTES_CORE_PAGE_H
#define SESSIOND_ROUTES_CORE_PAGE_H

#include "routes/core/exchange.h"

/* Appends the separator to ex->response; the caller then appends the item. Returns the offset that
 * page_end_item() takes as `began`. */
size_t page_begin_item(struct exchange *ex);

/* Ends the item. Returns STORE_VISIT_STOP when it exceeds the limit; it is then removed again. */
enum store_visit page_end_item(struct exchange *ex, size_t began);

#endif
