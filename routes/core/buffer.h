/*
 * A growing byte buffer, for whoever writes text: JSON, logs, SQL-free.
 *
 * Memory: running out of it aborts the process (the database is crash-safe, a
 * response with a missing member is not). Not thread-safe; one owner at a time.
 */
#ifndef SESSIOND_ROUTES_CORE_BUFFER_H
#define SESSIOND_ROUTES_CORE_BUFFER_H

#include "db/base/slice.h"

#include <stdint.h>

struct buffer {
    char *data; /* NULL while empty; never NUL-terminated by itself */
    size_t len;
    size_t capacity;
};

/* Makes room for `extra` more bytes behind len. */
void buffer_reserve(struct buffer *buf, size_t extra);

void buffer_add(struct buffer *buf, struct slice text);
void buffer_add_text(struct buffer *buf, const char *text);
void buffer_add_char(struct buffer *buf, char c);
void buffer_add_int(struct buffer *buf, int64_t number);
void buffer_printf(struct buffer *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Frees the bytes and makes the buffer empty; it may be used again. */
void buffer_release(struct buffer *buf);

static inline struct slice buffer_slice(const struct buffer *buf)
{
    return (struct slice){buf->data, buf->len};
}

#endif
