#include "routes/json/writer.h"

#include "db/base/timestamp.h"
#include "routes/json/string.h"
#include "routes/json/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"

static void add_escape(struct buffer *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    const char numeric[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    const char *letter = c == '"' || c == '\\' ? "" : NULL;

    switch (c) {
    case '\n':
        letter = "n";
        break;
    case '\t':
        letter = "t";
        break;
    case '\r':
        letter = "r";
        break;
    default:
        break;
    }
    if (letter == NULL) {
        buffer_add(out, (struct slice){numeric, sizeof(numeric)});
        return;
    }
    buffer_add_char(out, '\\');
    if (letter[0] == '\0')
        buffer_add_char(out, (char)c);
    else
        buffer_add_text(out, letter);
}

static void add_escaped_text(struct buffer *out, struct slice text)
{
    const char *at = text.data;
    const char *end = text.len == 0 ? at : at + text.len; /* no offset may be added to NULL */

    while (at < end) {
        const char *plain = json_string_plain_end(at, end);
        buffer_add(out, (struct slice){at, (size_t)(plain - at)});
        at = plain;
        if (at == end)
            break;
        const unsigned char c = (unsigned char)*at;
        if (c < 0x80) {
            add_escape(out, c);
            at++;
            continue;
        }
        const size_t len = json_utf8_length(at, end);
        buffer_add(out, len == 0 ? SLICE_LITERAL(REPLACEMENT) : (struct slice){at, len});
        at += len == 0 ? 1 : len;
    }
}

void json_add_string(struct buffer *out, struct slice text)
{
    buffer_add_char(out, '"');
    add_escaped_text(out, text);
    buffer_add_char(out, '"');
}

/* Whether the character needs no percent-encoding in a URI fragment (RFC 3986 §3.5). */
static bool is_fragment_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && c < 0x80 && strchr("-._~!$&'()*+,;=:@/?", c) != NULL);
}

void json_add_pointer(struct buffer *out, struct slice pointer)
{
    static const char hex[] = "0123456789ABCDEF";

    buffer_add_text(out, "\"#");
    for (size_t i = 0; i < pointer.len; i++) {
        const unsigned char c = (unsigned char)pointer.data[i];
        if (is_fragment_char(c)) {
            buffer_add_char(out, (char)c);
            continue;
        }
        const char escape[] = {'%', hex[c >> 4], hex[c & 15]};
        buffer_add(out, (struct slice){escape, sizeof(escape)});
    }
    buffer_add_char(out, '"');
}

void json_add_time(struct buffer *out, int64_t us)
{
    char text[TIMESTAMP_LENGTH + 3];

    text[0] = '"';
    timestamp_format(us, text + 1);
    text[TIMESTAMP_LENGTH + 1] = 'Z';
    text[TIMESTAMP_LENGTH + 2] = '"';
    buffer_add(out, (struct slice){text, sizeof(text)});
}
