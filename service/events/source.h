/* The event source of the notifier: reads events from the store through the SSE buffer, which
 * stores them in serialized form. */
#ifndef SESSIOND_SERVICE_EVENTS_SOURCE_H
#define SESSIOND_SERVICE_EVENTS_SOURCE_H

#include "routes/events/sse_buffer.h"
#include "service/app/log.h"
#include "service/events/notifier.h"

struct event_source_context {
    struct store *store;
    struct sse_buffer *ring;
    struct log *log;
};

/* Returns a source that reads with `context`, which is borrowed until notifier_stop(). */
struct event_source event_source_from_store(struct event_source_context *context);

#endif
