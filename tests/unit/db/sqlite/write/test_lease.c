/* New terms for all leases after a start or a stall: in turns, each of which changes few rows. */

#include "tests/unit/support/database_fixture.h"

#include "db/base/monotonic.h"
#include "db/sqlite/write/dispatch.h"
#include "db/sqlite/write/lease.h"

#include <criterion/criterion.h>

/* Each turn of new terms changes two rows a lease, and what it writes besides. */
#define TURN_ROWS_MAX (2 * 256 + 2)
#define LEASES 600
#define TTL_US 3600000000
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

static sqlite3 *db;
static struct write_operations ops;

static void open_database(void)
{
    struct error err;

    folder_enter();
    db = database_on_disk();
    ops = (struct write_operations){0};
    cr_assert(write_operations_init(&ops, db, &err), "%s", err.detail);
}

static void close_database(void)
{
    cr_assert_eq(sqlite3_close_v2(db), SQLITE_OK);
    folder_leave();
}

TestSuite(write_lease, .init = open_database, .fini = close_database, .timeout = 60);

/* Half of the deadlines have passed; half are those of a longer uptime. Many are the same. */
static void insert_leases(void)
{
    database_run(db,
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " TEXT(
                     LEASES) ") INSERT INTO sessions (seq, id, project_path, thread_id, status,"
                             " created_at, updated_at, context_bytes, context, lease_owner,"
                             " lease_token, lease_ttl_ms, lease_deadline_us)"
                             " SELECT i, printf('b0a4c7de-0000-4000-8000-%012d', i), '/p', 't',"
                             " 'ACTIVE', '2026-01-01T00:00:00.000000+00:00',"
                             " '2026-01-01T00:00:00.000000+00:00', 2, '{}', 'd', 1, " TEXT(
                                 TTL_US) " / 1000, iif(i % 2, i / 9, 1000000000000000) FROM n");
}

/* Runs lease expiry in a transaction of its own; returns how many rows it changed. */
static int64_t run_turn(bool committed)
{
    const int64_t before = sqlite3_total_changes64(db);
    struct error err;

    database_run(db, "BEGIN IMMEDIATE");
    write_operations_begin(&ops);
    cr_assert(write_lease_expire(&ops, &err), "%s", err.detail);
    const int64_t changed = sqlite3_total_changes64(db) - before;
    cr_assert(write_operations_finish(&ops, &err), "%s", err.detail);
    database_run(db, committed ? "COMMIT" : "ROLLBACK");
    write_operations_end(&ops, committed);
    return changed;
}

Test(write_lease, new_terms_come_in_turns_of_few_rows)
{
    const int64_t began_us = monotonic_us();
    int turns = 0;

    insert_leases();
    cr_assert(ops.state.leases_stale);
    while (ops.state.leases_stale) {
        cr_assert_lt(turns++, 2 * LEASES / 256 + 2, "the turns have no end");
        cr_expect_leq(run_turn(true), TURN_ROWS_MAX);
    }
    cr_expect_geq(turns, LEASES / 256 + 1);
    cr_expect_eq(ops.change.counts[STORE_LEASES_EXPIRED], 0);
    cr_expect_geq(database_number(db, "SELECT min(lease_deadline_us) FROM sessions"),
                  began_us + TTL_US);
    cr_expect_leq(database_number(db, "SELECT max(lease_deadline_us) FROM sessions"),
                  monotonic_us() + TTL_US);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM lease_terms"), LEASES);
    cr_expect_eq(ops.state.lease_due_us,
                 database_number(db, "SELECT min(lease_deadline_us) FROM sessions"));
}

Test(write_lease, a_turn_that_is_rolled_back_runs_again)
{
    insert_leases();
    run_turn(true);
    run_turn(false);
    for (int turns = 0; ops.state.leases_stale && turns < 10; turns++)
        run_turn(true);
    cr_expect_not(ops.state.leases_stale);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM lease_terms"), LEASES);
    cr_expect_leq(database_number(db, "SELECT max(lease_deadline_us) FROM sessions"),
                  monotonic_us() + TTL_US);
}

Test(write_lease, a_second_stall_begins_the_terms_anew)
{
    insert_leases();
    run_turn(true);
    const int64_t again_us = monotonic_us();
    write_lease_invalidate(&ops);
    for (int turns = 0; ops.state.leases_stale && turns < 10; turns++)
        run_turn(true);
    cr_expect_geq(database_number(db, "SELECT min(lease_deadline_us) FROM sessions"),
                  again_us + TTL_US);
}
