/* Times as text: against the C library's calendar, at the edges, and with bytes of chance. */

#include "db/base/timestamp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bool parses(const char *text, int64_t *us)
{
    /* A copy without a NUL, so that reading past its end is seen. */
    const size_t len = strlen(text);
    char *copy = malloc(len + (len == 0));
    bool parsed;

    memcpy(copy, text, len);
    parsed = timestamp_parse((struct slice){copy, len}, us);
    free(copy);
    return parsed;
}

static int64_t random_us(void)
{
    const uint64_t wide = (uint64_t)random() << 31 ^ (uint64_t)random();

    return (int64_t)(wide % (uint64_t)(TIMESTAMP_MAX_US + 1));
}

Test(timestamp, formats_what_the_c_library_formats)
{
    for (int round = 0; round < 20000; round++) {
        const int64_t us = random_us();
        const time_t seconds = (time_t)(us / 1000000);
        char text[TIMESTAMP_LENGTH + 1] = {0};
        char wanted[64];
        struct tm tm;

        timestamp_format(us, text);
        gmtime_r(&seconds, &tm);
        const size_t len = strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(wanted + len, sizeof(wanted) - len, ".%06d", (int)(us % 1000000));
        cr_assert_str_eq(text, wanted, "%lld", (long long)us);
    }
}

Test(timestamp, format_writes_no_more_than_it_says)
{
    char text[TIMESTAMP_LENGTH + 2];

    memset(text, '#', sizeof(text));
    timestamp_format(TIMESTAMP_MAX_US, text);
    cr_expect_eq(text[TIMESTAMP_LENGTH], '#');
}

Test(timestamp, what_was_formatted_is_parsed_to_the_same)
{
    for (int round = 0; round < 50000; round++) {
        const int64_t us = random_us();
        char text[TIMESTAMP_LENGTH];
        int64_t back;

        timestamp_format(us, text);
        cr_assert(timestamp_parse((struct slice){text, sizeof(text)}, &back));
        cr_assert_eq(back, us);
    }
}

Test(timestamp, every_day_there_is_is_a_day_and_no_other)
{
    static const int years[] = {1970, 1972, 1999, 2000, 2023, 2024, 2100, 2400, 9996, 9999};

    for (size_t y = 0; y < sizeof(years) / sizeof(years[0]); y++) {
        for (int month = 0; month <= 13; month++) {
            for (int day = 0; day <= 32; day++) {
                struct tm tm = {.tm_year = years[y] - 1900, .tm_mon = month - 1, .tm_mday = day};
                const int64_t wanted = (int64_t)timegm(&tm) * 1000000;
                const bool exists =
                    month >= 1 && month <= 12 && tm.tm_mon == month - 1 && tm.tm_mday == day;
                char text[40];
                int64_t us = -1;
                snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", years[y], month, day);
                cr_assert_eq(parses(text, &us), exists, "%s", text);
                cr_assert(!exists || us == wanted, "%s", text);
            }
        }
    }
}

Test(timestamp, offsets_are_taken_off)
{
    for (int minutes = -1439; minutes <= 1439; minutes++) {
        char text[40];
        int64_t us = -1;
        snprintf(text, sizeof(text), "2024-02-29T12:00:00%c%02d:%02d", minutes < 0 ? '-' : '+',
                 abs(minutes) / 60, abs(minutes) % 60);
        cr_assert(parses(text, &us), "%s", text);
        cr_assert_eq(us, (INT64_C(1709208000) - minutes * 60) * 1000000, "%s", text);
    }
}

Test(timestamp, zones_have_several_spellings)
{
    static const char *const same[] = {
        "2024-02-29T12:00:00Z",         "2024-02-29t12:00:00z",
        "2024-02-29 12:00:00",          "2024-02-29T12:00:00-00:00",
        "2024-02-29T12:00:00.0",        "2024-02-29T12:00:00.000000000Z",
        "2024-02-29T12:00:00.0000009Z", "2024-03-01T11:59:00+23:59"};

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        int64_t us = -1;
        cr_expect(parses(same[i], &us), "%s", same[i]);
        cr_expect_eq(us, INT64_C(1709208000000000), "%s", same[i]);
    }
}

Test(timestamp, digits_past_the_sixth_are_cut)
{
    static const struct {
        const char *fraction;
        int us; /* -1: refused */
    } cases[] = {
        {".1", 100000},
        {".12", 120000},
        {".123", 123000},
        {".1234", 123400},
        {".12345", 123450},
        {".123456", 123456},
        {".1234567", 123456},
        {".12345678", 123456},
        {".123456789", 123456},
        {".999999999", 999999},
        {".000001", 1},
        {".1234567890", -1},
        {".", -1},
        {".-1", -1},
        {".1.2", -1},
        {",5", -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[64];
        int64_t us = -1;
        snprintf(text, sizeof(text), "1970-01-01T00:00:00%sZ", cases[i].fraction);
        cr_expect_eq(parses(text, &us), cases[i].us >= 0, "%s", text);
        cr_expect_eq(us, cases[i].us, "%s", text);
    }
}

Test(timestamp, the_first_and_the_last_moment)
{
    int64_t us = -1;

    cr_expect(parses("1970-01-01T00:00:00Z", &us));
    cr_expect_eq(us, 0);
    cr_expect(parses("1970-01-01T01:00:00+01:00", &us));
    cr_expect_eq(us, 0);
    cr_expect_not(parses("1970-01-01T00:59:59.999999+01:00", &us));
    cr_expect(parses("9999-12-31T23:59:59.999999999Z", &us));
    cr_expect_eq(us, TIMESTAMP_MAX_US);
    cr_expect_not(parses("9999-12-31T23:59:59.999999-00:01", &us));
    cr_expect_eq(us, TIMESTAMP_MAX_US, "untouched on failure");
}

Test(timestamp, no_part_of_a_time_is_a_time)
{
    static const char whole[] = "2024-02-29T12:00:00.123456+01:30";
    char text[sizeof(whole)];

    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        int64_t us;
        memcpy(text, whole, len);
        text[len] = '\0';
        /* Without the zone it is UTC, with fewer digits less exact. */
        const bool complete = len == 19 || (len > 20 && len <= 26);
        cr_expect_eq(parses(text, &us), complete, "%s", text);
    }
}

Test(timestamp, one_wrong_byte_is_another_time_or_none)
{
    static const char whole[] = "2024-02-29T12:00:00.123456+01:30";

    for (size_t at = 0; at < sizeof(whole) - 1; at++) {
        for (int byte = 1; byte < 256; byte++) {
            char text[sizeof(whole)];
            int64_t us = -1;
            memcpy(text, whole, sizeof(whole));
            text[at] = (char)byte;
            const bool parsed = parses(text, &us);
            cr_expect(!parsed || (us >= 0 && us <= TIMESTAMP_MAX_US), "%s", text);
            cr_expect(!parsed || strchr("0123456789-+ Tt:.Zz", text[at]) != NULL, "%s", text);
        }
    }
}

Test(timestamp, now_is_the_wall_clock)
{
    const int64_t before = (int64_t)time(NULL) * 1000000;
    const int64_t now = timestamp_now_us();

    cr_expect_geq(now, before - 1000000);
    cr_expect_leq(now, ((int64_t)time(NULL) + 1) * 1000000);
}
