#include "routes/admin/purge_cursor.h"

#include "db/base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>

#define CURSOR_MAX_BYTES 64

static void format_cursor(const struct store_purge_position *position, char out[CURSOR_MAX_BYTES])
{
    snprintf(out, CURSOR_MAX_BYTES, "%u.%lld.%lld", (unsigned)position->reason,
             (long long)position->place_us, (long long)position->place_seq);
}

/* Formats the parsed position and compares it with the text, so that only the canonical form is
 * accepted: strtoll() alone would also accept signs and white space. */
bool purge_cursor_read(struct slice text, struct store_purge_position *out)
{
    char copy[CURSOR_MAX_BYTES];
    char canonical[CURSOR_MAX_BYTES];
    char *end;

    if (text.len == 0 || text.len >= CURSOR_MAX_BYTES)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    const long long reason = strtoll(copy, &end, 10);
    const long long place_us = *end == '.' ? strtoll(end + 1, &end, 10) : -1;
    const long long place_seq = *end == '.' ? strtoll(end + 1, &end, 10) : -1;
    if (reason < 0 || reason >= STORE_PURGE_REASONS || place_us < 0 || place_us > TIMESTAMP_MAX_US)
        return false;
    const struct store_purge_position position = {
        .reason = (enum store_purge_reason)reason, .place_us = place_us, .place_seq = place_seq};
    format_cursor(&position, canonical);
    if (!slice_is(text, canonical))
        return false;
    *out = position;
    return true;
}

void purge_cursor_add(struct buffer *out, const struct store_purge_position *position)
{
    char text[CURSOR_MAX_BYTES];

    format_cursor(position, text);
    buffer_printf(out, "\"%s\"", text);
}
