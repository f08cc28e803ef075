#include "routes/search/text_extract.h"

#include "db/store.h"
#include "routes/json/skip.h"
#include "routes/json/string.h"

#include <stdlib.h>

/* Beyond it, letters without a space are data. */
#define RUN_MAX 128

struct extraction {
    struct buffer out;
    struct buffer value;    /* a decoded one */
    struct buffer left_out; /* for each array or object that is open: whether its strings are */
};

static bool ends_with(struct slice name, const char *suffix)
{
    const size_t len = strlen(suffix);

    return name.len >= len && memcmp(name.data + name.len - len, suffix, len) == 0;
}

static bool names_no_text(struct slice name)
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

/* What a raw string stands for; it is good until the next one is decoded. */
static struct slice decode(struct extraction *extraction, struct slice raw)
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

static bool is_of_a_run(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=' || c == '-' || c == '_';
}

static size_t run_length(struct slice text, size_t from)
{
    size_t at = from;

    while (at < text.len && is_of_a_run(text.data[at]))
        at++;
    return at - from;
}

/* Adds all but the long runs. */
static void add_readable(struct buffer *out, struct slice text)
{
    size_t taken = 0;

    for (size_t at = 0; at < text.len;) {
        const size_t run = run_length(text, at);
        if (run > RUN_MAX) {
            buffer_add(out, (struct slice){text.data + taken, at - taken});
            taken = at + run;
        }
        at += run == 0 ? 1 : run;
    }
    buffer_add(out, (struct slice){text.data + taken, text.len - taken});
}

static void add_value(struct extraction *extraction, struct slice raw)
{
    const struct slice text = decode(extraction, raw);
    struct buffer *out = &extraction->out;
    char id[UUID_SIZE];

    if (text.len == 0 || (text.len == UUID_LENGTH && uuid_read(text, id)))
        return;
    const size_t before = out->len;
    if (before > 0)
        buffer_add_char(out, '\n');
    const size_t begin = out->len;
    add_readable(out, text);
    if (out->len == begin)
        out->len = before;
}

/* *left_out is of the innermost array or object: a name decides for what follows it. NULL when the
 * string is not closed. */
static const char *take_string(struct extraction *extraction, const char *at, const char *end)
{
    char *left_out = extraction->left_out.data + extraction->left_out.len - 1;
    const char *behind = json_skip_value(at, end);
    if (behind == NULL)
        return NULL;
    const struct slice raw = {at + 1, (size_t)(behind - at) - 2};
    const char *next = json_skip_space(behind, end);

    if (next < end && *next == ':')
        *left_out = (char)names_no_text(decode(extraction, raw));
    else if (!*left_out)
        add_value(extraction, raw);
    return behind;
}

static void walk(struct extraction *extraction, struct slice json)
{
    const char *at = json.data;
    const char *end = json.len == 0 ? at : at + json.len; /* NULL takes no offset */
    struct buffer *left_out = &extraction->left_out;

    while (at != NULL && at < end && extraction->out.len <= SEARCH_TEXT_MAX_BYTES) {
        switch (*at) {
        case '"':
            at = take_string(extraction, at, end);
            continue;
        case '[':
            buffer_add_char(left_out, left_out->data[left_out->len - 1]);
            break;
        case '{':
            buffer_add_char(left_out, 0);
            break;
        case ']':
        case '}':
            left_out->len -= left_out->len > 1; /* corrupt text may close what was not opened */
            break;
        default:
            break;
        }
        at++;
    }
}

/* The longest beginning that fits and ends between two characters. */
static size_t cut(struct slice text)
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
    buffer_add_char(&extraction.left_out, 0);
    walk(&extraction, json);
    buffer_release(&extraction.value);
    buffer_release(&extraction.left_out);
    if (extraction.out.len == 0) {
        buffer_release(&extraction.out);
        return NULL;
    }
    *len = cut(buffer_slice(&extraction.out));
    return extraction.out.data;
}
