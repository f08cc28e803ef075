/* Raw strings: lone surrogates, decoding, order. */
#include "routes/json/string.h"

#include <criterion/criterion.h>

struct decode_case {
    const char *raw;
    const char *text;
    size_t len;
    bool lone;
};

#define DECODES(raw, text, lone)                                                                   \
    {                                                                                              \
        raw, text, sizeof(text) - 1, lone                                                          \
    }

static const struct decode_case decodes[] = {
    DECODES("", "", false),
    DECODES("plain text", "plain text", false),
    DECODES("\xc3\xa5\xf0\x9f\x98\x80", "\xc3\xa5\xf0\x9f\x98\x80", false),
    DECODES("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", false),
    DECODES("a\\nb\\nc", "a\nb\nc", false),
    DECODES("\\u0000", "\0", false),
    DECODES("a\\u0000b", "a\0b", false),
    DECODES("\\u0041\\u007f", "A\x7f", false),
    DECODES("\\u0080\\u07ff", "\xc2\x80\xdf\xbf", false),
    DECODES("\\u0800\\uffff", "\xe0\xa0\x80\xef\xbf\xbf", false),
    DECODES("\\u00e5\\u00E5", "\xc3\xa5\xc3\xa5", false),
    DECODES("\\uABCD\\uabcd\\uef01", "\xea\xaf\x8d\xea\xaf\x8d\xee\xbc\x81", false),
    DECODES("\\ud83d\\ude00", "\xf0\x9f\x98\x80", false),
    DECODES("\\ud800\\udc00\\uDBFF\\uDFFF", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", false),
    DECODES("\\\\ud800", "\\ud800", false),
    DECODES("\\ud7ff\\ue000", "\xed\x9f\xbf\xee\x80\x80", false),
    DECODES("\\ud800", "\xed\xa0\x80", true),
    DECODES("\\udfff", "\xed\xbf\xbf", true),
    DECODES("\\ude00\\ud83d", "\xed\xb8\x80\xed\xa0\xbd", true),
    DECODES("\\ud800\\ud800\\udc00", "\xed\xa0\x80\xf0\x90\x80\x80", true),
    DECODES("\\ud800\\udc00\\udc00", "\xf0\x90\x80\x80\xed\xb0\x80", true),
    DECODES("\\ud83dude00", "\xed\xa0\xbdude00", true),
    DECODES("\\ud83d\\\\ude00", "\xed\xa0\xbd\\ude00", true),
    DECODES("\\ud83d\\u0041",
            "\xed\xa0\xbd"
            "A",
            true),
    DECODES("a\\ud83d \\ude00", "a\xed\xa0\xbd \xed\xb8\x80", true),
    DECODES("\\n\\n\\n\\ud800", "\n\n\n\xed\xa0\x80", true),
};

Test(json_string, decodes)
{
    for (size_t i = 0; i < sizeof(decodes) / sizeof(decodes[0]); i++) {
        const struct decode_case *it = &decodes[i];
        struct buffer out = {0};

        buffer_add_text(&out, "kept ");
        json_string_decode(slice_from(it->raw), &out);
        cr_expect_eq(out.len, 5 + it->len, "%s", it->raw);
        cr_expect_eq(memcmp(out.data, "kept ", 5), 0, "%s", it->raw);
        cr_expect_eq(memcmp(out.data + 5, it->text, out.len - 5), 0, "%s", it->raw);
        buffer_release(&out);
    }
}

Test(json_string, knows_lone_surrogates)
{
    for (size_t i = 0; i < sizeof(decodes) / sizeof(decodes[0]); i++)
        cr_expect_eq(json_string_has_lone_surrogate(slice_from(decodes[i].raw)), decodes[i].lone,
                     "%s", decodes[i].raw);
}

/* Ascending, groups of equal ones side by side. */
static const struct {
    const char *raw;
    int group;
} ordered[] = {
    {"", 0},
    {"\\u0000", 1},
    {"\\u0000a", 2},
    {"\\n", 3},
    {"\\u000a", 3},
    {"\\u000A", 3},
    {"\\\"", 4},
    {"\\u0022", 4},
    {"/", 5},
    {"\\/", 5},
    {"A", 6},
    {"\\u0041", 6},
    {"A\\u0000", 7},
    {"AA", 8},
    {"\\u0041A", 8},
    {"A\\u0041", 8},
    {"\\\\", 9},
    {"\\u005c", 9},
    {"a", 10},
    {"\xc3\xa5", 11},
    {"\\u00e5", 11},
    {"\\u00E5", 11},
    {"\\ud800", 12},
    {"\\uD800", 12},
    {"\\ud800a", 13},
    {"\\udc00", 14},
    {"\xef\xbf\xbd", 15},
    {"\\ufffd", 15},
    {"\xf0\x9f\x98\x80", 16},
    {"\\ud83d\\ude00", 16},
    {"\\uD83D\\uDE00", 16},
};

Test(json_string, compares_what_strings_stand_for)
{
    for (size_t i = 0; i < sizeof(ordered) / sizeof(ordered[0]); i++) {
        for (size_t j = 0; j < sizeof(ordered) / sizeof(ordered[0]); j++) {
            int want = ordered[i].group - ordered[j].group;
            int got = json_string_compare(slice_from(ordered[i].raw), slice_from(ordered[j].raw));

            cr_expect_eq((got > 0) - (got < 0), (want > 0) - (want < 0), "%s, %s", ordered[i].raw,
                         ordered[j].raw);
        }
    }
}

/* Every stop at every distance, so that neither the wide steps nor the last bytes miss one. */
Test(json_string, plain_runs_end_at_the_first_byte_that_needs_a_look)
{
    for (unsigned c = 0; c < 0x100; c++) {
        bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

        for (size_t at = 0; at < 40; at++) {
            char text[40];

            memset(text, 'a', sizeof(text));
            text[at] = (char)c;
            cr_expect_eq(json_string_plain_end(text, text + sizeof(text)) - text,
                         plain ? 40 : (long)at, "0x%02x at %zu", c, at);
            cr_expect_eq(json_string_plain_end(text, text + at) - text, (long)at);
        }
    }
}
