/* Contexts of another program: served as they are, or kept whole as a member. */

#include "routes/json/legacy_context.h"

#include "routes/core/buffer.h"
#include "routes/json/scan.h"
#include "routes/json/string.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(json_adopt, an_object_is_served_as_it_is)
{
    static const char *const objects[] = {
        "{}",
        "{\"a\": [1, 2.50, -0, 1e400, null, true]}",
        " \n{ \"a\" : {\"b\" : \"\\ud83d\\ude00 \\ud800\"} }\t",
        "{\"\": 100000000000000000000}",
    };

    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
        cr_expect_null(legacy_context_wrap(slice_from(objects[i])), "%s", objects[i]);
}

/* The text that the one member of `object` stands for. */
static void decode_adopted(const char *object, struct buffer *out)
{
    struct json_outline outline;
    struct error err;

    cr_assert(json_scan(slice_from(object), 8, &outline, &err), "%s", err.detail);
    cr_assert_eq(outline.type, JSON_OBJECT);
    cr_assert_eq(outline.member_count, 1);
    cr_assert(slice_is(outline.members[0].name, "_adopted_text"));
    cr_assert_eq(outline.members[0].type, JSON_STRING);
    const struct slice raw = outline.members[0].value;
    json_string_decode((struct slice){raw.data + 1, raw.len - 2}, out);
}

Test(json_adopt, any_other_text_is_kept_whole)
{
    const struct slice texts[] = {
        SLICE_LITERAL(""),
        SLICE_LITERAL("{\"a\": NaN}"),
        SLICE_LITERAL("{\"a\": -Infinity}"),
        SLICE_LITERAL("{\"a\": 1, \"a\": 2}"),
        SLICE_LITERAL("{'a': 1}"),
        SLICE_LITERAL("{\"a\": 1"),
        SLICE_LITERAL("{} {}"),
        SLICE_LITERAL("[1, 2]"),
        SLICE_LITERAL("null"),
        SLICE_LITERAL("\"{}\""),
        SLICE_LITERAL("{\"a\": \"\n\t\\\"}"),
        SLICE_LITERAL("{}\0"),
        SLICE_LITERAL("{\"\xc3\xa4\": .5}"),
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct buffer kept = {0};
        char *object = legacy_context_wrap(texts[i]);

        cr_assert_not_null(object, "%s", texts[i].data);
        decode_adopted(object, &kept);
        cr_expect(slice_equal(buffer_slice(&kept), texts[i]), "%s", object);
        buffer_release(&kept);
        free(object);
    }
}

Test(json_adopt, what_was_kept_is_an_object_from_then_on)
{
    char *object = legacy_context_wrap(SLICE_LITERAL("{\"a\": NaN}"));

    cr_assert_not_null(object);
    cr_expect_null(legacy_context_wrap(slice_from(object)));
    free(object);
}

Test(json_adopt, bytes_that_are_no_utf8_become_replacement_characters)
{
    struct buffer kept = {0};
    char *object = legacy_context_wrap(SLICE_LITERAL("{\"a\": \"\xff\"}"));

    cr_assert_not_null(object);
    decode_adopted(object, &kept);
    cr_expect(slice_is(buffer_slice(&kept), "{\"a\": \"\xef\xbf\xbd\"}"));
    buffer_release(&kept);
    free(object);
}

static char *nested(size_t depth)
{
    struct buffer text = {0};

    buffer_add_text(&text, "{\"a\":");
    for (size_t i = 1; i < depth; i++)
        buffer_add_char(&text, '[');
    for (size_t i = 1; i < depth; i++)
        buffer_add_char(&text, ']');
    buffer_add(&text, (struct slice){"}", 2});
    return text.data;
}

Test(json_adopt, depth_is_no_reason)
{
    char *text = nested(50000);
    char *object = legacy_context_wrap(slice_from(text));

    cr_expect_null(object);
    free(object);
    free(text);
}
