#include "routes/events/sse_buffer.h"

#include "routes/events/json.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Room for so many events whose frames have about the usual length. */
#define BYTES_PER_EVENT 256

/* A part of the bytes. */
struct part {
    uint32_t at;
    uint32_t len;
};

/* The texts stand one behind the other: the frame, and what filters ask for. */
struct kept_event {
    int64_t id;
    enum store_event_type type;
    struct part frame;
    struct part session_id;
    struct part thread_id;
    struct part project_path;
    struct part from_path; /* empty: none */
};

/* Event i of those that were ever kept stands in place i modulo `places`. Ids above `begin` and up
 * to `end` are all here. */
struct sse_buffer {
    size_t max_bytes;
    size_t places;
    struct buffer words; /* of the event that is added; the filling thread's own */
    pthread_mutex_t lock;
    struct {
        int64_t begin;
        int64_t end;
        size_t first; /* the oldest that is kept */
        size_t next;  /* behind the newest */
        size_t write_at;
        char *bytes;
        struct kept_event *events;
    } _shared;
};

struct sse_buffer *sse_buffer_new(size_t max_bytes)
{
    struct sse_buffer *ring = calloc(1, sizeof(*ring));

    if (ring == NULL)
        abort();
    ring->max_bytes = max_bytes;
    ring->places = max_bytes / BYTES_PER_EVENT;
    /* None of it is touched before it is needed. */
    ring->_shared.bytes = malloc(max_bytes);
    ring->_shared.events = malloc(ring->places * sizeof(struct kept_event));
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
    buffer_release(&ring->words);
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

static struct kept_event *event_at_locked(const struct sse_buffer *ring, size_t i)
{
    return &ring->_shared.events[i % ring->places];
}

static void drop_first_locked(struct sse_buffer *ring)
{
    ring->_shared.begin = event_at_locked(ring, ring->_shared.first)->id;
    ring->_shared.first++;
}

static void drop_all_locked(struct sse_buffer *ring, int64_t after)
{
    ring->_shared.begin = after;
    ring->_shared.end = after;
    ring->_shared.first = ring->_shared.next;
    ring->_shared.write_at = 0;
}

/* Makes room for so many bytes in one piece. What is dropped is what stands there. */
static size_t make_room_locked(struct sse_buffer *ring, size_t len)
{
    size_t at = ring->_shared.write_at;

    if (ring->_shared.next - ring->_shared.first == ring->places)
        drop_first_locked(ring);
    if (at + len > ring->max_bytes) {
        while (ring->_shared.first < ring->_shared.next &&
               event_at_locked(ring, ring->_shared.first)->frame.at >= at)
            drop_first_locked(ring);
        at = 0;
    }
    while (ring->_shared.first < ring->_shared.next) {
        const uint32_t oldest = event_at_locked(ring, ring->_shared.first)->frame.at;
        if (oldest < at || oldest >= at + len)
            break;
        drop_first_locked(ring);
    }
    ring->_shared.write_at = at + len;
    return at;
}

static struct part add_words(struct sse_buffer *ring, struct slice text)
{
    const struct part part = {(uint32_t)ring->words.len, (uint32_t)text.len};

    buffer_add(&ring->words, text);
    return part;
}

static struct part moved(struct part part, size_t by)
{
    return (struct part){part.at + (uint32_t)by, part.len};
}

static void keep_locked(struct sse_buffer *ring, const struct kept_event *words)
{
    const size_t at = make_room_locked(ring, ring->words.len);
    struct kept_event *kept = event_at_locked(ring, ring->_shared.next);

    memcpy(ring->_shared.bytes + at, ring->words.data, ring->words.len);
    *kept = *words;
    kept->frame = moved(words->frame, at);
    kept->session_id = moved(words->session_id, at);
    kept->thread_id = moved(words->thread_id, at);
    kept->project_path = moved(words->project_path, at);
    kept->from_path = moved(words->from_path, at);
    ring->_shared.next++;
    ring->_shared.end = words->id;
}

static void keep(struct sse_buffer *ring, const struct store_event *event)
{
    const bool moved_away = event->type == EVENT_SESSION_RELOCATED;
    struct kept_event words = {.id = event->id, .type = event->type};

    ring->words.len = 0;
    sse_buffer_add_frame(&ring->words, event);
    words.frame.len = (uint32_t)ring->words.len;
    words.session_id = add_words(ring, event->session_id);
    words.thread_id = add_words(ring, event->thread_id);
    words.project_path = add_words(ring, event->project_path);
    words.from_path = add_words(ring, moved_away ? event->from : SLICE_LITERAL(""));
    pthread_mutex_lock(&ring->lock);
    /* One that never fits makes a new beginning behind it. */
    if (ring->words.len > ring->max_bytes)
        drop_all_locked(ring, event->id);
    else
        keep_locked(ring, &words);
    pthread_mutex_unlock(&ring->lock);
}

struct filling {
    struct sse_buffer *ring;
    store_event_fn visit;
    void *arg;
};

static enum store_visit keep_and_visit(void *arg, const struct store_event *event)
{
    const struct filling *filling = arg;

    keep(filling->ring, event);
    return filling->visit(filling->arg, event);
}

bool sse_buffer_fill(struct sse_buffer *ring, struct store *store, int64_t after, int max,
                     store_event_fn visit, void *arg, struct error *err)
{
    const struct store_event_query query = {.after = after, .limit = max, .scan = max};
    struct filling filling = {.ring = ring, .visit = visit, .arg = arg};
    struct store_event_page page;

    pthread_mutex_lock(&ring->lock);
    if (ring->_shared.end != after)
        drop_all_locked(ring, after);
    pthread_mutex_unlock(&ring->lock);
    if (!store_events(store, &query, keep_and_visit, &filling, &page, err))
        return false;
    return !page.gone || error_set(err, ERROR_INTERNAL, NULL,
                                   "events were removed before those who wait were told of them");
}

/* --- Reading ------------------------------------------------------------------------------- */

static struct slice text_locked(const struct sse_buffer *ring, struct part part)
{
    return (struct slice){ring->_shared.bytes + part.at, part.len};
}

static bool fits(const struct sse_buffer *ring, struct part part, struct slice wanted)
{
    return wanted.data == NULL || slice_equal(text_locked(ring, part), wanted);
}

static bool is_wanted_locked(const struct sse_buffer *ring, const struct kept_event *event,
                             const struct store_event_query *wanted)
{
    if (wanted->types != 0 && !(wanted->types & 1U << event->type))
        return false;
    return fits(ring, event->session_id, wanted->session_id) &&
           fits(ring, event->thread_id, wanted->thread_id) &&
           (fits(ring, event->project_path, wanted->project_path) ||
            (event->from_path.len > 0 && fits(ring, event->from_path, wanted->project_path)));
}

/* The first event with an id above `after`. */
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
        const struct kept_event *event = event_at_locked(ring, i);
        const struct slice frame = text_locked(ring, event->frame);
        if (!is_wanted_locked(ring, event, wanted)) {
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
    if (*after >= ring->_shared.end)
        state = SSE_BUFFER_END;
    else if (*after >= ring->_shared.begin)
        state = copy_locked(ring, wanted, after, out, max, len, large);
    pthread_mutex_unlock(&ring->lock);
    return state;
}
