#include "routes/search/text_extract.h"

#include "db/store.h"
#include "routes/json/skip.h"
#include "routes/json/string.h"

#include <stdlib.h>

/* Longer runs of letters and digits without a space are data, such as base64. */
#define RUN_MAX_BYTES 128

struct extraction {
    struct buffer out;
    struct buffer value;   /* the last decoded string */
    struct buffer skipped; /* a flag for each open array or object: its strings are left out */
};

static bool ends_with(struct slice name, const char *suffix)
{
    const size_t len = strlen(suffix);

    return name.len >= len && memcmp(name.data + name.len - len, suffix, len) == 0;
}

static bool is_excluded_name(struct slice name)
{
    static const char *const names[] = {"id",          "uuid",      "type",      "subtype",
                                        "role",        "model",     "timestamp", "signature",
                                        "stop_reason", "media_type"};
    static const char *const suffixes[] = {"_id", "Id",    "ID",   "_ids",
                                           "Ids", "_uuid", "Uuid", "_at"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (slice_is(name, names[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (ends_with(name, suffixes[i]))
            return true;
    }
    return false;
}

/* The decoded string, with U+0000 replaced by a newline; valid until the next call. */
static struct slice decode_string(struct extraction *extraction, struct slice raw)
{
    if (memchr(raw.data, '\\', raw.len) == NULL)
        return raw;
    extraction->value.len = 0;
    json_string_decode(raw, &extraction->value);
    for (size_t i = 0; i < extraction->value.len; i++) {
        if (extraction->value.data[i] == '\0')
            extraction->value.data[i] = '\n';
    }
    return buffer_slice(&extraction->value);
}

static bool is_run_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=' || c == '-' || c == '_';
}

static size_t run_length(struct slice text, size_t from)
{
    size_t at = from;

    while (at < text.len && is_run_char(text.data[at]))
        at++;
    return at - from;
}

/* Appends the text except for runs longer than RUN_MAX_BYTES. */
static void add_without_long_runs(struct buffer *out, struct slice text)
{
    size_t copied = 0;

    for (size_t at = 0; at < text.len;) {
        const size_t run = run_length(text, at);
        if (run > RUN_MAX_BYTES) {
            buffer_add(out, (struct slice){text.data + copied, at - copied});
            copied = at + run;
        }
        at += run == 0 ? 1 : run;
    }
    buffer_add(out, (struct slice){text.data + copied, text.len - copied});
}

static void add_value(struct extraction *extraction, struct slice raw)
{
    const struct slice text = decode_string(extraction, raw);
    struct buffer *out = &extraction->out;
    char id[UUID_SIZE];

    if (text.len == 0 || (text.len == UUID_LENGTH && uuid_read(text, id)))
        return;
    const size_t before = out->len;
    if (before > 0)
        buffer_add_char(out, '\n');
    const size_t begin = out->len;
    add_without_long_runs(out, text);
    if (out->len == begin)
        out->len = before;
}

/* Scans the string at `at`, a member name or a value. A name sets the flag of the innermost object
 * for the value that follows. Returns the end of the string, NULL when it is not closed. */
static const char *scan_string(struct extraction *extraction, const char *at, const char *end)
{
    char *skipped = extraction->skipped.data + extraction->skipped.len - 1;
    const char *value_end = json_skip_value(at, end);
    if (value_end == NULL)
        return NULL;
    const struct slice raw = {at + 1, (size_t)(value_end - at) - 2};
    const char *next = json_skip_space(value_end, end);

    if (next < end && *next == ':')
        *skipped = (char)is_excluded_name(decode_string(extraction, raw));
    else if (!*skipped)
        add_value(extraction, raw);
    return value_end;
}

static void extract_strings(struct extraction *extraction, struct slice json)
{
    const char *at = json.data;
    const char *end = json.len == 0 ? at : at + json.len; /* no offset may be added to NULL */
    struct buffer *skipped = &extraction->skipped;

    while (at != NULL && at < end && extraction->out.len <= SEARCH_TEXT_MAX_BYTES) {
        switch (*at) {
        case '"':
            at = scan_string(extraction, at, end);
            continue;
        case '[':
            buffer_add_char(skipped, skipped->data[skipped->len - 1]);
            break;
        case '{':
            buffer_add_char(skipped, 0);
            break;
        case ']':
        case '}':
            skipped->len -= skipped->len > 1; /* corrupt text may have too many closing brackets */
            break;
        default:
            break;
        }
        at++;
    }
}

/* The length of the longest prefix within the limit that does not split a character. */
static size_t truncate_at_character(struct slice text)
{
    size_t len = text.len;

    if (len <= SEARCH_TEXT_MAX_BYTES)
        return len;
    for (len = SEARCH_TEXT_MAX_BYTES; len > 0 && (text.data[len] & 0xc0) == 0x80;)
        len--;
    return len;
}

char *search_text(struct slice json, size_t *len)
{
    struct extraction extraction = {0};

    if (json.len == 0)
        return NULL;
    buffer_add_char(&extraction.skipped, 0);
    extract_strings(&extraction, json);
    buffer_release(&extraction.value);
    buffer_release(&extraction.skipped);
    if (extraction.out.len == 0) {
        buffer_release(&extraction.out);
        return NULL;
    }
    *len = truncate_at_character(buffer_slice(&extraction.out));
    return extraction.out.data;
}
