/* An event as JSON, on one line; the same in pages and streams. Each function appends to `out`. Any
 * thread; when memory runs out, the process aborts. */
#ifndef SESSIOND_ROUTES_EVENTS_JSON_H
#define SESSIOND_ROUTES_EVENTS_JSON_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Appends the event as an object without the members that do not apply. */
void event_json_add(struct buffer *out, const struct store_event *event);

/* Appends `"oldest":…,"newest":…`, the ids of page->oldest and page->newest; null for 0. */
void event_json_add_bounds(struct buffer *out, const struct store_event_page *page);

#endif
