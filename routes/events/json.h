/* An event as JSON: one object a line, the same in a page and in a stream. */
#ifndef SESSIOND_ROUTES_EVENTS_JSON_H
#define SESSIOND_ROUTES_EVENTS_JSON_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Adds the event. Members that do not apply are left out. */
void event_json_add(struct buffer *out, const struct store_event *event);

/* Adds `"oldest":…,"newest":…`: what is kept, for who has missed something; null for none. */
void event_json_add_kept(struct buffer *out, const struct store_event_page *page);

#endif
