/* UTF-8 in strings against a decoder that is slow and plain (RFC 3629). */
#include "routes/json/scan.h"

#include <criterion/criterion.h>

/* The sequence's length if it is the shortest form of a scalar value, else 0. */
static size_t plain_decode(const unsigned char *bytes, size_t len)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t want = bytes[0] < 0x80   ? 1
                  : bytes[0] < 0xc0 ? 0
                  : bytes[0] < 0xe0 ? 2
                  : bytes[0] < 0xf0 ? 3
                  : bytes[0] < 0xf8 ? 4
                                    : 0;
    unsigned long point = want < 2 ? bytes[0] : bytes[0] & (0x7fu >> want);

    if (want == 0 || want > len)
        return 0;
    for (size_t i = 1; i < want; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (bytes[i] & 0x3f);
    }
    if (point < least[want] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0;
    return want;
}

static bool plain_is_string(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t step = plain_decode(bytes + i, len - i);

        if (step == 0 || bytes[i] < 0x20 || bytes[i] == '"' || bytes[i] == '\\')
            return false;
        i += step;
    }
    return true;
}

/* `bytes` stand between quotes. */
static void expect_same(const unsigned char *bytes, size_t len)
{
    char text[16] = "\"";
    struct error err = {0};

    memcpy(text + 1, bytes, len);
    text[len + 1] = '"';
    cr_expect_eq(json_scan((struct slice){text, len + 2}, 1, NULL, &err),
                 plain_is_string(bytes, len), "%02x %02x %02x %02x", bytes[0], bytes[1], bytes[2],
                 bytes[3]);
}

Test(json_utf8, every_pair_of_bytes)
{
    for (unsigned a = 0; a < 0x100; a++) {
        if (a == '\\') /* escapes are another test's */
            continue;
        for (unsigned b = 0; b < 0x100; b++) {
            unsigned char bytes[4] = {(unsigned char)a, (unsigned char)b, 0, 0};

            expect_same(bytes, 2);
        }
    }
}

Test(json_utf8, every_lead_with_the_edges_of_what_may_follow)
{
    static const unsigned char edges[] = {0x22, 0x7f, 0x80, 0x8f, 0x90,
                                          0x9f, 0xa0, 0xbf, 0xc0, 0xff};

    for (unsigned lead = 0x80; lead < 0x100; lead++) {
        for (size_t i = 0; i < sizeof(edges) * sizeof(edges) * sizeof(edges); i++) {
            unsigned char bytes[4] = {(unsigned char)lead, edges[i % 10], edges[i / 10 % 10],
                                      edges[i / 100]};

            expect_same(bytes, 3);
            expect_same(bytes, 4);
        }
    }
}

Test(json_utf8, every_scalar_value_is_accepted)
{
    static char text[0x110000 * 4 + 2] = "\"";
    size_t len = 1;
    struct error err = {0};

    for (unsigned point = 0x80; point < 0x110000; point++) {
        if (point >= 0xd800 && point < 0xe000)
            continue;
        if (point >= 0x10000)
            text[len++] = (char)(0xf0 | point >> 18);
        if (point >= 0x800)
            text[len++] =
                (char)(point >= 0x10000 ? 0x80 | (point >> 12 & 0x3f) : 0xe0 | point >> 12);
        text[len++] = (char)(point >= 0x800 ? 0x80 | (point >> 6 & 0x3f) : 0xc0 | point >> 6);
        text[len++] = (char)(0x80 | (point & 0x3f));
    }
    text[len++] = '"';
    cr_expect(json_scan((struct slice){text, len}, 1, NULL, &err), "%s", err.detail);
}
