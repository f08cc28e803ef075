#include "routes/admin/purge_cursor.h"

#include <criterion/criterion.h>
#include <string.h>

Test(purge_cursor, what_is_written_is_read)
{
    static const struct store_purge_position places[] = {
        {.reason = STORE_PURGE_TERMINATED},
        {.reason = STORE_PURGE_IDLE, .place_us = 1, .place_seq = INT64_MAX},
        {.reason = STORE_PURGE_IDLE, .place_us = INT64_C(253402300799999999), .place_seq = -5},
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct buffer text = {0};
        struct store_purge_position read;
        purge_cursor_add(&text, &places[i]);
        cr_assert(purge_cursor_read((struct slice){text.data + 1, text.len - 2}, &read), "%zu", i);
        cr_expect_eq(read.reason, places[i].reason);
        cr_expect_eq(read.place_us, places[i].place_us);
        cr_expect_eq(read.place_seq, places[i].place_seq);
        buffer_release(&text);
    }
}

Test(purge_cursor, everything_else_is_refused)
{
    static const char *const texts[] = {
        "",
        "0",
        "0.0",
        "0.0.",
        ".0.0",
        "2.0.0",
        "-1.0.0",
        "0.-1.0",
        "0.0.0.",
        "0.0.0 ",
        " 0.0.0",
        "00.0.0",
        "0.+1.0",
        "0.0x1.0",
        "a.b.c",
        "0.253402300800000000.0",
        "0.0.99999999999999999999",
        "0.0.0000000000000000000000000000000000000000000000000000000000000000000",
    };
    struct store_purge_position out = {.place_us = 42};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        cr_expect_not(purge_cursor_read(slice_from(texts[i]), &out), "%s", texts[i]);
    cr_expect_not(purge_cursor_read(SLICE_LITERAL("0.0.0\0"), &out));
    cr_expect_eq(out.place_us, 42);
}
