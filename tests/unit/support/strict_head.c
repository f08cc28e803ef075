#include "tests/unit/support/strict_head.h"

#include <stdlib.h>
#include <string.h>

static void *keep(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t';
}

/* The next line without its CR LF. False: it is not there, or has a CR, LF or NUL in it. */
static bool next_line(char **at, const char *end, struct slice *line)
{
    char *start = *at;

    for (char *c = start; c + 1 < end; c++) {
        if (c[0] == '\r' && c[1] == '\n') {
            *line = (struct slice){start, (size_t)(c - start)};
            *at = c + 2;
            return true;
        }
        if (c[0] == '\r' || c[0] == '\n' || c[0] == '\0')
            return false;
    }
    return false;
}

/* One space on each side of the target, and a version of the form HTTP/1.d. */
static bool read_request_line(char *line, size_t len, struct strict_head *out)
{
    char *target = memchr(line, ' ', len);
    char *version =
        target == NULL ? NULL : memchr(target + 1, ' ', len - (size_t)(target + 1 - line));

    if (version == NULL || target == line || line + len - version != 9 ||
        memcmp(version + 1, "HTTP/1.", 7) != 0 || version[8] < '0' || version[8] > '9')
        return false;
    *target++ = '\0';
    *version++ = '\0';
    line[len] = '\0';
    out->target = keep(strdup(target));
    out->head.method = slice_from(line);
    out->head.target_at = target;
    out->head.target = slice_from(out->target);
    out->head.version = slice_from(version);
    return true;
}

static bool read_field(char *line, size_t len, struct request_head *head)
{
    char *colon = memchr(line, ':', len);
    char *end = line + len;

    if (colon == NULL || colon == line)
        return false;
    for (char *c = line; c < colon; c++) {
        if (is_white(*c))
            return false;
    }
    char *value = colon + 1;
    while (value < end && is_white(*value))
        value++;
    while (end > value && is_white(end[-1]))
        end--;
    *colon = '\0';
    *end = '\0';
    request_head_add(head, (struct slice){line, (size_t)(colon - line)},
                     (struct slice){value, (size_t)(end - value)});
    return true;
}

bool strict_head_read(struct slice text, struct strict_head *out)
{
    struct slice line;

    memset(out, 0, sizeof(*out));
    out->head.keeps_lf = true;
    out->bytes = keep(calloc(1, text.len + 1));
    memcpy(out->bytes, text.data, text.len);
    char *at = out->bytes;
    const char *end = out->bytes + text.len;
    if (!next_line(&at, end, &line) || (line.len == 0 && !next_line(&at, end, &line)))
        return false;
    char *start = out->bytes + (line.data - out->bytes);
    if (!read_request_line(start, line.len, out))
        return false;
    while (next_line(&at, end, &line)) {
        if (line.len == 0) {
            out->head.bytes = (struct slice){start, (size_t)(at - start)};
            return true;
        }
        if (!read_field(out->bytes + (line.data - out->bytes), line.len, &out->head))
            return false;
    }
    return false;
}

void strict_head_release(struct strict_head *head)
{
    free(head->bytes);
    free(head->target);
}
