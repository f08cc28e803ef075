/* Forks through the store's door: what a fork has, up to where, and that the two then part. */

#include "tests/unit/support/store_fixture.h"

#include "db/store/stats.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct store_fixture fixture;
static char id[UUID_SIZE];

static void open_store(void)
{
    fixture_start(&fixture);
    fixture_create(&fixture, "/p", "t", "{\"a\":1}", id);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_fork, .init = open_store, .fini = release);

/* Appends `count` entries {"n":1}, … with uuids u1, … from `first` on, in batches. */
static enum error_kind append(const char *to, const char *stream, int first, int count)
{
    enum { BATCH = 500 };
    static char texts[BATCH][32];
    static char uuids[BATCH][16];
    struct store_new_entry entries[BATCH];
    struct store_job job;

    for (int done = 0; done < count; done += BATCH) {
        const int size = count - done < BATCH ? count - done : BATCH;
        for (int i = 0; i < size; i++) {
            snprintf(texts[i], sizeof(texts[i]), "{\"n\":%d}", first + done + i);
            snprintf(uuids[i], sizeof(uuids[i]), "u%d", first + done + i);
            entries[i] = (struct store_new_entry){slice_from(texts[i]), slice_from(uuids[i])};
        }
        job = (struct store_job){
            .operation = STORE_APPEND,
            .append = {.stream = slice_from(stream), .entries = entries, .count = (size_t)size}};
        memcpy(job.id, to, UUID_SIZE);
        fixture_run(&fixture, &job);
        store_job_release(&job);
        if (job.error.kind != ERROR_NONE)
            return job.error.kind;
    }
    return ERROR_NONE;
}

/* at_seq below 0: all. The new session's id is in `fork`. */
static struct store_job make_fork(int64_t at_seq, char fork[UUID_SIZE])
{
    struct store_job job = {
        .operation = STORE_FORK,
        .fork = {.stream = SLICE_LITERAL("main"), .has_at_seq = at_seq >= 0, .at_seq = at_seq}};

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    if (job.error.kind == ERROR_NONE)
        memcpy(fork, job.session.id.data, UUID_LENGTH);
    fork[UUID_LENGTH] = '\0';
    return job;
}

static void fork_well(int64_t at_seq, char fork[UUID_SIZE])
{
    struct store_job job = make_fork(at_seq, fork);

    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    store_job_release(&job);
}

/* Expects the first value of a query in which $ is the fork's id. */
static void expect(const char *fork, const char *query, const char *wanted)
{
    const int before = (int)strcspn(query, "$");
    char sql[512];

    snprintf(sql, sizeof(sql), "%.*s%s%s", before, query, fork, query + before + 1);
    fixture_expect(&fixture, sql, wanted);
}

#define STREAM_OF "FROM sessions JOIN streams ON session_seq = seq WHERE id = '$'"
#define ENTRIES_OF                                                                                 \
    "FROM sessions s JOIN streams t ON t.session_seq = s.seq JOIN entries ON key >> 32 = number"   \
    " WHERE id = '$'"

Test(store_fork, it_has_what_the_parent_has)
{
    struct store_stats stats;
    char fork[UUID_SIZE];

    append(id, "main", 1, 5);
    append(id, "subagents/a", 1, 3);
    struct store_job job = make_fork(-1, fork);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    cr_expect(job.created);
    cr_expect(slice_is(job.session.context, "{\"a\":1}"));
    cr_expect(slice_is(job.session.project_path, "/p"));
    cr_expect(slice_is(job.session.thread_id, "t"));
    cr_expect_eq(job.session.status, SESSION_CREATED);
    cr_expect_eq(job.session.version, 1);
    cr_expect_eq(job.session.entry_count, 8);
    cr_expect_eq(job.session.entry_bytes, 8 * 7);
    store_job_release(&job);
    store_stats(fixture.store, &stats);
    cr_expect_eq(stats.counts[STORE_FORKS], 1);
    cr_expect_str_neq(fork, id);
    expect(fork, "SELECT parent_id FROM logs JOIN sessions ON seq = session_seq WHERE id = '$'",
           id);
    expect(fork, "SELECT group_concat(name || last_seq || '/' || bytes) " STREAM_OF,
           "main5/35,subagents/a3/21");
    expect(fork, "SELECT group_concat(entry, '') " ENTRIES_OF " AND name = 'main'",
           "{\"n\":1}{\"n\":2}{\"n\":3}{\"n\":4}{\"n\":5}");
    fixture_expect(&fixture, "SELECT count(DISTINCT created_us) || '/' || count(*) FROM entries",
                   "2/16");
    fixture_expect(&fixture, "SELECT count(*) FROM discarded_streams", "0");
}

Test(store_fork, the_two_part)
{
    char fork[UUID_SIZE];

    append(id, "main", 1, 5);
    fork_well(-1, fork);
    cr_expect_eq(append(fork, "main", 4, 3), ERROR_NONE);
    cr_expect_eq(append(id, "main", 7, 1), ERROR_NONE);
    expect(fork, "SELECT max(key & 0xffffffff) || entry " ENTRIES_OF, "6{\"n\":6}");
    expect(id, "SELECT max(key & 0xffffffff) || entry " ENTRIES_OF, "6{\"n\":7}");
    expect(fork, "SELECT version " STREAM_OF, "1");
}

Test(store_fork, up_to_an_entry_and_the_other_streams_as_of_then)
{
    char fork[UUID_SIZE];

    append(id, "subagents/a", 1, 2);
    append(id, "main", 1, 3);
    append(id, "subagents/a", 3, 1);
    append(id, "subagents/b", 1, 1);
    append(id, "main", 4, 1);
    fork_well(3, fork);
    expect(fork, "SELECT group_concat(name || last_seq) " STREAM_OF, "main3,subagents/a2");
    cr_expect_eq(append(fork, "main", 4, 1), ERROR_NONE);
    expect(fork, "SELECT max(last_seq) " STREAM_OF, "4");
    fork_well(0, fork);
    expect(fork, "SELECT count(*) " STREAM_OF, "0");
    expect(fork, "SELECT count(*) FROM logs JOIN sessions ON seq = session_seq WHERE id = '$'",
           "1");
}

Test(store_fork, there_is_no_entry_of_a_higher_seq)
{
    char fork[UUID_SIZE];

    append(id, "main", 1, 3);
    struct store_job job = make_fork(4, fork);
    cr_expect_eq(job.error.kind, ERROR_INVALID_PAYLOAD);
    cr_expect_str_eq(job.error.field, "/at_seq");
    store_job_release(&job);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "1");
}

Test(store_fork, of_nothing_there_is_none)
{
    char fork[UUID_SIZE];

    memcpy(id, "11111111-1111-4111-8111-111111111111", UUID_SIZE);
    struct store_job job = make_fork(-1, fork);
    cr_expect_eq(job.error.kind, ERROR_NOT_FOUND);
    store_job_release(&job);
}

Test(store_fork, its_events_tell_where_it_comes_from)
{
    char fork[UUID_SIZE];

    append(id, "main", 1, 3);
    fork_well(2, fork);
    expect(fork,
           "SELECT group_concat(type || coalesce(stream || first_seq || last_seq, ''), ' ')"
           " FROM (SELECT * FROM events WHERE session_id = '$' ORDER BY id)",
           "1 7main12");
    expect(fork, "SELECT from_value FROM events WHERE type = 1 AND session_id = '$'", id);
}

#define MANY 20000

Test(store_fork, a_large_one_is_whole_too)
{
    char fork[UUID_SIZE];

    append(id, "main", 1, MANY);
    append(id, "subagents/a", 1, 100);
    fork_well(MANY - 1, fork);
    expect(fork, "SELECT count(*) || '/' || sum(length(entry)) " ENTRIES_OF, "19999/208883");
    expect(fork,
           "SELECT entry_count || '/' || entry_bytes FROM sessions JOIN logs ON seq ="
           " session_seq WHERE id = '$'",
           "19999/208883");
    fixture_expect(&fixture,
                   "SELECT count(*) FROM entries a JOIN entries b ON b.key = a.key + (2 << 32) AND"
                   " b.entry = a.entry AND b.created_us = a.created_us WHERE a.key < 2 << 32",
                   "19999");
    cr_expect_eq(append(fork, "main", 1, 500), ERROR_NONE);
    expect(fork, "SELECT last_seq " STREAM_OF, "19999");
    fixture_expect(&fixture, "SELECT count(*) FROM discarded_streams", "0");
}

/* --- Limits ---------------------------------------------------------------------------------- */

#define FORKS 6

static void expect_one_session(int more)
{
    char wanted[16];

    snprintf(wanted, sizeof(wanted), "%d", 1 + more);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", wanted);
}

static void prepare_forks(struct store_job jobs[FORKS])
{
    cr_assert_eq(append(id, "main", 1, 2000), ERROR_NONE);
    for (int i = 0; i < FORKS; i++) {
        jobs[i] = (struct store_job){.operation = STORE_FORK,
                                     .client = i < 4 ? 1 : 2,
                                     .fork = {.stream = SLICE_LITERAL("main")}};
        memcpy(jobs[i].id, id, UUID_SIZE);
    }
}

static int run_forks(struct store_job jobs[FORKS], enum error_kind kind)
{
    int count = 0;

    fixture_run_all(&fixture, jobs, FORKS);
    for (int i = 0; i < FORKS; i++) {
        count += jobs[i].error.kind == kind;
        cr_expect(jobs[i].error.kind == kind || jobs[i].error.kind == ERROR_NONE, "%s",
                  jobs[i].error.detail);
        store_job_release(&jobs[i]);
    }
    return count;
}

static void open_with_limits(int64_t all, int64_t of_a_client)
{
    struct error err;

    fixture_close(&fixture);
    fixture.options.max_forks = all;
    fixture.options.max_client_forks = of_a_client;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

Test(store_fork, long_forks_beyond_the_limit_of_a_client_are_refused)
{
    static struct store_job jobs[FORKS];

    open_with_limits(100, 2);
    prepare_forks(jobs);
    cr_expect_eq(run_forks(jobs, ERROR_QUEUE_FULL), 2);
    cr_expect_eq(jobs[4].error.kind, ERROR_NONE, "the other client has its own");
    cr_expect_eq(jobs[5].error.kind, ERROR_NONE);
    expect_one_session(4);
}

Test(store_fork, long_forks_beyond_the_limit_are_refused)
{
    static struct store_job jobs[FORKS];

    open_with_limits(3, 100);
    prepare_forks(jobs);
    cr_expect_eq(run_forks(jobs, ERROR_QUEUE_FULL), 3);
    expect_one_session(3);
}

Test(store_fork, as_many_long_forks_as_the_limit_are_made)
{
    static struct store_job jobs[FORKS];

    open_with_limits(FORKS, 4);
    prepare_forks(jobs);
    cr_expect_eq(run_forks(jobs, ERROR_QUEUE_FULL), 0);
    expect_one_session(FORKS);
}

static bool is_client_gone(const struct store_job *job)
{
    return job->client == 1;
}

Test(store_fork, a_fork_whose_client_has_left_is_not_made)
{
    static struct store_job jobs[FORKS];

    prepare_forks(jobs);
    for (int i = 0; i < FORKS; i++)
        jobs[i].is_client_gone = is_client_gone;
    cr_expect_eq(run_forks(jobs, ERROR_CLIENT_LEFT), 4);
    expect_one_session(2);
}

Test(store_fork, a_fork_ends_when_the_database_has_reached_its_limit)
{
    char fork[UUID_SIZE];
    struct store_job job;
    struct error err;

    cr_assert_eq(append(id, "main", 1, 20000), ERROR_NONE);
    char *pages = fixture_sql(&fixture, "SELECT page_count * page_size"
                                        " FROM pragma_page_count, pragma_page_size");
    fixture_close(&fixture);
    /* The estimate counts the texts alone, which are short here. */
    fixture.options.max_db_bytes = strtoll(pages, NULL, 10) + 500000;
    free(pages);
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    job = make_fork(-1, fork);
    cr_expect_eq(job.error.kind, ERROR_DATABASE_FULL, "%s", job.error.detail);
    store_job_release(&job);
    expect_one_session(0);
}
