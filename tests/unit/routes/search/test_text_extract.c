/* What of an entry or a context is looked through. */

#include "routes/search/text_extract.h"

#include "routes/core/buffer.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void expect(const char *json, const char *wanted)
{
    size_t len = 0;
    char *text = search_text(slice_from(json), &len);

    if (text == NULL)
        cr_expect_str_eq("", wanted, "%s", json);
    else
        cr_expect(slice_is((struct slice){text, len}, wanted), "%s: %.*s", json, (int)len, text);
    free(text);
}

Test(search_text, values_are_taken_and_names_are_not)
{
    expect("{}", "");
    expect("{\"text\":\"hello\"}", "hello");
    expect("{ \"a\" : \"one\" , \"b\" : { \"c\" : [ \"two\", [ \"three\" ], 4, true, null ] } }",
           "one\ntwo\nthree");
    expect("{\"empty\":\"\",\"b\":\"x\"}", "x");
    expect("{\"a\":\"{\\\"b\\\":\\\"c\\\"}\"}", "{\"b\":\"c\"}");
}

Test(search_text, escapes_are_decoded)
{
    expect("{\"a\":\"caf\\u00e9 \\ud83d\\ude00\\n\\\"x\\\\\"}",
           "caf\xc3\xa9 \xf0\x9f\x98\x80\n\"x\\");
    expect("{\"a\":\"b\\u0000c\"}", "b\nc");
    expect("{\"\\u0069d\":\"x\",\"b\":\"y\"}", "y");
}

Test(search_text, what_names_a_thing_is_left_out)
{
    expect(
        "{\"type\":\"assistant\",\"uuid\":\"u\",\"sessionId\":\"s\",\"tool_use_id\":\"t\","
        "\"timestamp\":\"2026\",\"signature\":\"g\",\"parentUuid\":\"p\",\"created_at\":\"c\","
        "\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"},"
        "{\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"Bash\",\"input\":{\"command\":\"ls\"}}]}}",
        "hi\nBash\nls");
    expect("{\"ids\":[\"a\"],\"item_ids\":[\"a\",[\"b\",{\"x\":\"c\"}],\"d\"],\"e\":\"f\"}",
           "a\nc\nf");
    expect("{\"type\":{\"name\":\"x\"},\"grid\":\"y\",\"paid\":\"z\"}", "x\ny\nz");
    expect("{\"a\":\"b0a4c7de-0000-4000-8000-000000000000\",\"b\":\"c\"}", "c");
}

Test(search_text, what_nobody_reads_is_left_out)
{
    struct buffer json = {0};
    size_t len = 0;

    buffer_add_text(&json, "{\"a\":\"before ");
    for (int i = 0; i < 129; i++)
        buffer_add_char(&json, "QUJD+/9_-="[i % 10]);
    buffer_add_text(&json, " after\",\"b\":\"");
    for (int i = 0; i < 128; i++)
        buffer_add_char(&json, 'x');
    buffer_add_text(&json, "\"}");
    char *text = search_text(buffer_slice(&json), &len);
    cr_assert_not_null(text);
    cr_expect(strncmp(text, "before  after\nxxx", 17) == 0, "%.*s", (int)len, text);
    cr_expect_eq(len, strlen("before  after\n") + 128);
    free(text);
    buffer_release(&json);
}

Test(search_text, a_long_text_is_cut_between_characters)
{
    struct buffer json = {0};
    size_t len = 0;

    buffer_add_text(&json, "{\"a\":\"x");
    for (int i = 0; i < SEARCH_TEXT_MAX_BYTES; i++)
        buffer_add_text(&json, "\xc3\xa9");
    buffer_add_text(&json, "\",\"b\":\"more\"}");
    char *text = search_text(buffer_slice(&json), &len);
    cr_expect_eq(len, SEARCH_TEXT_MAX_BYTES - 1);
    cr_expect_eq(text[len - 1], '\xa9');
    free(text);
    buffer_release(&json);
}

Test(search_text, nesting_costs_no_stack)
{
    struct buffer json = {0};
    size_t len = 0;

    buffer_add_text(&json, "{\"a\":");
    for (int i = 0; i < 100000; i++)
        buffer_add_char(&json, '[');
    buffer_add_text(&json, "\"deep\"");
    for (int i = 0; i < 100000; i++)
        buffer_add_char(&json, ']');
    buffer_add_text(&json, ",\"b\":\"flat\"}");
    char *text = search_text(buffer_slice(&json), &len);
    cr_expect(slice_is((struct slice){text, len}, "deep\nflat"));
    free(text);
    buffer_release(&json);
}
