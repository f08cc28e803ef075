/*
 * Times as the adoption reads them: what is taken is the point in time that the C library makes of
 * the same fields, and comes back when it is written and read again. The first eight bytes are a
 * number, too, that is written and read.
 *
 * Covers: db/base/timestamp.c
 */
#include "db/base/timestamp.h"
#include "tests/fuzz/expect.h"

#include <stdint.h>
#include <time.h>

#define MAX_BYTES 64
#define US_PER_SECOND INT64_C(1000000)

/* Digits that are known to be there. */
static int number_at(struct slice text, size_t at, size_t digits)
{
    int number = 0;

    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (text.data[at + i] - '0');
    return number;
}

static int64_t fraction_us(struct slice text, size_t *at)
{
    int64_t us = 0;
    int64_t unit = 100000;

    if (*at >= text.len || text.data[*at] != '.')
        return 0;
    for ((*at)++; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
        us += unit * (text.data[*at] - '0');
        unit /= 10;
    }
    return us;
}

/* What a text that was taken has to mean. */
static int64_t plain_us(struct slice text)
{
    struct tm fields = {
        .tm_year = number_at(text, 0, 4) - 1900,
        .tm_mon = number_at(text, 5, 2) - 1,
        .tm_mday = number_at(text, 8, 2),
        .tm_hour = number_at(text, 11, 2),
        .tm_min = number_at(text, 14, 2),
        .tm_sec = number_at(text, 17, 2),
    };
    const int day = fields.tm_mday;
    size_t at = 19;
    const int64_t seconds = timegm(&fields);
    const int64_t us = fraction_us(text, &at);
    int64_t offset = 0;

    expect(fields.tm_mday == day, "a day that there is not", text);
    if (at + 6 == text.len)
        offset = (number_at(text, at + 1, 2) * 60 + number_at(text, at + 4, 2)) * 60;
    return (seconds - (at < text.len && text.data[at] == '-' ? -offset : offset)) * US_PER_SECOND +
           us;
}

static void check_number(int64_t us, struct slice input)
{
    char text[TIMESTAMP_LENGTH];
    int64_t again;

    timestamp_format(us, text);
    expect(timestamp_parse((struct slice){text, sizeof(text)}, &again) && again == us,
           "it does not come back", input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = {(const char *)data, size};
    int64_t us;
    uint64_t number;

    if (size > MAX_BYTES)
        return 0;
    if (timestamp_parse(text, &us)) {
        expect(us >= 0 && us <= TIMESTAMP_MAX_US, "out of range", text);
        expect(us == plain_us(text), "another time", text);
        check_number(us, text);
    }
    if (size >= sizeof(number)) {
        memcpy(&number, data, sizeof(number));
        check_number((int64_t)(number % ((uint64_t)TIMESTAMP_MAX_US + 1)), text);
    }
    return 0;
}
