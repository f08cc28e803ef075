#include "service/cli/claude/batch.h"

#define BATCH_LINES 200
#define BATCH_BYTES (256 << 10)

struct batch_item {
    size_t start; /* offset in the text */
    size_t end;   /* offset of the LF that follows */
    int64_t number;
};

static const struct batch_item *get_items(const struct claude_batch *batch)
{
    return (const void *)batch->items.data;
}

static size_t count_items(const struct claude_batch *batch)
{
    return batch->items.len / sizeof(struct batch_item);
}

/* Appends `count` lines, starting with line `first`. Sets *done to the number of lines that need no
 * retry. */
static bool send_part(struct claude_batch *batch, size_t first, size_t count, size_t *done,
                      struct error *err)
{
    const struct batch_item *item = get_items(batch) + first;
    const size_t end = item[count - 1].end;
    const struct slice lines = {batch->text.data + item->start, end - item->start};

    *done = 0;
    switch (claude_stream_append(batch->stream, lines, err)) {
    case CLAUDE_DONE:
        batch->report->appended += (int64_t)count;
        *done = count;
        return true;
    case CLAUDE_REFUSED:
        if (count == 1) {
            claude_report_skip(batch->report, batch->path, item->number, err->detail);
            *done = 1;
        }
        return true;
    case CLAUDE_STOPPED:
        claude_report_stop(batch->report, batch->path, item->number, err->detail);
        batch->is_stopped = true;
        return true;
    case CLAUDE_FAILED:
        break;
    }
    return false;
}

/* The service rejects a batch because of a single line. Bisection finds that line. */
bool claude_batch_send(struct claude_batch *batch, struct error *err)
{
    const size_t count = count_items(batch);
    size_t first = 0;
    size_t size = count;
    size_t done;
    bool ok = true;

    while (ok && !batch->is_stopped && first < count) {
        ok = send_part(batch, first, size, &done, err);
        first += done;
        size = done > 0 ? count - first : (size + 1) / 2;
    }
    batch->text.len = 0;
    batch->items.len = 0;
    return ok;
}

bool claude_batch_add(struct claude_batch *batch, struct slice line, int64_t number,
                      struct error *err)
{
    if (count_items(batch) > 0 && batch->text.len + line.len > BATCH_BYTES &&
        !claude_batch_send(batch, err))
        return false;
    if (batch->is_stopped)
        return true;
    const size_t start = batch->text.len;
    const struct batch_item item = {start, start + line.len, number};
    buffer_add(&batch->text, line);
    buffer_add_char(&batch->text, '\n');
    buffer_add(&batch->items, (struct slice){(const char *)&item, sizeof(item)});
    return count_items(batch) < BATCH_LINES || claude_batch_send(batch, err);
}

void claude_batch_release(struct claude_batch *batch)
{
    buffer_release(&batch->text);
    buffer_release(&batch->items);
}
