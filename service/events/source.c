#include "service/events/source.h"

#include <string.h>

/* Events that were read so far. */
struct collected {
    struct notifier_event *events;
    size_t count;
};

static enum store_visit collect_event(void *arg, const struct store_event *event)
{
    struct collected *collected = arg;
    struct notifier_event *out = &collected->events[collected->count++];
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
    const struct event_source_context *context = arg;
    struct collected collected = {.events = out};

    if (!sse_buffer_fill(context->ring, context->store, after, (int)max, collect_event, &collected,
                         err))
        return false;
    *count = collected.count;
    return true;
}

static void log_failure(void *arg, const struct error *err)
{
    const struct event_source_context *context = arg;

    log_event(context->log, LOG_WARNING, "event_read_failed", err->detail);
}

struct event_source event_source_from_store(struct event_source_context *context)
{
    return (struct event_source){.arg = context, .read = read_events, .failed = log_failure};
}
