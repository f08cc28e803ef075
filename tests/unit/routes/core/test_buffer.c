/* The growing buffer: what is added is there, byte for byte, however it grows. */

#include "routes/core/buffer.h"

#include <criterion/criterion.h>

static bool holds(const struct buffer *buf, const char *text)
{
    return slice_is(buffer_slice(buf), text);
}

Test(buffer, is_empty_without_being_made)
{
    struct buffer buf = {0};

    cr_expect_eq(buffer_slice(&buf).len, 0);
    buffer_add(&buf, (struct slice){NULL, 0});
    buffer_add_text(&buf, NULL);
    cr_expect_null(buf.data, "nothing was added");
    buffer_release(&buf);
}

Test(buffer, keeps_every_byte)
{
    struct buffer buf = {0};

    buffer_add(&buf, (struct slice){"a\0b", 3});
    buffer_add_char(&buf, '\0');
    buffer_add_text(&buf, "c");
    cr_expect(slice_equal(buffer_slice(&buf), (struct slice){"a\0b\0c", 5}));
    buffer_release(&buf);
}

Test(buffer, grows_without_a_change)
{
    struct buffer buf = {0};

    for (int i = 0; i < 100000; i++)
        buffer_add_char(&buf, (char)('a' + i % 26));
    cr_assert_eq(buf.len, 100000);
    for (int i = 0; i < 100000; i++)
        cr_assert_eq(buf.data[i], 'a' + i % 26, "at %d", i);
    buffer_release(&buf);
}

Test(buffer, reserves_without_adding)
{
    struct buffer buf = {0};

    buffer_add_text(&buf, "x");
    buffer_reserve(&buf, 5000);
    cr_assert_geq(buf.capacity - buf.len, 5000);
    cr_expect(holds(&buf, "x"));
    const char *place = buf.data;
    for (int i = 0; i < 5000; i++)
        buffer_add_char(&buf, 'y');
    cr_expect_eq(buf.data, place, "reserved room is used before there is more");
    buffer_release(&buf);
}

Test(buffer, writes_any_integer)
{
    static const struct {
        int64_t number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {7, "7"},
        {-1, "-1"},
        {1000000, "1000000"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer buf = {0};
        buffer_add_int(&buf, cases[i].number);
        cr_expect(holds(&buf, cases[i].text), "%s", cases[i].text);
        buffer_release(&buf);
    }
}

Test(buffer, prints_texts_of_any_length)
{
    struct buffer buf = {0};

    buffer_printf(&buf, "%s=%d", "n", 5);
    buffer_printf(&buf, "%1000d", 1);
    cr_assert_eq(buf.len, 1003);
    cr_expect_arr_eq(buf.data, "n=5 ", 4);
    cr_expect_eq(buf.data[1002], '1');
    buffer_printf(&buf, "%s", "");
    cr_expect_eq(buf.len, 1003);
    buffer_release(&buf);
}

Test(buffer, may_be_used_again_after_its_release)
{
    struct buffer buf = {0};

    buffer_add_text(&buf, "before");
    buffer_release(&buf);
    cr_expect_eq(buf.len, 0);
    cr_expect_null(buf.data);
    buffer_release(&buf);
    buffer_add_text(&buf, "after");
    cr_expect(holds(&buf, "after"));
    buffer_release(&buf);
}
