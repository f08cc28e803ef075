#include "tests/unit/support/lenient_head.h"

#include <stdlib.h>
#include <string.h>

static void *keep(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

/* The next line, its end overwritten. NULL: it is not there yet. */
static char *next_line(char **at, const char *end, size_t *len)
{
    char *line = *at;

    for (char *c = line; c < end; c++) {
        const bool crlf = c[0] == '\r' && c + 1 < end && c[1] == '\n';
        if (!crlf && c[0] != '\n')
            continue;
        *len = (size_t)(c - line);
        c[0] = '\0';
        c[crlf] = '\0';
        *at = c + 1 + crlf;
        return line;
    }
    return NULL;
}

static bool read_request_line(char *line, size_t len, struct lenient_head *out)
{
    char *target = memchr(line, ' ', len);
    char *version = line + len - 1;

    if (target == NULL || target == line)
        return false;
    *target++ = '\0';
    while (target < line + len && *target == ' ')
        target++;
    while (version > target && *version == ' ')
        version--;
    while (version > target && *version != ' ')
        version--;
    if (version <= target)
        return false;
    *version++ = '\0';
    if (line + len - version != 8 || memcmp(version, "HTTP/1.", 7) != 0 || version[7] < '0' ||
        version[7] > '9')
        return false;
    out->target = keep(strdup(target));
    out->head.method = slice_from(line);
    out->head.target_at = target;
    out->head.target = slice_from(out->target);
    out->head.version = slice_from(version);
    return true;
}

/* The text of a folded line is added to the *name* of the field, which moves for it. */
static const char *fold(struct lenient_head *out, const char *name, const char *line)
{
    const size_t len = strlen(name);

    line += strspn(line, " \t");
    if (*line == '\0')
        return name;
    char *last = out->folded + out->folded_len;
    char *moved = out->moved != NULL && out->moved == name ? out->moved : last;
    memmove(moved, name, len);
    strcpy(moved + len, line);
    out->folded_len = (size_t)(moved - out->folded) + strlen(moved) + 1;
    out->moved = moved;
    return moved;
}

static bool read_fields(char **at, const char *end, struct lenient_head *out)
{
    const char *name = NULL;
    const char *value = NULL;
    size_t len;

    for (char *line; (line = next_line(at, end, &len)) != NULL;) {
        if (name != NULL && (line[0] == ' ' || line[0] == '\t')) {
            name = fold(out, name, line);
            continue;
        }
        if (name != NULL)
            request_head_add(&out->head, slice_from(name), slice_from(value));
        if (line[0] == '\0')
            return true;
        char *colon = strchr(line, ':');
        if (colon == NULL)
            return false;
        *colon = '\0';
        name = line;
        value = colon + 1 + strspn(colon + 1, " \t");
    }
    return false;
}

bool lenient_head_read(struct slice text, struct lenient_head *out)
{
    size_t len = 0;
    char *line;

    memset(out, 0, sizeof(*out));
    out->bytes = keep(calloc(1, text.len + 1));
    out->folded = keep(calloc(2, text.len + 1));
    memcpy(out->bytes, text.data, text.len);
    char *at = out->bytes;
    const char *end = out->bytes + text.len;
    do {
        line = next_line(&at, end, &len);
    } while (line != NULL && line[0] == '\0');
    if (line == NULL || !read_request_line(line, len, out) || !read_fields(&at, end, out))
        return false;
    out->head.bytes = (struct slice){line, (size_t)(at - line)};
    return true;
}

void lenient_head_release(struct lenient_head *head)
{
    free(head->bytes);
    free(head->target);
    free(head->folded);
}
