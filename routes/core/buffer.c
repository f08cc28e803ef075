#include "routes/core/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buffer_reserve(struct buffer *buf, size_t extra)
{
    size_t capacity = buf->capacity < 256 ? 256 : buf->capacity;

    if (buf->capacity - buf->len >= extra)
        return;
    if (extra > SIZE_MAX / 4 - buf->len)
        abort();
    while (capacity - buf->len < extra)
        capacity *= 2;
    buf->data = realloc(buf->data, capacity);
    if (buf->data == NULL)
        abort();
    buf->capacity = capacity;
}

void buffer_add(struct buffer *buf, struct slice text)
{
    if (text.len == 0)
        return;
    buffer_reserve(buf, text.len);
    memcpy(buf->data + buf->len, text.data, text.len);
    buf->len += text.len;
}

void buffer_add_text(struct buffer *buf, const char *text)
{
    buffer_add(buf, slice_from(text));
}

void buffer_add_char(struct buffer *buf, char c)
{
    buffer_reserve(buf, 1);
    buf->data[buf->len++] = c;
}

void buffer_add_int(struct buffer *buf, int64_t number)
{
    char digits[20];
    char *at = digits + sizeof(digits);
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0)
        *--at = '-';
    buffer_add(buf, (struct slice){at, (size_t)(digits + sizeof(digits) - at)});
}

void buffer_printf(struct buffer *buf, const char *format, ...)
{
    va_list args;
    va_list again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        abort();
    buffer_reserve(buf, (size_t)len + 1);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
    va_end(again);
    buf->len += (size_t)len;
}

void buffer_release(struct buffer *buf)
{
    free(buf->data);
    *buf = (struct buffer){0};
}
