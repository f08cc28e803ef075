/* Writing JSON text: whatever the bytes are, the result is JSON and says what they say. */

#include "routes/json/writer.h"

#include "routes/json/scan.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static bool writes(struct slice text, const char *wanted)
{
    struct buffer out = {0};

    json_add_string(&out, text);
    const bool same = slice_is(buffer_slice(&out), wanted);
    cr_expect(same, "%.*s, not %s", (int)out.len, out.data, wanted);
    buffer_release(&out);
    return same;
}

Test(json_text, strings_are_escaped_where_they_must_be)
{
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        {"", "\"\""},
        {"plain /text/ 'with' <&>", "\"plain /text/ 'with' <&>\""},
        {"\"\\", "\"\\\"\\\\\""},
        {"\n\t\r", "\"\\n\\t\\r\""},
        {"\x01\x1f", "\"\\u0001\\u001f\""},
        {"\x7f", "\"\x7f\""},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        writes(slice_from(cases[i].text), cases[i].json);
    writes((struct slice){"a\0b", 3}, "\"a\\u0000b\"");
    writes((struct slice){NULL, 0}, "\"\"");
}

Test(json_text, what_is_no_utf8_becomes_the_replacement_character)
{
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        {"\xff", "\"\xef\xbf\xbd\""},
        {"a\x80z", "\"a\xef\xbf\xbdz\""},
        {"\xc3", "\"\xef\xbf\xbd\""},
        {"\xc3\"", "\"\xef\xbf\xbd\\\"\""},
        {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xed\xa0\x80x", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\""},
        {"\xff\xc3\xa4", "\"\xef\xbf\xbd\xc3\xa4\""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        writes(slice_from(cases[i].text), cases[i].json);
}

Test(json_text, any_bytes_give_json)
{
    for (int round = 0; round < 3000; round++) {
        char bytes[64];
        const size_t len = (size_t)(random() % (int)sizeof(bytes));
        struct buffer out = {0};
        struct error err;

        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(random() % 256);
        json_add_string(&out, (struct slice){bytes, len});
        cr_assert(json_scan(buffer_slice(&out), 1, NULL, &err), "%s", err.detail);
        buffer_release(&out);
    }
}

/* RFC 6901 §6, and what RFC 3986 §3.5 lets stand in a fragment. */
Test(json_text, a_pointer_becomes_a_uri_fragment)
{
    static const struct {
        const char *pointer;
        const char *json;
    } cases[] = {
        {"", "\"#\""},
        {"/thread_id", "\"#/thread_id\""},
        {"/a~1b/m~0n", "\"#/a~1b/m~0n\""},
        {"/ ", "\"#/%20\""},
        {"/c%d", "\"#/c%25d\""},
        {"/e^f", "\"#/e%5Ef\""},
        {"/g|h", "\"#/g%7Ch\""},
        {"/i\\j", "\"#/i%5Cj\""},
        {"/k\"l", "\"#/k%22l\""},
        {"/#[]{}<>`", "\"#/%23%5B%5D%7B%7D%3C%3E%60\""},
        {"/\xc3\xa4", "\"#/%C3%A4\""},
        {"/\n\x7f", "\"#/%0A%7F\""},
        {"/-._~!$&'()*+,;=:@/?", "\"#/-._~!$&'()*+,;=:@/?\""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer out = {0};
        json_add_pointer(&out, slice_from(cases[i].pointer));
        cr_expect(slice_is(buffer_slice(&out), cases[i].json), "%.*s", (int)out.len, out.data);
        buffer_release(&out);
    }
}

Test(json_text, times_have_six_digits_and_end_in_z)
{
    struct buffer out = {0};

    json_add_time(&out, 0);
    json_add_time(&out, INT64_C(1769342400123456));
    json_add_time(&out, INT64_C(253402300799999999));
    cr_expect(slice_is(buffer_slice(&out), "\"1970-01-01T00:00:00.000000Z\""
                                           "\"2026-01-25T12:00:00.123456Z\""
                                           "\"9999-12-31T23:59:59.999999Z\""));
    buffer_release(&out);
}
