/* Where the feed's events come from: the store, by way of the ring, which keeps them in words. */
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

/* `reading` is borrowed until notifier_stop. */
struct event_source event_source_from_store(struct event_source_context *context);

#endif
