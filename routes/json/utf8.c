#include "routes/json/utf8.h"

#include <stdbool.h>

/* What a lead byte determines: the length of the sequence and the valid range of the second byte.
 * The range excludes overlong forms, surrogates and code points above U+10FFFF. */
struct lead {
    unsigned char length;
    unsigned char low;
    unsigned char high;
};

static struct lead parse_lead_byte(unsigned char byte)
{
    if (byte < 0xc2)
        return (struct lead){0};
    if (byte < 0xe0)
        return (struct lead){2, 0x80, 0xbf};
    if (byte < 0xf0)
        return (struct lead){3, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf};
    if (byte < 0xf5)
        return (struct lead){4, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf};
    return (struct lead){0};
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t json_utf8_length(const char *at, const char *end)
{
    struct lead lead = parse_lead_byte((unsigned char)*at);
    unsigned char second;

    if (lead.length == 0 || (size_t)(end - at) < lead.length)
        return 0;
    second = (unsigned char)at[1];
    if (second < lead.low || second > lead.high)
        return 0;
    for (size_t i = 2; i < lead.length; i++) {
        if (!is_continuation(at[i]))
            return 0;
    }
    return lead.length;
}

uint32_t json_utf8_decode(const char **at, const char *end)
{
    unsigned char first = (unsigned char)*(*at)++;
    size_t rest = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t point = rest == 0 ? first : first & (0x3fU >> rest);

    for (size_t i = 0; i < rest && *at < end; i++)
        point = point << 6 | ((unsigned char)*(*at)++ & 0x3f);
    return point;
}

size_t json_utf8_encode(uint32_t point, char bytes[4])
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    for (size_t i = length - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    bytes[0] = (char)(marks[length] | point);
    return length;
}

/* UTF-8 encodes U+0080 to U+009F as C2 80 to C2 9F. */
bool json_utf8_has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < text.len && (unsigned char)text.data[i + 1] < 0xa0)
            return true;
    }
    return false;
}
