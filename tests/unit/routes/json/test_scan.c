/* The scanner's outline, its words, its limits, and what a table cannot hold. */
#include "routes/core/buffer.h"
#include "routes/json/scan.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_DEPTH 512

static bool accepts(struct slice text)
{
    struct error err = {0};

    return json_scan(text, MAX_DEPTH, NULL, &err);
}

static void expect_detail(const char *text, const char *detail)
{
    struct error err = {0};

    cr_expect(!json_scan(slice_from(text), MAX_DEPTH, NULL, &err), "%s", text);
    cr_expect_str_eq(err.detail, detail);
    cr_expect_str_eq(err.field, "");
}

static void add_times(struct buffer *buf, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buffer_add_text(buf, text);
}

Test(json_scan, details_tell_a_person_what_to_change)
{
    expect_detail("", "line 1, column 1: the text ends where a value is expected");
    expect_detail("[1,\n 2,\n ]",
                  "line 3, column 2: found ']' where a value (object, array, string in double "
                  "quotes, number, true, false or null) is expected");
    expect_detail("{\"a\": nul}", "line 1, column 7: a word is not true, false or null");
    expect_detail("{\"a\": \"b}", "line 1, column 7: a string is not closed");
    expect_detail("{'a': 1}",
                  "line 1, column 2: found ''' where a member name in double quotes is expected");
    expect_detail("{\"a\" 1}", "line 1, column 6: found '1' where ':' is expected");
    expect_detail("{\"a\":1", "line 1, column 7: the text ends where ',' or '}' is expected");
    expect_detail("[1\r\n2]", "line 2, column 1: found '2' where ',' or ']' is expected");
    expect_detail("{} x", "line 1, column 4: found 'x' where the end of the document is expected");
    expect_detail("[012]", "line 1, column 3: a number has a leading zero");
    expect_detail("[1.]", "line 1, column 4: found ']' where a digit of a number is expected");
    expect_detail("\"\\x\"",
                  "line 1, column 2: a backslash does not begin one of the escapes \\\" \\\\ \\/ "
                  "\\b \\f \\n \\r \\t \\uXXXX");
    expect_detail("\"\\u12\"",
                  "line 1, column 2: a backslash does not begin one of the escapes \\\" \\\\ "
                  "\\/ \\b \\f \\n \\r \\t \\uXXXX");
    expect_detail("\"a\nb\"", "line 1, column 3: a string has the unescaped control character "
                              "0x0A; write \\u000A");
    expect_detail("[\xff]",
                  "line 1, column 2: found the byte 0xFF where a value (object, array, string in "
                  "double quotes, number, true, false or null) is expected");
    expect_detail("\"\xc0\xaf\"", "line 1, column 2: invalid UTF-8 at the byte 0xC0");
    expect_detail("\xef\xbb\xbf{}",
                  "line 1, column 1: a byte order mark precedes the value; remove it");
    expect_detail("{\n  \"a\": 1,\n  \"a\": 2\n}",
                  "line 3, column 3: the member \"a\" is repeated in an object");
}

Test(json_scan, details_show_names_in_printable_ascii_and_not_at_any_length)
{
    expect_detail("{\"\\u0061\\n\":1,\"a\\u000a\":2}",
                  "line 1, column 15: the member \"a\\u000a\" is repeated in an object");
    expect_detail("{\"\xc3\xa5\x7f\":1,\"\xc3\xa5\x7f\":2}",
                  "line 1, column 10: the member \"???\" is repeated in an object");
    expect_detail("{\"0123456789012345678901234567890123456789x\":1,"
                  "\"0123456789012345678901234567890123456789x\":2}",
                  "line 1, column 48: the member \"0123456789012345678901234567890123456789\"... "
                  "is repeated in an object");
}

/* Of several duplicates the first is named, whether the object is narrow or wide. */
Test(json_scan, the_first_repeated_name_is_the_one_named)
{
    static const size_t widths[] = {3, 20, 2000};

    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        struct buffer text = {0};
        struct error err = {0};

        buffer_add_text(&text, "{");
        for (size_t j = 0; j < widths[i]; j++)
            buffer_printf(&text, "\"name %zu\":%zu,\n", j, j);
        buffer_printf(&text, "\"name 1\":1,\n\"name 2\":2,\"name 0\":0}");
        cr_expect(!json_scan(buffer_slice(&text), 1, NULL, &err));
        buffer_release(&text);
        buffer_printf(&text, "line %zu, column 1: the member \"name 1\" is repeated in an object",
                      widths[i] + 1);
        cr_expect(slice_is(buffer_slice(&text), err.detail), "%s", err.detail);
        buffer_release(&text);
    }
}

Test(json_scan, outline_gives_the_members_of_the_top_level_object)
{
    struct slice text =
        SLICE_LITERAL(" { \"a\" : [1, {\"x\":2}] ,\"\\u0062\":\"}\", \"c\":-1.50e1 ,\n"
                      "\"d\":{ \"e\":{}},\"t\":true,\"f\":false,\"n\":null } ");
    static const struct {
        const char *name;
        const char *value;
        enum json_kind type;
    } members[] = {
        {"a", "[1, {\"x\":2}]", JSON_ARRAY},
        {"\\u0062", "\"}\"", JSON_STRING},
        {"c", "-1.50e1", JSON_NUMBER},
        {"d", "{ \"e\":{}}", JSON_OBJECT},
        {"t", "true", JSON_TRUE},
        {"f", "false", JSON_FALSE},
        {"n", "null", JSON_NULL},
    };
    struct json_outline outline;
    struct error err = {0};

    cr_assert(json_scan(text, MAX_DEPTH, &outline, &err), "%s", err.detail);
    cr_expect_eq(outline.type, JSON_OBJECT);
    cr_assert_eq(outline.member_count, sizeof(members) / sizeof(members[0]));
    for (size_t i = 0; i < outline.member_count; i++) {
        cr_expect(slice_is(outline.members[i].name, members[i].name), "%s", members[i].name);
        cr_expect(slice_is(outline.members[i].value, members[i].value), "%s", members[i].name);
        cr_expect_eq(outline.members[i].type, members[i].type, "%s", members[i].name);
        cr_expect(outline.members[i].value.data > text.data &&
                  outline.members[i].value.data < text.data + text.len);
    }
}

Test(json_scan, outline_counts_the_members_that_it_does_not_hold)
{
    struct slice text =
        SLICE_LITERAL("{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,"
                      "\"9\":{\"a\":1},\"10\":[{\"b\":2}]}");
    struct json_outline outline;
    struct error err = {0};

    cr_assert(json_scan(text, MAX_DEPTH, &outline, &err));
    cr_expect_eq(outline.member_count, 10);
    cr_expect(slice_is(outline.members[7].name, "8"));
    cr_expect(slice_is(outline.members[7].value, "8"));
}

Test(json_scan, outline_of_anything_but_an_object_has_no_members)
{
    struct json_outline outline = {.member_count = 77};
    struct error err = {0};

    cr_assert(json_scan(slice_from("[{\"a\":1}]"), MAX_DEPTH, &outline, &err));
    cr_expect(outline.type == JSON_ARRAY && outline.member_count == 0);
    cr_assert(json_scan(slice_from("1"), MAX_DEPTH, &outline, &err));
    cr_expect(outline.type == JSON_NUMBER && outline.member_count == 0);
    cr_assert(json_scan(slice_from("{}"), MAX_DEPTH, &outline, &err));
    cr_expect(outline.type == JSON_OBJECT && outline.member_count == 0);
}

Test(json_scan, every_truncation_is_refused)
{
    struct slice text = SLICE_LITERAL(
        "{\"role\":\"user\",\"n\":[-0,1.5e+10,100000000000000000000,true,false,null],\"esc\":"
        "\"\\\"\\\\"
        "\\/"
        "\\b\\f\\n\\r\\t\\u00e5\\ud83d\\ude00\",\"\xe6\x97\xa5\xf0\x9f\x98\x80\xc3\xa5\":{\"a\":{},"
        "\"b\":[ ],\r\n\t\"c\" : [[{\"d\":\"\"}]] } }");

    cr_assert(accepts(text));
    for (size_t len = 0; len < text.len; len++) {
        char *cut = malloc(len + 1); /* on the heap, so that AddressSanitizer sees a read too far */

        cr_assert_not_null(cut);
        memcpy(cut, text.data, len);
        cr_expect(!accepts((struct slice){cut + (len == 0), len}) || len == 0, "%zu", len);
        free(cut);
    }
}

Test(json_scan, strings_and_names_hold_every_ascii_character_but_the_control_ones)
{
    for (int c = 0; c < 0x80; c++) {
        bool plain = c >= 0x20 && c != '"' && c != '\\';

        for (size_t before = 0; before < 20; before++) {
            char text[64];
            int len = snprintf(text, sizeof(text), "{\"%.*s%c.\":\"%.*s%c.\"}", (int)before,
                               "abcdefghijklmnopqrst", plain ? c : ' ', (int)before,
                               "abcdefghijklmnopqrst", c);

            cr_expect_eq(accepts((struct slice){text, (size_t)len}), plain, "value, 0x%02x", c);
            len = snprintf(text, sizeof(text), "{\"%.*s%c\":0}", (int)before,
                           "abcdefghijklmnopqrst", c);
            cr_expect_eq(accepts((struct slice){text, (size_t)len}), plain, "name, 0x%02x", c);
        }
    }
}

Test(json_scan, escapes_are_the_nine_of_the_standard)
{
    for (int c = 0; c < 0x100; c++) {
        char text[] = {'"', '\\', (char)c, '0', '0', 'e', 'F', '"'};

        cr_expect_eq(accepts((struct slice){text, sizeof(text)}),
                     c != 0 && strchr("\"\\/bfnrtu", c) != NULL, "0x%02x", c);
    }
}

Test(json_scan, every_byte_alone_is_refused_but_the_digits)
{
    for (int c = 0; c < 0x100; c++) {
        char text = (char)c;

        cr_expect_eq(accepts((struct slice){&text, 1}), c >= '0' && c <= '9', "0x%02x", c);
    }
}

Test(json_scan, depth_is_counted_exactly)
{
    for (size_t depth = 0; depth < 6; depth++) {
        struct error err = {0};

        cr_expect_eq(json_scan(slice_from("1"), depth, NULL, &err), true);
        cr_expect_eq(json_scan(slice_from("[]"), depth, NULL, &err), depth >= 1);
        cr_expect_eq(json_scan(slice_from("[[],[],{}]"), depth, NULL, &err), depth >= 2);
        cr_expect_eq(json_scan(slice_from("{\"a\":[{\"b\":[]}],\"c\":1}"), depth, NULL, &err),
                     depth >= 4);
    }
}

Test(json_scan, depth_at_the_limit_and_one_over)
{
    for (size_t depth = MAX_DEPTH; depth <= MAX_DEPTH + 1; depth++) {
        struct buffer text = {0};
        struct error err = {0};

        add_times(&text, "[", depth);
        add_times(&text, "]", depth);
        cr_expect_eq(json_scan(buffer_slice(&text), MAX_DEPTH, NULL, &err), depth == MAX_DEPTH);
        buffer_release(&text);
        add_times(&text, "{\"a\":", depth);
        buffer_add_text(&text, "1");
        add_times(&text, "}", depth);
        cr_expect_eq(json_scan(buffer_slice(&text), MAX_DEPTH, NULL, &err), depth == MAX_DEPTH);
        buffer_release(&text);
        if (depth > MAX_DEPTH)
            cr_expect_str_eq(err.detail, "line 1, column 2561: arrays and objects are nested "
                                         "deeper than 512 levels, which is the limit");
    }
}

Test(json_scan, a_hundred_thousand_levels_are_refused_or_accepted_without_recursion, .timeout = 30)
{
    static const char *const open[] = {"[", "{\"a\":", "[{\"a\":"};
    static const char *const close[] = {"]", "}", "}]"};

    for (size_t i = 0; i < 3; i++) {
        struct buffer text = {0};
        struct error err = {0};

        add_times(&text, open[i], 100000);
        cr_expect(!accepts(buffer_slice(&text)));
        buffer_add_text(&text, "1");
        add_times(&text, close[i], 100000);
        cr_expect(!accepts(buffer_slice(&text)));
        cr_expect(json_scan(buffer_slice(&text), 200000, NULL, &err), "%s", err.detail);
        text.len--;
        cr_expect(!json_scan(buffer_slice(&text), 200000, NULL, &err));
        buffer_release(&text);
    }
}

/* Under the sanitizers these take a second or two; anything quadratic takes hours. */
Test(json_scan, wide_objects_take_no_quadratic_time, .timeout = 60)
{
    struct buffer text = {0};
    struct error err = {0};

    buffer_add_text(&text, "{\"x\":{");
    for (size_t i = 0; i < 300000; i++)
        buffer_printf(&text, "\"%zu\":0,", i);
    buffer_add_text(&text, "\"\":0}");
    for (size_t i = 0; i < 300000; i++)
        buffer_printf(&text, ",\"\\u0061%zu\":{}", i);
    buffer_add_text(&text, "}");
    cr_expect(accepts(buffer_slice(&text)));
    text.len--;
    buffer_add_text(&text, ",\"a\\u0037\":{}}");
    cr_expect(!json_scan(buffer_slice(&text), MAX_DEPTH, NULL, &err));
    cr_expect(strstr(err.detail, "the member \"a\\u0037\" is repeated") != NULL, "%s", err.detail);
    buffer_release(&text);
}
