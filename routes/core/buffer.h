/*
 * A growable byte buffer for building text such as JSON and headers.
 *
 * Errors: when memory runs out, the process aborts. The database is crash-safe; a response with a
 * missing member is not. Threads: any, but a buffer is not locked and has one user at a time.
 * Ownership: the declarer of a buffer calls buffer_release(). {0} is an empty buffer.
 */
#ifndef SESSIOND_ROUTES_CORE_BUFFER_H
#define SESSIOND_ROUTES_CORE_BUFFER_H

#include "db/base/slice.h"

#include <stdint.h>

struct buffer {
    char *data;      /* owned; NULL before the first byte is added; not NUL-terminated */
    size_t len;      /* bytes in use */
    size_t capacity; /* bytes allocated */
};

/* Allocates space for `extra` more bytes after len. May move data. */
void buffer_reserve(struct buffer *buf, size_t extra);

/* These append at the end and copy their argument. They may move data, so slices of the buffer are
 * invalid afterwards. buffer_printf() takes the format of printf(3). */
void buffer_add(struct buffer *buf, struct slice text);
void buffer_add_text(struct buffer *buf, const char *text);
void buffer_add_char(struct buffer *buf, char c);
void buffer_add_int(struct buffer *buf, int64_t number);
void buffer_printf(struct buffer *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Frees the bytes and makes the buffer empty. The buffer may be used again. */
void buffer_release(struct buffer *buf);

/* The contents of the buffer, borrowed: valid until the buffer changes. */
static inline struct slice buffer_slice(const struct buffer *buf)
{
    return (struct slice){buf->data, buf->len};
}

#endif
