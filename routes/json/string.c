#include "routes/json/string.h"

#include "routes/json/utf8.h"

#include <endian.h>

#define REPLACEMENT 0xfffd
#define UNIT_ESCAPE 6 /* bytes of \uXXXX */
#define EACH_BYTE(value) (UINT64_MAX / 255 * (value))

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* Bit 7 of a byte is set where the byte may be other than plain; of the bytes with it set, the one
 * lowest in value is exact: a borrow can only spoil those above it. */
static uint64_t stops_in(uint64_t word)
{
    uint64_t quote = word ^ EACH_BYTE('"');
    uint64_t backslash = word ^ EACH_BYTE('\\');
    uint64_t below_space = word - EACH_BYTE(0x20);

    quote -= EACH_BYTE(1);
    backslash -= EACH_BYTE(1);
    return (quote | backslash | below_space | word) & EACH_BYTE(0x80);
}

const char *json_string_plain_end(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        uint64_t stops;

        memcpy(&word, at, sizeof(word));
        stops = stops_in(le64toh(word));
        if (stops != 0)
            return at + __builtin_ctzll(stops) / 8;
        at += 8;
    }
    while (at < end && is_plain(*at))
        at++;
    return at;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The escape at `at`, a backslash: its length, or 0 if it is none. */
static size_t escape_length(const char *at, const char *end)
{
    if (end - at < 2)
        return 0;
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return 2;
    case 'u':
        if (end - at < UNIT_ESCAPE)
            return 0;
        for (size_t i = 2; i < UNIT_ESCAPE; i++) {
            if (hex_digit(at[i]) < 0)
                return 0;
        }
        return UNIT_ESCAPE;
    default:
        return 0;
    }
}

/* Moves *at behind the longer UTF-8 sequences there; false at one that is not well-formed. */
static bool skip_sequences(const char **at, const char *end)
{
    while (*at < end && (unsigned char)**at >= 0x80) {
        size_t len = json_utf8_length(*at, end);

        if (len == 0)
            return false;
        *at += len;
    }
    return true;
}

enum json_string_error json_string_check(const char **at, const char *end, bool *escaped)
{
    const char *opening = *at - 1;

    *escaped = false;
    for (;;) {
        size_t len;

        *at = json_string_plain_end(*at, end);
        if (!skip_sequences(at, end))
            return JSON_STRING_UTF8;
        if (*at == end) {
            *at = opening;
            return JSON_STRING_UNCLOSED;
        }
        if (**at == '"')
            return JSON_STRING_VALID;
        if ((unsigned char)**at < 0x20)
            return JSON_STRING_CONTROL;
        if (**at != '\\')
            continue;
        len = escape_length(*at, end);
        if (len == 0)
            return JSON_STRING_ESCAPE;
        *escaped = true;
        *at += len;
    }
}

static bool is_surrogate(uint32_t unit)
{
    return unit >= 0xd800 && unit < 0xe000;
}

static uint32_t hex_unit(const char *digits)
{
    uint32_t unit = 0;

    for (size_t i = 0; i < 4; i++)
        unit = unit << 4 | (uint32_t)hex_digit(digits[i]);
    return unit;
}

/* The code point of the escape at *at, which moves behind it: behind both halves of a surrogate
 * pair, so that a surrogate comes back only where it is alone. A backslash that begins no escape
 * is U+FFFD. */
static uint32_t take_escape(const char **at, const char *end)
{
    static const char letters[] = "bfnrt";
    static const char controls[] = "\b\f\n\r\t";
    const char *letter;
    uint32_t high;
    uint32_t low;

    if (escape_length(*at, end) == 0) {
        ++*at;
        return REPLACEMENT;
    }
    letter = strchr(letters, (*at)[1]);
    *at += 2;
    if (letter != NULL)
        return (unsigned char)controls[letter - letters];
    if ((*at)[-1] != 'u')
        return (unsigned char)(*at)[-1];
    high = hex_unit(*at);
    *at += 4;
    if (high < 0xd800 || high >= 0xdc00 || *at == end || (*at)[0] != '\\' ||
        escape_length(*at, end) != UNIT_ESCAPE)
        return high;
    low = hex_unit(*at + 2);
    if (low < 0xdc00 || low >= 0xe000)
        return high;
    *at += 6;
    return 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
}

bool json_string_has_lone_surrogate(struct slice raw)
{
    const char *end = raw.data + raw.len;
    const char *at = raw.data;

    while (at < end && (at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
        if (is_surrogate(take_escape(&at, end)))
            return true;
    }
    return false;
}

void json_string_decode(struct slice raw, struct buffer *out)
{
    const char *end = raw.data + raw.len;

    for (const char *at = raw.data; at < end;) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        const char *plain_end = escape == NULL ? end : escape;
        char bytes[4];

        buffer_add(out, (struct slice){at, (size_t)(plain_end - at)});
        at = plain_end;
        if (escape != NULL) {
            size_t len = json_utf8_put(take_escape(&at, end), bytes);

            buffer_add(out, (struct slice){bytes, len});
        }
    }
}

static uint32_t take_point(const char **at, const char *end)
{
    return **at == '\\' ? take_escape(at, end) : json_utf8_take(at, end);
}

static int compare_points(struct slice a, struct slice b)
{
    const char *a_end = a.data + a.len;
    const char *b_end = b.data + b.len;

    while (a.data < a_end && b.data < b_end) {
        uint32_t left = take_point(&a.data, a_end);
        uint32_t right = take_point(&b.data, b_end);

        if (left != right)
            return left < right ? -1 : 1;
    }
    return (a.data < a_end) - (b.data < b_end);
}

/* The order of UTF-8's bytes is that of the code points, so without escapes the bytes will do. */
int json_string_compare(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order;

    if (memchr(a.data, '\\', a.len) != NULL || memchr(b.data, '\\', b.len) != NULL)
        return compare_points(a, b);
    order = memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}
