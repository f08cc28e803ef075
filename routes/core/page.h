/*
 * Pages of JSON items: a page ends before the item that would make the response longer than
 * ex->max_page_bytes, but has at least one. May run on the store's thread.
 */
#ifndef SESSIOND_ROUTES_CORE_PAGE_H
#define SESSIOND_ROUTES_CORE_PAGE_H

#include "routes/core/exchange.h"

/* An item is next to be added to ex->response. Returns what page_end_item takes. */
size_t page_begin_item(struct exchange *ex);

/* The item is there. STOP: it was one too many, and has been taken out again. */
enum store_visit page_end_item(struct exchange *ex, size_t began);

#endif
