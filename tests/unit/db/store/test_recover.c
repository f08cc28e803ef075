/* Recovery and moves through the store's door: many sessions in one transaction. */

#include "tests/unit/support/store_fixture.h"

#include "db/store/stats.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct store_fixture fixture;

static void open_store(void)
{
    fixture_start(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_recover, .init = open_store, .fini = release);

static void activate(const char *id)
{
    const enum session_status active = SESSION_ACTIVE;

    cr_assert_eq(fixture_update(&fixture, id, &active, NULL), ERROR_NONE);
}

static void take(const char *id, const char *owner)
{
    struct store_job job = {
        .operation = STORE_LEASE, .owner = slice_from(owner), .ttl_ms = 3600000};

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    store_job_release(&job);
}

static enum store_visit copy_session(void *arg, const struct session *session)
{
    struct session *copy = arg;

    *copy = *session;
    return STORE_VISIT_NEXT;
}

static struct session stored(const char *id)
{
    struct session session;
    struct error err;

    cr_assert(store_get(fixture.store, id, copy_session, &session, &err), "%s", err.detail);
    return session;
}

/* The ids of the changed sessions, in a line. */
static void recover(const char *owner, char *line)
{
    struct store_job job = {
        .operation = STORE_RECOVER, .owner = slice_from(owner), .bulk = {.limit = 1000}};

    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    *line = '\0';
    for (size_t i = 0; i < job.bulk.changed_count; i++)
        line +=
            sprintf(line, "%.*s ", (int)job.bulk.changed[i].id.len, job.bulk.changed[i].id.data);
    store_job_release(&job);
}

/* 0: created, 1 and 2: active, 3: leased by daemon-1, 4: leased by daemon-2. */
static void fill(char ids[5][UUID_SIZE])
{
    for (int i = 0; i < 5; i++)
        fixture_create(&fixture, "/p", "t", "{}", ids[i]);
    activate(ids[1]);
    activate(ids[2]);
    take(ids[3], "daemon-1");
    take(ids[4], "daemon-2");
}

Test(store_recover, without_an_owner_all_that_no_lease_protects)
{
    struct store_stats stats;
    char ids[5][UUID_SIZE];
    char line[512];
    char wanted[512];

    fill(ids);
    recover(NULL, line);
    snprintf(wanted, sizeof(wanted), "%s %s ", ids[1], ids[2]);
    cr_expect_str_eq(line, wanted);
    cr_expect_eq(stored(ids[1]).status, SESSION_PAUSED);
    cr_expect_eq(stored(ids[1]).version, 3);
    cr_expect_gt(stored(ids[1]).recovered_us, 0);
    cr_expect_eq(stored(ids[1]).recovered_us, stored(ids[2]).recovered_us);
    cr_expect_eq(stored(ids[0]).status, SESSION_CREATED);
    cr_expect_eq(stored(ids[3]).status, SESSION_ACTIVE);
    recover(NULL, line);
    cr_expect_str_empty(line);
    store_stats(fixture.store, &stats);
    cr_expect_eq(stats.counts[STORE_SESSIONS_RECOVERED], 2);
    cr_expect_eq(stats.sessions[SESSION_PAUSED], 2);
}

Test(store_recover, an_owner_gets_its_own_and_loses_their_leases)
{
    char ids[5][UUID_SIZE];
    char line[512];
    char wanted[512];

    fill(ids);
    recover("daemon-1", line);
    snprintf(wanted, sizeof(wanted), "%s ", ids[3]);
    cr_expect_str_eq(line, wanted);
    cr_expect_eq(stored(ids[3]).status, SESSION_PAUSED);
    cr_expect_null(stored(ids[3]).lease.owner.data);
    cr_expect_eq(stored(ids[4]).status, SESSION_ACTIVE);
    cr_expect_eq(stored(ids[1]).status, SESSION_ACTIVE);
    recover("daemon-1", line);
    cr_expect_str_empty(line);
}

/* "old → new" for each, in a line. */
static enum error_kind relocate(const char *from, const char *to, bool dry_run, char *line)
{
    struct store_job job = {
        .operation = STORE_RELOCATE,
        .project_path = slice_from(from),
        .bulk = {.limit = 1000,
                 .destination = slice_from(to),
                 .max_path_bytes = 40,
                 .dry_run = dry_run},
    };

    fixture_run(&fixture, &job);
    *line = '\0';
    for (size_t i = 0; i < job.bulk.changed_count; i++)
        line += sprintf(line, "%.*s ", (int)job.bulk.changed[i].project_path.len,
                        job.bulk.changed[i].project_path.data);
    store_job_release(&job);
    return job.error.kind;
}

Test(store_recover, a_move_takes_the_folder_and_what_is_below_it)
{
    static const char *const paths[] = {"/a/b", "/a/bc", "/a/b/c", "/a/b0",
                                        "/a",   "/a/b/", "/a/b.c"};
    char ids[7][UUID_SIZE];
    char line[512];

    for (int i = 0; i < 7; i++)
        fixture_create(&fixture, paths[i], "t", "{}", ids[i]);
    cr_expect_eq(relocate("/a/b", "/x", true, line), ERROR_NONE);
    cr_expect_str_eq(line, "/x /x/c /x/ ");
    cr_expect_eq(stored(ids[0]).version, 1, "a dry run changes nothing");

    cr_expect_eq(relocate("/a/b", "/x", false, line), ERROR_NONE);
    cr_expect_str_eq(line, "/x /x/c /x/ ");
    cr_expect_eq(stored(ids[2]).version, 2);
    cr_expect_eq(stored(ids[1]).version, 1);
    cr_expect_eq(relocate("/a/b", "/x", false, line), ERROR_NONE);
    cr_expect_str_empty(line);
}

Test(store_recover, a_move_from_or_to_the_root)
{
    char line[512];

    fixture_create(&fixture, "/a", "t", "{}", NULL);
    fixture_create(&fixture, "relative", "t", "{}", NULL);
    cr_expect_eq(relocate("/", "/mnt", false, line), ERROR_NONE);
    cr_expect_str_eq(line, "/mnt/a ");
    cr_expect_eq(relocate("/mnt", "/", false, line), ERROR_NONE);
    cr_expect_str_eq(line, "/a ");
}

Test(store_recover, a_move_that_makes_a_path_too_long_moves_nothing)
{
    char id[UUID_SIZE];
    char line[512];

    fixture_create(&fixture, "/a/b", "t", "{}", id);
    fixture_create(&fixture, "/a/bbbbbbbbbbbbbbbbbbbbbbbbbbbb", "t", "{}", NULL);
    cr_expect_eq(relocate("/a", "/123456789012", false, line), ERROR_INVALID_PAYLOAD);
    cr_expect_eq(stored(id).version, 1);
}

/* A corrupt row: nothing behind its id may be read. */
Test(store_recover, a_path_that_would_be_too_long_is_refused_for_a_row_with_a_short_id)
{
    struct store_job job = {
        .operation = STORE_RELOCATE,
        .project_path = SLICE_LITERAL("/a"),
        .bulk = {.destination = SLICE_LITERAL("/123456789"), .max_path_bytes = 10},
    };
    char id[UUID_SIZE];

    fixture_create(&fixture, "/a/b", "t", "{}", id);
    free(fixture_sql(&fixture, "UPDATE sessions SET id = 'x'"));
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_INVALID_PAYLOAD);
    cr_expect_not_null(strstr(job.error.detail, "session x "), "%s", job.error.detail);
    store_job_release(&job);
}
