/* The ring of events in words: who reads it gets what the store has, or is told to read the store.
 */

#include "tests/unit/support/store_fixture.h"

#include "routes/events/sse_buffer.h"

#include <criterion/criterion.h>
#include <string.h>

#define RING_BYTES 4096
#define ROOM 65536

static struct store_fixture fixture;
static struct sse_buffer *ring;
static int visited;

static void start(void)
{
    fixture_start(&fixture);
    ring = sse_buffer_new(RING_BYTES);
}

static void stop(void)
{
    sse_buffer_free(ring);
    fixture_release(&fixture);
}

TestSuite(sse_buffer, .init = start, .fini = stop, .timeout = 60);

static enum store_visit count(void *arg, const struct store_event *event)
{
    (void)arg;
    (void)event;
    visited++;
    return STORE_VISIT_NEXT;
}

static int fill(int64_t after)
{
    struct error err;

    visited = 0;
    cr_assert(sse_buffer_fill(ring, fixture.store, after, 256, count, NULL, &err), "%s",
              err.detail);
    return visited;
}

struct copied {
    enum sse_buffer_state state;
    int64_t after;
    int frames;
    size_t large; /* bytes of a frame that was too long */
};

static struct copied copy(struct store_event_query wanted, int64_t after, size_t max)
{
    static char out[ROOM];
    struct buffer large = {0};
    struct copied copied = {.after = after};
    size_t len;

    copied.state = sse_buffer_copy(ring, &wanted, &copied.after, out, max, &len, &large);
    cr_assert_leq(len, max);
    for (size_t i = 0; i + 1 < len; i++)
        copied.frames += out[i] == '\n' && out[i + 1] == '\n';
    if (len > 0) {
        cr_expect(memcmp(out, "id: ", 4) == 0);
        cr_expect(memcmp(out + len - 2, "\n\n", 2) == 0, "whole frames");
    }
    copied.large = large.len;
    buffer_release(&large);
    return copied;
}

static int64_t create(const char *thread)
{
    char id[UUID_SIZE];

    return fixture_create(&fixture, "/p", thread, "{}", id);
}

static const struct store_event_query all = {.limit = 1};

Test(sse_buffer, what_was_filled_is_copied_once)
{
    int64_t last = 0;

    for (int i = 0; i < 5; i++)
        last = create("t");
    cr_expect_eq(fill(0), 5);
    const struct copied copied = copy(all, 0, ROOM);
    cr_expect_eq(copied.state, SSE_BUFFER_DATA);
    cr_expect_eq(copied.frames, 5);
    cr_expect_eq(copied.after, last);
    cr_expect_eq(copy(all, last, ROOM).state, SSE_BUFFER_END);
    create("t");
    cr_expect_eq(fill(last), 1);
    cr_expect_eq(copy(all, last, ROOM).frames, 1);
    cr_expect_eq(copy(all, 0, ROOM).frames, 6);
}

Test(sse_buffer, only_as_much_as_fits_is_taken)
{
    for (int i = 0; i < 4; i++)
        create("t");
    fill(0);
    const struct copied first = copy(all, 0, 500);
    cr_expect(first.frames > 0 && first.frames < 4);
    cr_expect_eq(copy(all, first.after, ROOM).frames, 4 - first.frames);
}

Test(sse_buffer, a_frame_that_is_too_long_comes_alone)
{
    const int64_t first = create("t");

    create("t");
    fill(0);
    const struct copied copied = copy(all, 0, 64);
    cr_expect_eq(copied.state, SSE_BUFFER_DATA);
    cr_expect(copied.frames == 0 && copied.large > 64);
    cr_expect_eq(copied.after, first);
}

Test(sse_buffer, what_is_not_wanted_is_passed_over)
{
    const struct store_event_query mine = {.thread_id = SLICE_LITERAL("mine")};
    const struct store_event_query deleted = {.types = 1U << EVENT_SESSION_DELETED};
    const int64_t first = create("other");

    create("mine");
    const int64_t last = create("other");
    fill(0);
    struct copied copied = copy(mine, first - 1, ROOM);
    cr_expect_eq(copied.frames, 1);
    cr_expect_eq(copied.after, last);
    copied = copy(deleted, first - 1, ROOM);
    cr_expect_eq(copied.state, SSE_BUFFER_END);
    cr_expect_eq(copied.after, last);
}

/* Round after round the oldest make room, across the seam where the bytes begin anew. */
Test(sse_buffer, the_newest_are_kept_and_the_oldest_are_absent)
{
    const int64_t first = create("t");
    int64_t before = first;

    fill(0);
    for (int i = 0; i < 100; i++) {
        const int64_t newest = create("t");
        cr_assert_eq(fill(before), 1);
        const struct copied copied = copy(all, before, ROOM);
        cr_assert_eq(copied.frames, 1, "event %d", i);
        cr_assert_eq(copied.after, newest);
        before = newest;
    }
    cr_expect_eq(copy(all, first, ROOM).state, SSE_BUFFER_ABSENT);
}

Test(sse_buffer, a_gap_makes_a_new_beginning)
{
    const int64_t first = create("t");

    fill(0);
    const int64_t second = create("t");
    create("t");
    cr_expect_eq(fill(second), 1);
    cr_expect_eq(copy(all, first, ROOM).state, SSE_BUFFER_ABSENT);
    cr_expect_eq(copy(all, second, ROOM).frames, 1);
}

Test(sse_buffer, an_event_longer_than_the_ring_is_in_the_store_alone)
{
    char path[4001];
    char id[UUID_SIZE];

    memset(path, 'p', sizeof(path));
    path[0] = '/';
    path[4000] = '\0';
    const int64_t first = create("t");
    const int64_t large = fixture_create(&fixture, path, "t", "{}", id);
    create("t");
    cr_expect_eq(fill(0), 3);
    cr_expect_eq(copy(all, first, ROOM).state, SSE_BUFFER_ABSENT);
    cr_expect_eq(copy(all, large, ROOM).frames, 1);
}
