#include "service/cli/claude/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

bool claude_reader_open(struct claude_reader *reader, const char *path, size_t max_bytes,
                        bool is_whole)
{
    reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    reader->max_bytes = max_bytes;
    reader->is_whole = is_whole;
    reader->line = (struct buffer){0};
    reader->number = 0;
    reader->at = reader->len = 0;
    return reader->fd >= 0;
}

/* Returns the number of unread bytes in the chunk; 0 at the end of the file, -1 on failure. */
static ssize_t fill_chunk(struct claude_reader *reader)
{
    ssize_t count;

    if (reader->at < reader->len)
        return (ssize_t)(reader->len - reader->at);
    do
        count = read(reader->fd, reader->chunk, sizeof(reader->chunk));
    while (count < 0 && errno == EINTR);
    reader->at = 0;
    reader->len = count > 0 ? (size_t)count : 0;
    return count;
}

/* Appends the bytes of the chunk that belong to the line. Returns true when the line ends in this
 * chunk. */
static bool append_chunk(struct claude_reader *reader, bool *too_long)
{
    const char *start = reader->chunk + reader->at;
    const size_t available = reader->len - reader->at;
    const char *end = reader->is_whole ? NULL : memchr(start, '\n', available);
    const size_t len = end == NULL ? available : (size_t)(end - start);

    reader->at += len + (end != NULL);
    /* 4 more bytes: a CR and a byte order mark of 3 bytes */
    *too_long = *too_long || reader->line.len + len > reader->max_bytes + 4;
    if (!*too_long)
        buffer_add(&reader->line, (struct slice){start, len});
    return end != NULL;
}

static void trim_line(struct claude_reader *reader)
{
    struct buffer *line = &reader->line;
    const size_t mark = sizeof(BYTE_ORDER_MARK) - 1;

    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->len--;
    if (reader->number == 1 && line->len >= mark && memcmp(line->data, BYTE_ORDER_MARK, mark) == 0)
        memmove(line->data, line->data + mark, line->len -= mark);
}

enum claude_read claude_reader_next(struct claude_reader *reader)
{
    bool too_long = false;
    bool ended = false;
    ssize_t count;

    reader->line.len = 0;
    if ((count = fill_chunk(reader)) <= 0)
        return count == 0 ? CLAUDE_READ_END : CLAUDE_READ_FAILED;
    reader->number++;
    while (!ended && (count = fill_chunk(reader)) > 0)
        ended = append_chunk(reader, &too_long);
    if (count < 0)
        return CLAUDE_READ_FAILED;
    trim_line(reader);
    too_long = too_long || reader->line.len > reader->max_bytes;
    return too_long ? CLAUDE_READ_TOO_LONG : CLAUDE_READ_LINE;
}

void claude_reader_close(struct claude_reader *reader)
{
    buffer_release(&reader->line);
    if (reader->fd >= 0)
        close(reader->fd);
    reader->fd = -1;
}
