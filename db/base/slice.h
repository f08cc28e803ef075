/*
 * Borrowed bytes, passed by value. A slice never owns the bytes and is not NUL-terminated. The
 * function that returns a slice documents how long it stays valid. Pure; any thread.
 */
#ifndef SESSIOND_DB_BASE_SLICE_H
#define SESSIOND_DB_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *data;
    size_t len;
};

/* Only for string literals: the length is a compile-time constant. */
#define SLICE_LITERAL(text) ((struct slice){(text), sizeof(text) - 1})

/* The bytes of a NUL-terminated string; NULL gives the empty slice with data NULL. */
static inline struct slice slice_from(const char *text)
{
    return (struct slice){text, text == NULL ? 0 : strlen(text)};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_from(text));
}

#endif
