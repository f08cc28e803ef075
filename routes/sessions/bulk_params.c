#include "routes/sessions/bulk_params.h"

#include "routes/http/query_params.h"

#include <stdlib.h>

enum parameter { PARAMETER_LIMIT, PARAMETER_CURSOR, PARAMETER_COUNT };

static const char *const names[PARAMETER_COUNT] = {"limit", "cursor"};

struct params_parser {
    struct query_params reader;
    int limit;
};

static bool on_parameter(void *arg, unsigned which, struct slice value)
{
    struct params_parser *parser = arg;

    return which == PARAMETER_CURSOR ||
           query_limit(&parser->reader, which, value, STORE_BULK_MAX, &parser->limit);
}

/* --- Cursors: `began.seq` or `began.seq.status.path`, the path in hexadecimal digits ---------- */

static void format_position(struct buffer *out, bool has_path,
                            const struct store_bulk_position *position)
{
    buffer_printf(out, "%lld.%lld", (long long)position->began_us, (long long)position->seq);
    if (!has_path)
        return;
    buffer_printf(out, ".%u.", (unsigned)position->status);
    for (size_t i = 0; i < position->path.len; i++)
        buffer_printf(out, "%02x", (unsigned)(unsigned char)position->path.data[i]);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place: the bytes overwrite the first half of the digits. */
static bool decode_hex(char *digits, size_t len, struct slice *out)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        const int high = hex_digit(digits[i]);
        const int low = hex_digit(digits[i + 1]);
        if (high < 0 || low < 0 || (high == 0 && low == 0))
            return false;
        digits[i / 2] = (char)(high * 16 + low);
    }
    *out = (struct slice){digits, len / 2};
    return len % 2 == 0;
}

/* Parses the number at *at and moves *at past it and the dot that must follow unless it is the
 * last. Returns -1 for any other text. */
static int64_t parse_number(struct slice text, size_t *at, bool last)
{
    const size_t begin = *at;
    int64_t number;

    while (*at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9')
        ++*at;
    const struct slice digits = {text.data + begin, *at - begin};
    const bool ends = last ? *at == text.len : *at < text.len && text.data[*at] == '.';
    ++*at;
    return ends && query_number(digits, 0, INT64_MAX, &number) ? number : -1;
}

static bool parse_position(char *data, size_t len, bool has_path, struct store_bulk_position *out)
{
    const struct slice text = {data, len};
    struct slice path = {0};
    size_t at = 0;

    const int64_t began_us = parse_number(text, &at, false);
    const int64_t seq = began_us < 1 ? -1 : parse_number(text, &at, !has_path);
    const int64_t status = seq < 0 || !has_path ? 0 : parse_number(text, &at, false);
    if (seq < 0 || status < 0 || status >= SESSION_STATUS_COUNT)
        return false;
    if (has_path && !decode_hex(data + at, len - at, &path))
        return false;
    *out = (struct store_bulk_position){
        .began_us = began_us, .seq = seq, .status = (enum session_status)status, .path = path};
    return true;
}

void bulk_params_add_cursor(struct buffer *out, bool has_path, const struct store_bulk *bulk)
{
    if (!bulk->more) {
        buffer_add_text(out, ",\"next_cursor\":null");
        return;
    }
    buffer_add_text(out, ",\"next_cursor\":\"");
    format_position(out, has_path, &bulk->next);
    buffer_add_char(out, '"');
}

bool bulk_params_read(struct slice query, bool has_path, struct buffer *text,
                      struct store_bulk *out, struct error *err)
{
    struct params_parser parser = {
        .reader = {.names = names,
                   .count = PARAMETER_COUNT,
                   .known = QUERY_BIT(PARAMETER_COUNT) - 1,
                   .text = text,
                   .err = err},
        .limit = STORE_BULK_MAX,
    };

    if (!query_read(&parser.reader, query, on_parameter, &parser))
        return false;
    out->limit = parser.limit;
    if (!query_has(&parser.reader, PARAMETER_CURSOR))
        return true;
    return parse_position(text->data + parser.reader.ranges[PARAMETER_CURSOR].at,
                          parser.reader.ranges[PARAMETER_CURSOR].len, has_path, &out->place) ||
           query_reject_value(&parser.reader, PARAMETER_CURSOR,
                              "cursor must be a next_cursor of this path");
}
