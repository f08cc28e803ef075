#include "routes/json/string.h"

#include "routes/json/utf8.h"

#include <endian.h>

#define REPLACEMENT 0xfffd
#define UNICODE_ESCAPE_BYTES 6 /* \uXXXX */
#define REPEAT_BYTE(value) (UINT64_MAX / 255 * (value))

static bool is_plain_char(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* Sets bit 7 of each byte that may not be plain. Only the least significant byte with bit 7 set is
 * exact: a borrow can set the bit in more significant bytes by mistake. */
static uint64_t mark_special_bytes(uint64_t word)
{
    uint64_t quote = word ^ REPEAT_BYTE('"');
    uint64_t backslash = word ^ REPEAT_BYTE('\\');
    uint64_t below_space = word - REPEAT_BYTE(0x20);

    quote -= REPEAT_BYTE(1);
    backslash -= REPEAT_BYTE(1);
    return (quote | backslash | below_space | word) & REPEAT_BYTE(0x80);
}

const char *json_string_plain_end(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        uint64_t special;

        memcpy(&word, at, sizeof(word));
        special = mark_special_bytes(le64toh(word));
        if (special != 0)
            return at + __builtin_ctzll(special) / 8;
        at += 8;
    }
    while (at < end && is_plain_char(*at))
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

/* The length of the escape that begins with the backslash at `at`; 0 if it is invalid. */
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
        if (end - at < UNICODE_ESCAPE_BYTES)
            return 0;
        for (size_t i = 2; i < UNICODE_ESCAPE_BYTES; i++) {
            if (hex_digit(at[i]) < 0)
                return 0;
        }
        return UNICODE_ESCAPE_BYTES;
    default:
        return 0;
    }
}

/* Moves *at past multibyte UTF-8 sequences. Returns false at one that is not well-formed. */
static bool skip_multibyte(const char **at, const char *end)
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
        if (!skip_multibyte(at, end))
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

/* Returns the code point of the escape at *at and moves *at past it. A surrogate pair is decoded as
 * a whole, so only a lone surrogate is returned as such. An invalid escape yields U+FFFD, and *at
 * moves past its backslash. */
static uint32_t decode_escape(const char **at, const char *end)
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
        escape_length(*at, end) != UNICODE_ESCAPE_BYTES)
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
        if (is_surrogate(decode_escape(&at, end)))
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
            size_t len = json_utf8_encode(decode_escape(&at, end), bytes);

            buffer_add(out, (struct slice){bytes, len});
        }
    }
}

static uint32_t decode_code_point(const char **at, const char *end)
{
    return **at == '\\' ? decode_escape(at, end) : json_utf8_decode(at, end);
}

static int compare_code_points(struct slice a, struct slice b)
{
    const char *a_end = a.data + a.len;
    const char *b_end = b.data + b.len;

    while (a.data < a_end && b.data < b_end) {
        uint32_t left = decode_code_point(&a.data, a_end);
        uint32_t right = decode_code_point(&b.data, b_end);

        if (left != right)
            return left < right ? -1 : 1;
    }
    return (a.data < a_end) - (b.data < b_end);
}

/* UTF-8 bytes sort like code points, so strings without escapes are compared bytewise. */
int json_string_compare(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order;

    if (memchr(a.data, '\\', a.len) != NULL || memchr(b.data, '\\', b.len) != NULL)
        return compare_code_points(a, b);
    order = memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}
