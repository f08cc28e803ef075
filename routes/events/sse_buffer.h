/*
 * A ring buffer of the newest events, serialized as SSE frames for all streams: each event is read
 * and serialized once, however many clients receive it.
 *
 * Threads: one thread calls sse_buffer_fill(), any thread calls sse_buffer_copy(); a mutex protects
 * the buffer. When memory runs out, the process aborts.
 */
#ifndef SESSIOND_ROUTES_EVENTS_SSE_BUFFER_H
#define SESSIOND_ROUTES_EVENTS_SSE_BUFFER_H

#include "db/store.h"
#include "routes/core/buffer.h"

struct sse_buffer;

/* Creates a buffer for `max_bytes` of frames; when it is full, the oldest events are evicted. The
 * caller frees it. */
struct sse_buffer *sse_buffer_new(size_t max_bytes);
void sse_buffer_free(struct sse_buffer *ring); /* does nothing when `ring` is NULL */

/* Reads up to `max` events after `after` from the store, adds them to the buffer and calls `visit`
 * for each. Clears the buffer first unless its newest event is `after`. Returns false when the
 * store cannot be read, or when events after `after` have expired (ERROR_INTERNAL). */
MUST_USE bool sse_buffer_fill(struct sse_buffer *ring, struct store *store, int64_t after, int max,
                              store_event_fn visit, void *arg, struct error *err);

enum sse_buffer_state {
    SSE_BUFFER_DATA,  /* at least one frame was copied */
    SSE_BUFFER_END,   /* there is no event after *after yet */
    SSE_BUFFER_ABSENT /* the events after *after are not in the buffer: read the store */
};

/* Copies frames of events after *after that match `wanted` to `out`, as many as fit into `max`
 * bytes. Sets *len to the bytes copied, and *after to the last event that was copied or does not
 * match. A frame longer than `max` is appended to `large` instead. */
enum sse_buffer_state sse_buffer_copy(struct sse_buffer *ring,
                                      const struct store_event_query *wanted, int64_t *after,
                                      char *out, size_t max, size_t *len, struct buffer *large);

/* Appends an event as an SSE frame: its id, its type, and the object of event_json_add() as data.
 */
void sse_buffer_add_frame(struct buffer *out, const struct store_event *event);

#endif
