#include "routes/events/sse_buffer.h"

#include "routes/events/json.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Typical size of a frame, from which the number of slots is computed. */
#define BYTES_PER_EVENT 256

/* A range of the bytes: offset and length. */
struct text_range {
    uint32_t at;
    uint32_t len;
};

/* The texts are stored one after the other: the frame, then the texts that filters compare. */
struct buffered_event {
    int64_t id;
    enum store_event_type type;
    struct text_range frame;
    struct text_range session_id;
    struct text_range thread_id;
    struct text_range project_path;
    struct text_range from_path; /* of a relocation; else empty */
};

/* Events are counted from 0 since the start; event i is in slot i modulo `capacity`. The buffer has
 * all events with ids above `after_id` and up to `newest_id`. */
struct sse_buffer {
    size_t max_bytes;
    size_t capacity;
    struct buffer record; /* the event that is being added; for the filling thread only */
    pthread_mutex_t lock;
    struct {
        int64_t after_id;
        int64_t newest_id;
        size_t first; /* the oldest event in the buffer */
        size_t next;  /* one past the newest */
        size_t write_offset;
        char *bytes;
        struct buffered_event *events;
    } _shared;
};

struct sse_buffer *sse_buffer_new(size_t max_bytes)
{
    struct sse_buffer *ring = calloc(1, sizeof(*ring));

    if (ring == NULL)
        abort();
    ring->max_bytes = max_bytes;
    ring->capacity = max_bytes / BYTES_PER_EVENT;
    /* These are not initialized: no page is touched before it is used. */
    ring->_shared.bytes = malloc(max_bytes);
    ring->_shared.events = malloc(ring->capacity * sizeof(struct buffered_event));
    if (ring->_shared.bytes == NULL || ring->_shared.events == NULL)
        abort();
    pthread_mutex_init(&ring->lock, NULL);
    return ring;
}

void sse_buffer_free(struct sse_buffer *ring)
{
    if (ring == NULL)
        return;
    pthread_mutex_destroy(&ring->lock);
    buffer_release(&ring->record);
    free(ring->_shared.events);
    free(ring->_shared.bytes);
    free(ring);
}

void sse_buffer_add_frame(struct buffer *out, const struct store_event *event)
{
    buffer_add(out, SLICE_LITERAL("id: "));
    buffer_add_int(out, event->id);
    buffer_add(out, SLICE_LITERAL("\nevent: "));
    buffer_add_text(out, store_event_name(event->type));
    buffer_add(out, SLICE_LITERAL("\ndata: "));
    event_json_add(out, event);
    buffer_add(out, SLICE_LITERAL("\n\n"));
}

/* --- Filling ------------------------------------------------------------------------------- */

static struct buffered_event *event_at_locked(const struct sse_buffer *ring, size_t i)
{
    return &ring->_shared.events[i % ring->capacity];
}

static void evict_oldest_locked(struct sse_buffer *ring)
{
    ring->_shared.after_id = event_at_locked(ring, ring->_shared.first)->id;
    ring->_shared.first++;
}

static void clear_locked(struct sse_buffer *ring, int64_t after)
{
    ring->_shared.after_id = after;
    ring->_shared.newest_id = after;
    ring->_shared.first = ring->_shared.next;
    ring->_shared.write_offset = 0;
}

/* Reserves `len` contiguous bytes, evicting the events that occupy them, and returns their offset.
 */
static size_t reserve_locked(struct sse_buffer *ring, size_t len)
{
    size_t at = ring->_shared.write_offset;

    if (ring->_shared.next - ring->_shared.first == ring->capacity)
        evict_oldest_locked(ring);
    if (at + len > ring->max_bytes) {
        while (ring->_shared.first < ring->_shared.next &&
               event_at_locked(ring, ring->_shared.first)->frame.at >= at)
            evict_oldest_locked(ring);
        at = 0;
    }
    while (ring->_shared.first < ring->_shared.next) {
        const uint32_t oldest = event_at_locked(ring, ring->_shared.first)->frame.at;
        if (oldest < at || oldest >= at + len)
            break;
        evict_oldest_locked(ring);
    }
    ring->_shared.write_offset = at + len;
    return at;
}

static struct text_range add_record_text(struct sse_buffer *ring, struct slice text)
{
    const struct text_range range = {(uint32_t)ring->record.len, (uint32_t)text.len};

    buffer_add(&ring->record, text);
    return range;
}

static struct text_range offset_range(struct text_range range, size_t by)
{
    return (struct text_range){range.at + (uint32_t)by, range.len};
}

static void insert_locked(struct sse_buffer *ring, const struct buffered_event *record)
{
    const size_t at = reserve_locked(ring, ring->record.len);
    struct buffered_event *slot = event_at_locked(ring, ring->_shared.next);

    memcpy(ring->_shared.bytes + at, ring->record.data, ring->record.len);
    *slot = *record;
    slot->frame = offset_range(record->frame, at);
    slot->session_id = offset_range(record->session_id, at);
    slot->thread_id = offset_range(record->thread_id, at);
    slot->project_path = offset_range(record->project_path, at);
    slot->from_path = offset_range(record->from_path, at);
    ring->_shared.next++;
    ring->_shared.newest_id = record->id;
}

static void insert_event(struct sse_buffer *ring, const struct store_event *event)
{
    const bool is_relocation = event->type == EVENT_SESSION_RELOCATED;
    struct buffered_event record = {.id = event->id, .type = event->type};

    ring->record.len = 0;
    sse_buffer_add_frame(&ring->record, event);
    record.frame.len = (uint32_t)ring->record.len;
    record.session_id = add_record_text(ring, event->session_id);
    record.thread_id = add_record_text(ring, event->thread_id);
    record.project_path = add_record_text(ring, event->project_path);
    record.from_path = add_record_text(ring, is_relocation ? event->from : SLICE_LITERAL(""));
    pthread_mutex_lock(&ring->lock);
    /* An event larger than the buffer clears it; the buffer then begins after it. */
    if (ring->record.len > ring->max_bytes)
        clear_locked(ring, event->id);
    else
        insert_locked(ring, &record);
    pthread_mutex_unlock(&ring->lock);
}

struct fill {
    struct sse_buffer *ring;
    store_event_fn visit;
    void *arg;
};

static enum store_visit insert_and_visit(void *arg, const struct store_event *event)
{
    const struct fill *fill = arg;

    insert_event(fill->ring, event);
    return fill->visit(fill->arg, event);
}

bool sse_buffer_fill(struct sse_buffer *ring, struct store *store, int64_t after, int max,
                     store_event_fn visit, void *arg, struct error *err)
{
    const struct store_event_query query = {.after = after, .limit = max, .scan = max};
    struct fill fill = {.ring = ring, .visit = visit, .arg = arg};
    struct store_event_page page;

    pthread_mutex_lock(&ring->lock);
    if (ring->_shared.newest_id != after)
        clear_locked(ring, after);
    pthread_mutex_unlock(&ring->lock);
    if (!store_events(store, &query, insert_and_visit, &fill, &page, err))
        return false;
    return !page.gone || error_set(err, ERROR_INTERNAL, NULL,
                                   "events were removed before those who wait were told of them");
}

/* --- Reading ------------------------------------------------------------------------------- */

static struct slice text_locked(const struct sse_buffer *ring, struct text_range range)
{
    return (struct slice){ring->_shared.bytes + range.at, range.len};
}

static bool matches_text(const struct sse_buffer *ring, struct text_range range,
                         struct slice wanted)
{
    return wanted.data == NULL || slice_equal(text_locked(ring, range), wanted);
}

static bool matches_query_locked(const struct sse_buffer *ring, const struct buffered_event *event,
                                 const struct store_event_query *wanted)
{
    if (wanted->types != 0 && !(wanted->types & 1U << event->type))
        return false;
    return matches_text(ring, event->session_id, wanted->session_id) &&
           matches_text(ring, event->thread_id, wanted->thread_id) &&
           (matches_text(ring, event->project_path, wanted->project_path) ||
            (event->from_path.len > 0 &&
             matches_text(ring, event->from_path, wanted->project_path)));
}

/* The first event in the buffer with an id above `after` (binary search). */
static size_t find_locked(const struct sse_buffer *ring, int64_t after)
{
    size_t low = ring->_shared.first;
    size_t high = ring->_shared.next;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (event_at_locked(ring, middle)->id <= after)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum sse_buffer_state copy_locked(struct sse_buffer *ring,
                                         const struct store_event_query *wanted, int64_t *after,
                                         char *out, size_t max, size_t *len, struct buffer *large)
{
    for (size_t i = find_locked(ring, *after); i < ring->_shared.next; i++) {
        const struct buffered_event *event = event_at_locked(ring, i);
        const struct slice frame = text_locked(ring, event->frame);
        if (!matches_query_locked(ring, event, wanted)) {
            *after = event->id;
            continue;
        }
        if (frame.len > max - *len && *len > 0)
            break;
        *after = event->id;
        if (frame.len > max) {
            buffer_add(large, frame);
            return SSE_BUFFER_DATA;
        }
        memcpy(out + *len, frame.data, frame.len);
        *len += frame.len;
    }
    return *len > 0 ? SSE_BUFFER_DATA : SSE_BUFFER_END;
}

enum sse_buffer_state sse_buffer_copy(struct sse_buffer *ring,
                                      const struct store_event_query *wanted, int64_t *after,
                                      char *out, size_t max, size_t *len, struct buffer *large)
{
    enum sse_buffer_state state = SSE_BUFFER_ABSENT;

    *len = 0;
    pthread_mutex_lock(&ring->lock);
    if (*after >= ring->_shared.newest_id)
        state = SSE_BUFFER_END;
    else if (*after >= ring->_shared.after_id)
        state = copy_locked(ring, wanted, after, out, max, len, large);
    pthread_mutex_unlock(&ring->lock);
    return state;
}
