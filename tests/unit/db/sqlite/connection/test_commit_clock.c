/* The writer's clock never gives a time twice and never goes back, whatever the system's does. A
 * system clock that was set back is a reserved time that lies ahead of it. */

#include "tests/unit/support/database_fixture.h"

#include "db/base/timestamp.h"
#include "db/sqlite/connection/commit_clock.h"
#include "db/sqlite/connection/connection.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define HOUR_US INT64_C(3600000000)

static sqlite3 *db;
static struct clock clock_;
static struct error err;

static void open_database(void)
{
    db = database_in_memory();
    cr_assert(clock_init(&clock_, db, &err), "%s", err.detail);
}

static void close_database(void)
{
    connection_close(db);
}

TestSuite(clock, .init = open_database, .fini = close_database);

/* What a restart does, be it after a crash or not. */
static void restart(void)
{
    sqlite3_finalize(clock_.reserve);
    cr_assert(clock_init(&clock_, db, &err), "%s", err.detail);
}

static int64_t reserved_on_disk(void)
{
    return database_number(db, "SELECT reserved_us FROM sessiond_clock");
}

static void set_reserved(int64_t us)
{
    char sql[80];

    snprintf(sql, sizeof(sql), "UPDATE sessiond_clock SET reserved_us = %lld", (long long)us);
    database_run(db, sql);
}

/* A transaction that hands out `count` times. Returns the last of them. */
static int64_t use(int count, const char *end)
{
    const int64_t reserved_us = clock_.reserved_us;
    int64_t us = 0;

    database_run(db, "BEGIN");
    for (int i = 0; i < count; i++)
        us = clock_next(&clock_);
    cr_assert(clock_reserve(&clock_, db, false, &err), "%s", err.detail);
    database_run(db, end);
    if (strcmp(end, "ROLLBACK") == 0)
        clock_.reserved_us = reserved_us;
    return us;
}

Test(clock, every_time_is_later_than_the_one_before)
{
    int64_t last = timestamp_now_us() - 1;

    for (int i = 0; i < 200000; i++) {
        const int64_t us = clock_next(&clock_);
        cr_assert_gt(us, last);
        last = us;
    }
}

Test(clock, it_is_the_wall_clock_when_nothing_speaks_against_it)
{
    const int64_t before = timestamp_now_us();
    const int64_t us = clock_next(&clock_);

    cr_expect_geq(us, before);
    cr_expect_leq(us, timestamp_now_us());
}

Test(clock, what_was_acknowledged_is_reserved_on_disk)
{
    for (int i = 0; i < 1000; i++) {
        const int64_t us = use(1 + i % 7, "COMMIT");
        cr_assert_geq(reserved_on_disk(), us);
    }
}

Test(clock, reserving_is_rare)
{
    use(1, "COMMIT");
    const int changes = sqlite3_total_changes(db);
    const int64_t until = reserved_on_disk();

    while (clock_.last_us < until - 1000) {
        use(1, "COMMIT");
        if (clock_.last_us <= until)
            cr_assert_eq(sqlite3_total_changes(db), changes);
    }
}

Test(clock, goes_on_behind_what_was_reserved)
{
    int64_t last = 0;

    for (int i = 0; i < 50; i++) {
        const int64_t us = use(3, "COMMIT");
        cr_assert_gt(us, last);
        last = us;
        restart();
    }
}

Test(clock, does_not_go_back_when_the_system_clock_was_set_back)
{
    const int64_t ahead = timestamp_now_us() + HOUR_US;

    set_reserved(ahead);
    restart();
    int64_t last = ahead;
    for (int i = 0; i < 100; i++) {
        const int64_t us = use(2, "COMMIT");
        cr_assert_gt(us, last);
        last = us;
        if (i % 10 == 0)
            restart();
    }
    cr_expect_lt(last, ahead + HOUR_US, "and stays near what was reserved");
}

Test(clock, goes_on_behind_the_newest_session)
{
    const int64_t newest = timestamp_now_us() + HOUR_US;

    database_insert(db, newest, "/p", "t", SESSION_CREATED);
    set_reserved(newest - HOUR_US / 2);
    restart();
    cr_expect_gt(clock_next(&clock_), newest);
}

Test(clock, goes_on_behind_the_newest_removed_event)
{
    const int64_t newest = timestamp_now_us() + HOUR_US;
    char sql[80];

    snprintf(sql, sizeof(sql), "UPDATE sessiond_events SET purged_id = %lld", (long long)newest);
    database_run(db, sql);
    restart();
    cr_expect_gt(clock_next(&clock_), newest);
}

Test(clock, a_rolled_back_reservation_does_not_count)
{
    const int64_t ahead = timestamp_now_us() + HOUR_US;

    set_reserved(ahead);
    restart();
    const int64_t lost = use(1, "ROLLBACK");
    cr_assert_eq(reserved_on_disk(), ahead);
    const int64_t us = use(1, "COMMIT");
    cr_expect_gt(us, lost, "a time is not given twice, not even one that was lost");
    cr_expect_geq(reserved_on_disk(), us);
}

Test(clock, a_forced_reservation_changes_the_file)
{
    int64_t before = 0;

    for (int i = 0; i < 10; i++) {
        clock_next(&clock_);
        cr_assert(clock_reserve(&clock_, db, true, &err), "%s", err.detail);
        cr_assert_gt(reserved_on_disk(), before);
        before = reserved_on_disk();
    }
}

Test(clock, a_reservation_that_fails_says_so)
{
    database_run(db, "PRAGMA query_only=ON");
    clock_next(&clock_);
    const int64_t reserved_us = clock_.reserved_us;
    cr_expect_not(clock_reserve(&clock_, db, false, &err));
    cr_expect_neq(err.kind, ERROR_NONE);
    cr_expect_eq(clock_.reserved_us, reserved_us);
    database_run(db, "PRAGMA query_only=OFF");
    const int64_t us = use(1, "COMMIT");
    cr_expect_geq(reserved_on_disk(), us);
}

Test(clock, refuses_a_file_whose_times_are_beyond_all)
{
    struct clock other;

    set_reserved(TIMESTAMP_MAX_US);
    cr_expect_not(clock_init(&other, db, &err));
    cr_expect(strstr(err.detail, "9999"), "%s", err.detail);
    sqlite3_finalize(other.reserve);
    set_reserved(0);
    database_insert(db, INT64_MAX, "/p", "t", SESSION_CREATED);
    cr_expect_not(clock_init(&other, db, &err));
    sqlite3_finalize(other.reserve);
    database_run(db, "DELETE FROM sessions; UPDATE sessiond_events SET purged_id = 1 << 62");
    cr_expect_not(clock_init(&other, db, &err));
    sqlite3_finalize(other.reserve);
}

Test(clock, refuses_a_file_without_its_table)
{
    struct clock other;
    sqlite3 *empty;

    cr_assert_eq(sqlite3_open(":memory:", &empty), SQLITE_OK);
    cr_expect_not(clock_init(&other, empty, &err));
    cr_expect_eq(err.kind, ERROR_INTERNAL);
    connection_close(empty);
}
