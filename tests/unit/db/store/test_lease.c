/* Leases through the store's door: who may write, which token passes, what an expiry does. */

#include "tests/unit/support/store_fixture.h"

#include "db/store/stats.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LONG_MS 3600000

static struct store_fixture fixture;
static char id[UUID_SIZE];

static void open_store(void)
{
    fixture_start(&fixture);
    fixture_create(&fixture, "/p", "t", "{}", id);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_lease, .init = open_store, .fini = release);

/* Token 0 presents none. */
static struct store_job lease(const char *owner, int64_t token, int64_t ttl_ms, bool steal)
{
    struct store_job job = {
        .operation = STORE_LEASE,
        .owner = slice_from(owner),
        .ttl_ms = ttl_ms,
        .steal = steal,
        .fence = {token != 0, token},
    };

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job;
}

static enum error_kind run_with_token(enum store_operation operation, int64_t token)
{
    struct store_job job = {
        .operation = operation,
        .context = SLICE_LITERAL("{\"n\":1}"),
        .fence = {token != 0, token},
    };

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job.error.kind;
}

static enum store_visit copy_session(void *arg, const struct session *session)
{
    struct session *copy = arg;

    *copy = *session;
    return STORE_VISIT_NEXT;
}

static struct session stored(void)
{
    struct session session;
    struct error err;

    cr_assert(store_get(fixture.store, id, copy_session, &session, &err), "%s", err.detail);
    return session;
}

/* Waits for the writer to end the lease by itself. */
static void await_expiry(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    while (stored().lease.owner.data != NULL)
        nanosleep(&pause, NULL);
}

Test(store_lease, a_grant_activates_and_has_the_first_token)
{
    const struct store_job granted = lease("daemon-1", 0, LONG_MS, false);
    const struct session session = stored();

    cr_expect_eq(granted.error.kind, ERROR_NONE, "%s", granted.error.detail);
    cr_expect_eq(granted.session.lease.token, 1);
    cr_expect_eq(session.status, SESSION_ACTIVE);
    cr_expect_eq(session.version, 2);
    cr_expect_eq(session.lease.token, 1);
    cr_expect_eq(session.lease.ttl_ms, LONG_MS);
    cr_expect_eq(session.lease.owner.len, 8);
    cr_expect_eq(session.recovered_us, 0);
}

Test(store_lease, another_owner_is_refused_until_it_steals)
{
    lease("daemon-1", 0, LONG_MS, false);
    const struct store_job refused = lease("daemon-2", 0, LONG_MS, false);
    cr_expect_eq(refused.error.kind, ERROR_LEASE_HELD);
    cr_expect_gt(refused.session.lease.expires_us, 0, "what is stored is shown");

    const struct store_job stolen = lease("daemon-2", 0, LONG_MS, true);
    cr_expect_eq(stolen.error.kind, ERROR_NONE);
    cr_expect_eq(stolen.session.lease.token, 2);
    cr_expect_eq(run_with_token(STORE_UPDATE, 1), ERROR_LEASE_LOST);
}

Test(store_lease, a_renewal_keeps_its_token_and_the_version)
{
    lease("daemon-1", 0, 1000, false);
    const int64_t version = stored().version;
    const struct store_job renewed = lease("daemon-1", 1, LONG_MS, false);

    cr_expect_eq(renewed.error.kind, ERROR_NONE);
    cr_expect_eq(renewed.session.lease.token, 1);
    cr_expect_eq(stored().lease.ttl_ms, LONG_MS);
    cr_expect_eq(stored().version, version);
}

Test(store_lease, the_same_owner_without_its_token_is_a_new_incarnation)
{
    lease("daemon-1", 0, LONG_MS, false);
    cr_expect_eq(lease("daemon-1", 0, LONG_MS, false).session.lease.token, 2);
    cr_expect_eq(lease("daemon-1", 1, LONG_MS, false).error.kind, ERROR_LEASE_LOST);
    cr_expect_eq(run_with_token(STORE_UPDATE, 1), ERROR_LEASE_LOST);
    cr_expect_eq(run_with_token(STORE_UPDATE, 2), ERROR_NONE);
}

Test(store_lease, a_token_passes_for_its_own_owner_alone)
{
    lease("daemon-1", 0, LONG_MS, false);
    cr_expect_eq(lease("daemon-2", 1, LONG_MS, false).error.kind, ERROR_LEASE_HELD);
    cr_expect_eq(lease("daemon-2", 1, LONG_MS, true).error.kind, ERROR_LEASE_HELD);
}

Test(store_lease, a_token_that_has_ended_takes_no_lease)
{
    lease("daemon-1", 0, LONG_MS, false);
    lease("daemon-2", 0, LONG_MS, true);
    for (int steal = 0; steal < 2; steal++) {
        cr_expect_eq(lease("daemon-1", 1, LONG_MS, steal).error.kind, ERROR_LEASE_LOST);
        cr_expect_eq(lease("daemon-2", 1, LONG_MS, steal).error.kind, ERROR_LEASE_LOST);
    }
    cr_expect_eq(run_with_token(STORE_RELEASE, 2), ERROR_NONE);
    cr_expect_eq(lease("daemon-1", 1, LONG_MS, true).error.kind, ERROR_LEASE_LOST);
    cr_expect_eq(lease("daemon-1", 0, LONG_MS, false).session.lease.token, 3);
}

static void put(void)
{
    struct store_job job = {
        .operation = STORE_PUT,
        .project_path = SLICE_LITERAL("/p"),
        .thread_id = SLICE_LITERAL("t"),
        .context = SLICE_LITERAL("{}"),
    };

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    store_job_release(&job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    cr_assert(job.created);
}

Test(store_lease, tokens_never_repeat_for_an_id)
{
    for (int64_t token = 1; token <= 3; token++)
        cr_expect_eq(lease("daemon-1", 0, LONG_MS, false).session.lease.token, token);
    cr_assert_eq(run_with_token(STORE_DELETE, 3), ERROR_NONE);
    put();
    for (int64_t token = 1; token <= 3; token++) {
        cr_expect_eq(run_with_token(STORE_UPDATE, token), ERROR_LEASE_LOST);
        cr_expect_eq(run_with_token(STORE_RELEASE, token), ERROR_LEASE_LOST);
    }
    cr_expect_eq(lease("daemon-1", 0, LONG_MS, false).session.lease.token, 4);
    for (int64_t token = 1; token <= 3; token++)
        cr_expect_eq(run_with_token(STORE_UPDATE, token), ERROR_LEASE_LOST);
    cr_expect_eq(run_with_token(STORE_UPDATE, 4), ERROR_NONE);
}

/* The session that comes back has an older token than the one that was deleted. */
Test(store_lease, tokens_do_not_repeat_after_an_import)
{
    const char *const forget = "UPDATE sessions SET lease_token = 1";

    for (int i = 0; i < 3; i++)
        lease("daemon-1", 0, LONG_MS, false);
    cr_assert_eq(run_with_token(STORE_DELETE, 3), ERROR_NONE);
    put();
    free(fixture_sql(&fixture, forget));
    cr_expect_eq(lease("daemon-1", 0, LONG_MS, false).session.lease.token, 4);
}

/* A corrupt file: the next token would overflow, or be the same as the last one. */
Test(store_lease, a_token_that_cannot_grow_gives_no_lease)
{
    static const char *const highest[] = {"9007199254740992", "9223372036854775807"};
    char sql[96];

    for (size_t i = 0; i < 2; i++) {
        snprintf(sql, sizeof(sql), "UPDATE sessiond_leases SET token_floor = %s", highest[i]);
        free(fixture_sql(&fixture, sql));
        const struct store_job job = lease("daemon-1", 0, LONG_MS, false);
        cr_expect_eq(job.error.kind, ERROR_INTERNAL);
        cr_expect(strstr(job.error.detail, "sessiond check"), "%s", job.error.detail);
        cr_expect_null(stored().lease.owner.data);
    }
    free(fixture_sql(&fixture, "UPDATE sessiond_leases SET token_floor = 9007199254740991"));
    cr_expect_eq(lease("daemon-1", 0, LONG_MS, false).session.lease.token, INT64_C(1) << 53);
    cr_expect_eq(run_with_token(STORE_UPDATE, INT64_C(1) << 53), ERROR_NONE);
}

Test(store_lease, only_the_current_token_writes_while_a_lease_is_held)
{
    static const enum store_operation writes[] = {STORE_UPDATE, STORE_DELETE};

    cr_expect_eq(run_with_token(STORE_UPDATE, 0), ERROR_NONE, "nobody holds it");
    cr_expect_eq(run_with_token(STORE_UPDATE, 1), ERROR_LEASE_LOST, "a token of no lease");
    lease("daemon-1", 0, LONG_MS, false);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(run_with_token(writes[i], 0), ERROR_LEASE_HELD);
        cr_expect_eq(run_with_token(writes[i], 2), ERROR_LEASE_LOST);
        cr_expect_eq(run_with_token(writes[i], 1), ERROR_NONE);
    }
}

Test(store_lease, a_release_pauses_and_can_be_repeated)
{
    lease("daemon-1", 0, LONG_MS, false);
    cr_expect_eq(run_with_token(STORE_RELEASE, 0), ERROR_LEASE_HELD);
    cr_expect_eq(run_with_token(STORE_RELEASE, 1), ERROR_NONE);
    cr_expect_eq(stored().status, SESSION_PAUSED);
    cr_expect_null(stored().lease.owner.data);
    cr_expect_eq(stored().recovered_us, 0, "nobody was found gone");
    cr_expect_eq(run_with_token(STORE_RELEASE, 1), ERROR_NONE, "it is released");
    cr_expect_eq(run_with_token(STORE_RELEASE, 2), ERROR_LEASE_LOST);
    cr_expect_eq(run_with_token(STORE_RELEASE, 0), ERROR_NO_LEASE);
    cr_expect_eq(lease("daemon-2", 0, LONG_MS, false).session.lease.token, 2);
}

Test(store_lease, a_terminated_session_takes_no_lease_and_ends_the_one_it_has)
{
    struct store_job end = {
        .operation = STORE_UPDATE,
        .has_status = true,
        .status = SESSION_TERMINATED,
        .fence = {true, 1},
    };

    lease("daemon-1", 0, LONG_MS, false);
    memcpy(end.id, id, UUID_SIZE);
    fixture_run(&fixture, &end);
    store_job_release(&end);
    cr_expect_eq(end.error.kind, ERROR_NONE);
    cr_expect_null(stored().lease.owner.data);
    cr_expect_eq(lease("daemon-1", 0, LONG_MS, false).error.kind, ERROR_INVALID_TRANSITION);
}

Test(store_lease, an_expired_lease_pauses_and_marks_the_session)
{
    struct store_stats stats;

    lease("daemon-1", 0, 20, false);
    await_expiry();
    const struct session session = stored();
    cr_expect_eq(session.status, SESSION_PAUSED);
    cr_expect_gt(session.recovered_us, session.created_us);
    cr_expect_eq(session.updated_us, session.recovered_us);
    cr_expect_eq(session.version, 3);
    cr_expect_eq(run_with_token(STORE_UPDATE, 1), ERROR_LEASE_LOST);
    store_stats(fixture.store, &stats);
    cr_expect_eq(stats.counts[STORE_LEASES_EXPIRED], 1);
    cr_expect_eq(stats.sessions[SESSION_PAUSED], 1);
    cr_expect_eq(stats.sessions[SESSION_ACTIVE], 0);
}

Test(store_lease, a_renewed_lease_outlives_its_first_term)
{
    lease("daemon-1", 0, 50, false);
    cr_expect_eq(lease("daemon-1", 1, LONG_MS, false).error.kind, ERROR_NONE);
    nanosleep(&(struct timespec){.tv_nsec = 120000000}, NULL);
    cr_expect_not_null(stored().lease.owner.data);
}

Test(store_lease, expires_at_is_fixed_when_the_term_begins)
{
    const int64_t told_us = lease("daemon-1", 0, LONG_MS, false).session.lease.expires_us;

    cr_expect_eq(stored().lease.expires_us, told_us);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    cr_expect_eq(stored().lease.expires_us, told_us);
    cr_expect_lt(stored().lease.left_us, INT64_C(1000) * LONG_MS - 20000);
    const int64_t renewed_us = lease("daemon-1", 1, LONG_MS, false).session.lease.expires_us;
    cr_expect_gt(renewed_us, told_us);
    cr_expect_eq(stored().lease.expires_us, renewed_us);
}

Test(store_lease, an_expired_lease_marks_a_session_that_its_owner_paused)
{
    const enum session_status paused = SESSION_PAUSED;
    struct store_job pause = {
        .operation = STORE_UPDATE, .has_status = true, .status = paused, .fence = {true, 1}};

    lease("daemon-1", 0, 100, false);
    memcpy(pause.id, id, UUID_SIZE);
    fixture_run(&fixture, &pause);
    store_job_release(&pause);
    cr_assert_eq(pause.error.kind, ERROR_NONE, "%s", pause.error.detail);
    await_expiry();
    cr_expect_eq(stored().status, SESSION_PAUSED);
    cr_expect_eq(stored().recovered_us, stored().updated_us);
}

Test(store_lease, a_restart_gives_every_lease_its_whole_term_again)
{
    struct error err;

    const int64_t told_us = lease("daemon-1", 0, 200, false).session.lease.expires_us;
    fixture_close(&fixture);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    cr_expect_not_null(stored().lease.owner.data, "downtime does not count");
    cr_expect_gt(stored().lease.expires_us, told_us, "a new term has begun");
    cr_expect_eq(run_with_token(STORE_UPDATE, 1), ERROR_NONE);
    await_expiry();
    cr_expect_eq(stored().status, SESSION_PAUSED);
}

/* More than get their new term in one turn: none of them may show the old one. */
Test(store_lease, a_start_gives_all_leases_their_terms_before_it_serves)
{
    struct error err;

    lease("daemon-1", 0, LONG_MS, false);
    fixture_close(&fixture);
    free(fixture_sql(
        &fixture, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
                  "INSERT INTO sessions (seq, id, project_path, thread_id, status, created_at,"
                  " updated_at, context_bytes, context, lease_owner, lease_token, lease_ttl_ms,"
                  " lease_deadline_us) SELECT i, printf('b0a4c7de-0000-4000-8000-%012d', i), '/p',"
                  " 't', 'ACTIVE', created_at, updated_at, 2, '{}', 'd', 1, 3600000, i"
                  " FROM n, sessions"));
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions WHERE lease_deadline_us <= 600", "0");
    fixture_expect(&fixture, "SELECT count(*) FROM lease_terms", "601");
}

/* Of a corrupt file: a term that overflows, and deadlines that no lease can have. */
Test(store_lease, a_start_gives_a_corrupt_lease_a_deadline, .timeout = 20)
{
    static const char *const corruptions[] = {
        "lease_ttl_ms = -9223372036854775807, lease_deadline_us = -9223372036854775807",
        "lease_ttl_ms = 9223372036854775807, lease_deadline_us = 1",
        "lease_ttl_ms = 'x', lease_deadline_us = 'x'",
        "lease_deadline_us = x'00'",
        "lease_deadline_us = 1e30",
        "lease_deadline_us = -1e30",
    };
    struct error err;
    char sql[160];

    lease("daemon-1", 0, LONG_MS, false);
    for (size_t i = 0; i < sizeof(corruptions) / sizeof(corruptions[0]); i++) {
        fixture_close(&fixture);
        snprintf(sql, sizeof(sql), "UPDATE sessions SET lease_owner = 'a', %s", corruptions[i]);
        free(fixture_sql(&fixture, sql));
        cr_assert(fixture_open(&fixture, &err), "%s: %s", corruptions[i], err.detail);
        fixture_expect(&fixture,
                       "SELECT coalesce(typeof(lease_deadline_us), 'null') = 'integer'"
                       " OR lease_owner IS NULL FROM sessions",
                       "1");
    }
}

Test(store_lease, stats_count_what_happened)
{
    struct store_stats stats;

    lease("daemon-1", 0, LONG_MS, false);
    lease("daemon-2", 0, LONG_MS, false);
    lease("daemon-2", 0, LONG_MS, true);
    run_with_token(STORE_UPDATE, 0);
    run_with_token(STORE_UPDATE, 1);
    store_stats(fixture.store, &stats);
    cr_expect_eq(stats.counts[STORE_LEASES_GRANTED], 2);
    cr_expect_eq(stats.counts[STORE_LEASES_STOLEN], 1);
    cr_expect_eq(stats.counts[STORE_WRITES_FENCED], 2, "a refused lease is no fenced write");
}
