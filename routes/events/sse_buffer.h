/*
 * The newest events in words, as frames of an event stream, for all who follow: each event is read
 * and put into words once, however many take it. One thread fills, any thread reads.
 */
#ifndef SESSIOND_ROUTES_EVENTS_SSE_BUFFER_H
#define SESSIOND_ROUTES_EVENTS_SSE_BUFFER_H

#include "db/store.h"
#include "routes/core/buffer.h"

struct sse_buffer;

/* What does not fit into `max_bytes` any more makes room, the oldest first. */
struct sse_buffer *sse_buffer_new(size_t max_bytes);
void sse_buffer_free(struct sse_buffer *ring);

/* Reads up to `max` events behind `after` from the store and keeps them; each is shown to `visit`,
 * too. What the ring held is dropped unless it ends at `after`. */
MUST_USE bool sse_buffer_fill(struct sse_buffer *ring, struct store *store, int64_t after, int max,
                              store_event_fn visit, void *arg, struct error *err);

enum sse_buffer_state {
    SSE_BUFFER_DATA,  /* something was copied */
    SSE_BUFFER_END,   /* there is nothing behind `after` yet */
    SSE_BUFFER_ABSENT /* what comes behind `after` is not here: it is in the store */
};

/* Copies frames of wanted events behind *after, as many as fit into `max` bytes, and moves *after
 * to the last that was copied or is not wanted. One that alone is longer goes to `large`, and
 * counts as copied. */
enum sse_buffer_state sse_buffer_copy(struct sse_buffer *ring,
                                      const struct store_event_query *wanted, int64_t *after,
                                      char *out, size_t max, size_t *len, struct buffer *large);

/* Adds an event as a frame: its id, its type, and the object of event_json_add in one line. */
void sse_buffer_add_frame(struct buffer *out, const struct store_event *event);

#endif
