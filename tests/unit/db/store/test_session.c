/* The lifecycle and the small texts of a session: status names, ids, times. */

#include "db/base/timestamp.h"
#include "db/base/uuid.h"
#include "db/store/session.h"

#include <criterion/criterion.h>

Test(session, lifecycle)
{
    static const bool allowed[4][4] = {
        /* to:  CREATED ACTIVE PAUSED TERMINATED */
        [SESSION_CREATED] = {true, true, false, true},
        [SESSION_ACTIVE] = {false, true, true, true},
        [SESSION_PAUSED] = {false, true, true, true},
        [SESSION_TERMINATED] = {false, false, false, true},
    };

    for (unsigned from = 0; from < SESSION_STATUS_COUNT; from++) {
        for (unsigned to = 0; to < SESSION_STATUS_COUNT; to++)
            cr_expect_eq(session_may_become((enum session_status)from, (enum session_status)to),
                         allowed[from][to], "%u to %u", from, to);
    }
}

Test(session, status_names)
{
    enum session_status status = SESSION_PAUSED;

    for (unsigned i = 0; i < SESSION_STATUS_COUNT; i++) {
        const char *name = session_status_name((enum session_status)i);
        cr_expect(session_status_parse(slice_from(name), &status));
        cr_expect_eq(status, i);
    }
    cr_expect_not(session_status_parse(SLICE_LITERAL("active"), &status));
    cr_expect_not(session_status_parse(SLICE_LITERAL(""), &status));
    cr_expect_not(session_status_parse(SLICE_LITERAL("ACTIVE "), &status));
}

Test(id, made_ids_are_distinct_version_4)
{
    char first[UUID_SIZE];
    char second[UUID_SIZE];
    char again[UUID_SIZE];

    uuid_make(first);
    uuid_make(second);
    cr_expect_str_neq(first, second);
    cr_expect_eq(first[14], '4');
    cr_expect(strchr("89ab", first[19]) != NULL);
    cr_expect(uuid_read(slice_from(first), again));
    cr_expect_str_eq(first, again);
}

Test(id, parse)
{
    static const char *const bad[] = {
        "",
        "b0a4c7de",
        "b0a4c7de-0000-4000-8000-00000000000",
        "b0a4c7de-0000-4000-8000-0000000000000",
        "b0a4c7de-0000-4000-8000-00000000000g",
        "b0a4c7de00000-4000-8000-000000000000",
        "{0a4c7de-0000-4000-8000-00000000000}",
    };
    char id[UUID_SIZE] = "untouched";

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(uuid_read(slice_from(bad[i]), id), "%s", bad[i]);
    cr_expect_not(uuid_read((struct slice){"b0a4c7de-0000-4000-8000-0000000000\0001", 36}, id));
    cr_expect_str_eq(id, "untouched");
    cr_expect(uuid_read(SLICE_LITERAL("B0A4C7DE-0000-4000-8000-00000000000F"), id));
    cr_expect_str_eq(id, "b0a4c7de-0000-4000-8000-00000000000f");
}

Test(timestamp, format)
{
    char text[TIMESTAMP_LENGTH + 1] = {0};

    timestamp_format(0, text);
    cr_expect_str_eq(text, "1970-01-01T00:00:00.000000");
    timestamp_format(TIMESTAMP_MAX_US, text);
    cr_expect_str_eq(text, "9999-12-31T23:59:59.999999");
    timestamp_format(INT64_C(1582934400000007), text);
    cr_expect_str_eq(text, "2020-02-29T00:00:00.000007");
}

Test(timestamp, parse)
{
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-01-25T12:00:00+00:00", INT64_C(1769342400000000)},
        {"2026-01-25T12:00:00.5+00:00", INT64_C(1769342400500000)},
        {"2026-01-25T12:00:00.123456", INT64_C(1769342400123456)},
        {"2026-01-25 12:00:00.123456789Z", INT64_C(1769342400123456)},
        {"2026-01-25T14:30:00+02:30", INT64_C(1769342400000000)},
        {"2026-01-25T07:00:00-05:00", INT64_C(1769342400000000)},
        {"2020-02-29T00:00:00Z", INT64_C(1582934400000000)},
        {"9999-12-31T23:59:59.999999Z", TIMESTAMP_MAX_US},
        {"2021-02-29T00:00:00Z", -1},
        {"1900-02-28T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-01-32T00:00:00Z", -1},
        {"2026-01-25T24:00:00Z", -1},
        {"2026-01-25T12:60:00Z", -1},
        {"2026-01-25T12:00:60Z", -1},
        {"2026-01-25T12:00:00.Z", -1},
        {"2026-01-25T12:00:00+0000", -1},
        {"2026-01-25T12:00:00+24:00", -1},
        {"2026-01-25T12:00Z", -1},
        {"2026-01-25", -1},
        {"1970-01-01T00:00:00+00:01", -1},
        {"9999-12-31T23:59:59-00:01", -1},
        {"yesterday", -1},
        {"", -1},
        {"2026-01-25T12:00:00Zx", -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t us = -1;
        cr_expect_eq(timestamp_parse(slice_from(cases[i].text), &us), cases[i].us >= 0, "%s",
                     cases[i].text);
        cr_expect_eq(us, cases[i].us, "%s: %lld", cases[i].text, (long long)us);
    }
}

Test(timestamp, every_day_survives_the_round_trip)
{
    char text[TIMESTAMP_LENGTH];

    for (int64_t us = 123456; us < TIMESTAMP_MAX_US; us += INT64_C(86400000000) * 13) {
        int64_t back;
        timestamp_format(us, text);
        cr_assert(timestamp_parse((struct slice){text, sizeof(text)}, &back));
        cr_assert_eq(back, us);
    }
}
