#include "service/events/source.h"

#include <string.h>

/* What is read so far. */
struct gathering {
    struct notifier_event *events;
    size_t count;
};

static enum store_visit gather(void *arg, const struct store_event *event)
{
    struct gathering *gathering = arg;
    struct notifier_event *out = &gathering->events[gathering->count++];
    const size_t len =
        event->session_id.len < UUID_LENGTH ? event->session_id.len : (size_t)UUID_LENGTH;

    out->id = event->id;
    if (len > 0)
        memcpy(out->session_id, event->session_id.data, len);
    out->session_id[len] = '\0';
    return STORE_VISIT_NEXT;
}

static bool read_events(void *arg, int64_t after, struct notifier_event *out, size_t max,
                        size_t *count, struct error *err)
{
    const struct event_source_reading *reading = arg;
    struct gathering gathering = {.events = out};

    if (!sse_buffer_fill(reading->ring, reading->store, after, (int)max, gather, &gathering, err))
        return false;
    *count = gathering.count;
    return true;
}

static void log_failure(void *arg, const struct error *err)
{
    const struct event_source_reading *reading = arg;

    log_event(reading->log, LOG_WARNING, "event_read_failed", err->detail);
}

struct event_source event_source_of(struct event_source_reading *reading)
{
    return (struct event_source){.arg = reading, .read = read_events, .failed = log_failure};
}
