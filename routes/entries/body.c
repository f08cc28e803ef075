#include "routes/entries/body.h"

#include "routes/json/compact.h"
#include "routes/json/scan.h"
#include "routes/json/skip.h"
#include "routes/json/utf8.h"

#include <stdio.h>
#include <stdlib.h>

struct entries_body {
    struct buffer items; /* an array of struct store_new_entry */
    size_t count;
    struct buffer uuids; /* the decoded uuids of entries whose uuid has escapes */
};

struct batch_parser {
    struct entries_body *entries;
    const struct entries_body_limits *limits;
    size_t line; /* from 1; 0: the body is an array */
    struct error *err;
};

/* Sets the error for the current entry. `member` is a JSON pointer within the entry, or empty. */
static bool reject_entry(struct batch_parser *r, const char *member, const char *why)
{
    char pointer[sizeof(r->err->field)];
    char place[32] = "";

    snprintf(pointer, sizeof(pointer), "/%zu%s", r->entries->count, member);
    if (r->line > 0)
        snprintf(place, sizeof(place), "line %zu: ", r->line);
    return error_set(r->err, ERROR_INVALID_PAYLOAD, pointer, "%s%s", place, why);
}

/* Decodes a uuid with escapes. The buffer is reserved for all uuids of a batch, so that it never
 * moves and the slices stay valid. */
static struct slice decode_uuid(struct batch_parser *r, struct slice raw)
{
    struct buffer *uuids = &r->entries->uuids;
    struct buffer text = {0};

    if (uuids->data == NULL)
        buffer_reserve(uuids, r->limits->max_count * ENTRY_UUID_MAX);
    json_string_decode(raw, &text);
    const struct slice decoded = {uuids->data + uuids->len, text.len};
    if (text.len <= ENTRY_UUID_MAX)
        buffer_add(uuids, buffer_slice(&text));
    buffer_release(&text);
    return decoded;
}

/* Validates a uuid. `raw` is the text between the quotes. */
static bool read_uuid(struct batch_parser *r, struct slice raw, struct slice *out)
{
    const bool escaped = memchr(raw.data, '\\', raw.len) != NULL;

    if (escaped && json_string_has_lone_surrogate(raw))
        return reject_entry(r, "/uuid", "uuid must not contain half of a surrogate pair");
    const struct slice uuid = escaped ? decode_uuid(r, raw) : raw;
    if (uuid.len == 0 || uuid.len > ENTRY_UUID_MAX)
        return reject_entry(r, "/uuid", "uuid must have 1 to 128 bytes of UTF-8");
    if (json_utf8_has_control(uuid))
        return reject_entry(r, "/uuid", "uuid must not contain control characters");
    *out = uuid;
    return true;
}

/* Finds `uuid` among the members of the compact object. */
static bool find_uuid(struct batch_parser *r, struct slice object, struct slice *out)
{
    const struct json_name wanted = json_name_make(SLICE_LITERAL("uuid"), false);
    const char *end = object.data + object.len;
    const char *at = object.data + 1;
    struct json_name name;

    while (json_skip_to_member(&at, end, &name)) {
        const char *value = at;
        at = json_skip_value(at, end);
        if (json_name_equal(&name, &wanted))
            return *value != '"' ||
                   read_uuid(r, (struct slice){value + 1, (size_t)(at - value) - 2}, out);
    }
    return true;
}

static void add_entry(struct entries_body *entries, const struct store_new_entry *entry)
{
    buffer_add(&entries->items, (struct slice){(const char *)entry, sizeof(*entry)});
    entries->count++;
}

/* Adds an entry from a value that json_scan() has accepted, and moves its compacted text to *to. */
static bool read_entry(struct batch_parser *r, const char *at, const char *end, char **to)
{
    struct store_new_entry entry = {.text = {*to, 0}};

    if (*at != '{')
        return reject_entry(r, "", "an entry must be a JSON object");
    if (r->entries->count == r->limits->max_count)
        return error_set(r->err, ERROR_TOO_LARGE, NULL,
                         "the batch has more than %zu entries; send the others in another request",
                         r->limits->max_count);
    *to = json_compact(*to, at, end);
    entry.text.len = (size_t)(*to - entry.text.data);
    if (!find_uuid(r, entry.text, &entry.uuid))
        return false;
    add_entry(r->entries, &entry);
    return true;
}

static bool read_array(struct batch_parser *r, struct buffer *body)
{
    const char *end = body->data + body->len;
    struct json_outline outline;
    char *to = body->data;

    if (!json_scan(buffer_slice(body), r->limits->max_depth, &outline, r->err))
        return false;
    if (outline.type != JSON_ARRAY)
        return error_set(r->err, ERROR_INVALID_PAYLOAD, NULL,
                         "the body must be a JSON array of objects, or one object per line with "
                         "Content-Type application/x-ndjson");
    const char *at = json_skip_space(json_skip_space(body->data, end) + 1, end);
    while (*at != ']') {
        const char *value = at;
        at = json_skip_value(at, end);
        if (!read_entry(r, value, at, &to))
            return false;
        at = json_skip_space(at, end);
        if (*at == ',')
            at = json_skip_space(at + 1, end);
    }
    return true;
}

/* Replaces the line number in the error: the scanner has seen only this line. */
static bool set_line_number(const struct batch_parser *r)
{
    static const char first[] = "line 1,";
    const struct error found = *r->err;

    return error_set(r->err, found.kind, found.field, "line %zu,%s", r->line,
                     found.detail + sizeof(first) - 1);
}

static bool read_line(struct batch_parser *r, const char *at, const char *end, char **to)
{
    r->line++;
    if (json_skip_space(at, end) == end)
        return true;
    if (!json_scan((struct slice){at, (size_t)(end - at)}, r->limits->max_depth, NULL, r->err))
        return set_line_number(r);
    return read_entry(r, json_skip_space(at, end), end, to);
}

static bool read_lines(struct batch_parser *r, struct buffer *body)
{
    const char *at = body->data;
    const char *end = body->data + body->len;
    char *to = body->data;

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline == NULL ? end : newline;
        if (!read_line(r, at, line_end, &to))
            return false;
        at = newline == NULL ? end : newline + 1;
    }
    return true;
}

bool entries_body_new(struct buffer *body, bool by_lines, const struct entries_body_limits *limits,
                      struct entries_body **out, struct error *err)
{
    struct batch_parser r = {.limits = limits, .err = err};

    r.entries = calloc(1, sizeof(*r.entries));
    if (r.entries == NULL)
        abort();
    if (!(by_lines ? read_lines(&r, body) : read_array(&r, body))) {
        entries_body_free(r.entries);
        return false;
    }
    *out = r.entries;
    return true;
}

void entries_body_free(struct entries_body *entries)
{
    if (entries == NULL)
        return;
    buffer_release(&entries->items);
    buffer_release(&entries->uuids);
    free(entries);
}

const struct store_new_entry *entries_body_items(const struct entries_body *entries)
{
    return (const void *)entries->items.data;
}

size_t entries_body_count(const struct entries_body *entries)
{
    return entries->count;
}
