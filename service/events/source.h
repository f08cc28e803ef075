/* Where the feed's events come from: the store, by way of the ring, which keeps them in words. */
#ifndef SESSIOND_SERVICE_EVENTS_SOURCE_H
#define SESSIOND_SERVICE_EVENTS_SOURCE_H

#include "routes/events/sse_buffer.h"
#include "service/app/log.h"
#include "service/events/notifier.h"

struct feed_reading {
    struct store *store;
    struct event_ring *ring;
    struct log *log;
};

/* `reading` is borrowed until feed_stop. */
struct feed_source feed_source_of(struct feed_reading *reading);

#endif
