/* Appending to a log through the store's door: numbers, uuids, who may, what is told of it. */

#include "tests/unit/support/entries_fixture.h"

#include "db/store/stats.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct store_fixture fixture;
static char id[UUID_SIZE];

static void open_store(void)
{
    struct error err;

    fixture_init(&fixture);
    fixture.options.checkpoint_pages =
        100000; /* a test measures the log, which a checkpoint empties */
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    fixture_create(&fixture, "/p", "t", "{}", id);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_entries, .init = open_store, .fini = release);

static void expect_appended(const struct store_job *job, int64_t appended, int64_t duplicates,
                            int64_t last_seq)
{
    cr_expect_eq(job->error.kind, ERROR_NONE, "%s", job->error.detail);
    cr_expect_eq(job->append.appended, appended, "%ld", (long)job->append.appended);
    cr_expect_eq(job->append.duplicates, duplicates, "%ld", (long)job->append.duplicates);
    cr_expect_eq(job->append.last_seq, last_seq, "%ld", (long)job->append.last_seq);
}

Test(store_entries, each_gets_the_next_seq_of_its_stream)
{
    const struct store_new_entry two[] = {PLAIN("{\"a\":1}"), PLAIN("{\"b\":2}")};
    struct store_job job = entries_append(&fixture, id, "main", two, 2);

    expect_appended(&job, 2, 0, 2);
    cr_expect_eq(job.append.first_seq, 1);
    job = entries_append(&fixture, id, "side", two, 1);
    expect_appended(&job, 1, 0, 1);
    job = entries_append(&fixture, id, "main", two, 1);
    expect_appended(&job, 1, 0, 3);
    cr_expect_eq(job.append.first_seq, 3);
    entries_expect(&fixture, id, "main", "1:{\"a\":1} 2:{\"b\":2} 3:{\"a\":1} ");
    entries_expect(&fixture, id, "side", "1:{\"a\":1} ");
    entries_expect(&fixture, id, "never", "");
}

Test(store_entries, a_session_has_at_most_max_streams)
{
    static const char *const names[] = {"1", "2", "3", "4"};
    const struct store_new_entry one[] = {PLAIN("{}")};
    char other[UUID_SIZE];
    struct store_stats stats;
    struct error err;

    fixture_close(&fixture);
    fixture.options.max_streams = 3;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    for (size_t i = 0; i < 3; i++) {
        const struct store_job job = entries_append(&fixture, id, names[i], one, 1);
        expect_appended(&job, 1, 0, 1);
    }
    struct store_job job = entries_append(&fixture, id, names[3], one, 1);
    cr_expect_eq(job.error.kind, ERROR_DATABASE_FULL, "%s", job.error.detail);
    cr_expect(strstr(job.error.detail, "3 streams") &&
                  strstr(job.error.detail, "--max-streams-per-session"),
              "%s", job.error.detail);
    fixture_expect(&fixture, "SELECT count(*) FROM streams", "3");
    fixture_expect(&fixture, "SELECT count(*) FROM entries", "3");
    store_stats(fixture.store, &stats);
    cr_expect_eq(stats.counts[STORE_QUOTA_REJECTED], 1);
    job = entries_append(&fixture, id, names[3], NULL, 0);
    expect_appended(&job, 0, 0, 0);
    job = entries_append(&fixture, id, names[0], one, 1);
    expect_appended(&job, 1, 0, 2);
    fixture_create(&fixture, "/p", "t", "{}", other);
    job = entries_append(&fixture, other, names[3], one, 1);
    expect_appended(&job, 1, 0, 1);
}

Test(store_entries, nothing_appended_makes_no_stream)
{
    const struct store_job job = entries_append(&fixture, id, "main", NULL, 0);

    expect_appended(&job, 0, 0, 0);
    cr_expect_eq(job.append.first_seq, 0);
    fixture_expect(&fixture, "SELECT count(*) FROM streams", "0");
}

Test(store_entries, the_same_uuid_with_the_same_text_is_a_duplicate)
{
    const struct store_new_entry first[] = {ENTRY("1", "u1"), PLAIN("2"), ENTRY("3", "u3")};
    const struct store_new_entry second[] = {ENTRY("3", "u3"), ENTRY("4", "u4"), ENTRY("1", "u1"),
                                             PLAIN("2")};
    struct store_job job = entries_append(&fixture, id, "main", first, 3);

    expect_appended(&job, 3, 0, 3);
    job = entries_append(&fixture, id, "main", second, 4);
    expect_appended(&job, 2, 2, 5);
    cr_expect_eq(job.append.first_seq, 4);
    entries_expect(&fixture, id, "main", "1:1 2:2 3:3 4:4 5:2 ");
    job = entries_append(&fixture, id, "other", second, 4);
    expect_appended(&job, 4, 0, 4);
}

Test(store_entries, duplicates_alone_write_nothing)
{
    const struct store_new_entry entry[] = {ENTRY("1", "u")};

    entries_append(&fixture, id, "main", entry, 1);
    char *before = fixture_sql(&fixture, "SELECT updated_us FROM streams");
    const struct store_job job = entries_append(&fixture, id, "main", entry, 1);
    expect_appended(&job, 0, 1, 1);
    cr_expect_eq(job.append.first_seq, 0);
    fixture_expect(&fixture, "SELECT updated_us FROM streams", before);
    free(before);
}

Test(store_entries, a_uuid_may_stand_twice_in_one_batch)
{
    const struct store_new_entry entries[] = {ENTRY("1", "b"), ENTRY("2", "a"), ENTRY("1", "b"),
                                              ENTRY("3", "c"), ENTRY("2", "a")};
    const struct store_job job = entries_append(&fixture, id, "main", entries, 5);

    expect_appended(&job, 3, 2, 3);
    entries_expect(&fixture, id, "main", "1:1 2:2 3:3 ");
}

static void expect_conflict(const struct store_new_entry *entries, size_t count, size_t index)
{
    const struct store_job job = entries_append(&fixture, id, "main", entries, count);

    cr_expect_eq(job.error.kind, ERROR_ENTRY_CONFLICT);
    cr_expect_eq(job.append.conflict, index, "%zu, not %zu", job.append.conflict, index);
}

Test(store_entries, the_same_uuid_with_another_text_appends_nothing)
{
    const struct store_new_entry stored[] = {ENTRY("1", "u")};
    const struct store_new_entry other[] = {PLAIN("0"), ENTRY("7", "v"), ENTRY("2", "u")};
    const struct store_new_entry in_one_batch[] = {ENTRY("7", "z"), ENTRY("7", "y"),
                                                   ENTRY("8", "z"), ENTRY("8", "y")};
    const struct store_new_entry both[] = {ENTRY("1", "u"), ENTRY("1", "u"), ENTRY("2", "u"),
                                           ENTRY("3", "u")};

    entries_append(&fixture, id, "main", stored, 1);
    expect_conflict(other, 3, 2);
    expect_conflict(in_one_batch, 4, 2);
    expect_conflict(both, 4, 2);
    entries_expect(&fixture, id, "main", "1:1 ");
    fixture_expect(&fixture, "SELECT count(*) FROM entry_uuids", "1");
}

Test(store_entries, a_prefix_is_another_uuid)
{
    const struct store_new_entry entries[] = {ENTRY("1", "uu"), ENTRY("2", "u"), ENTRY("3", "uuu")};
    const struct store_job job = entries_append(&fixture, id, "main", entries, 3);

    expect_appended(&job, 3, 0, 3);
}

Test(store_entries, the_last_seq_may_be_expected)
{
    const struct store_new_entry entry[] = {PLAIN("1")};
    struct store_job job;

    entries_fill(&job, id, "main", entry, 1);
    job.append.has_expected = true;
    fixture_run(&fixture, &job);
    expect_appended(&job, 1, 0, 1);
    store_job_release(&job);

    entries_fill(&job, id, "main", entry, 1);
    job.append.has_expected = true;
    job.append.expected = 2;
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_PRECONDITION_FAILED);
    cr_expect_eq(job.append.last_seq, 1);
    store_job_release(&job);
    entries_expect(&fixture, id, "main", "1:1 ");
}

Test(store_entries, a_missing_session_has_no_log)
{
    const struct store_new_entry entry[] = {PLAIN("1")};
    struct store_entry_page page;
    struct error err;

    uuid_make(id);
    const struct store_job job = entries_append(&fixture, id, "main", entry, 1);
    cr_expect_eq(job.error.kind, ERROR_NOT_FOUND);
    const struct store_entry_query query = entries_query(id, "main");
    cr_expect_not(store_entries(fixture.store, &query, entries_show, NULL, &page, &err));
    cr_expect_eq(err.kind, ERROR_NOT_FOUND);
}

Test(store_entries, a_lease_keeps_others_from_appending)
{
    const struct store_new_entry entry[] = {PLAIN("1")};
    struct store_job lease = {
        .operation = STORE_LEASE, .owner = SLICE_LITERAL("me"), .ttl_ms = 60000};
    struct store_job job;

    memcpy(lease.id, id, UUID_SIZE);
    fixture_run(&fixture, &lease);
    cr_assert_eq(lease.error.kind, ERROR_NONE);
    job = entries_append(&fixture, id, "main", entry, 1);
    cr_expect_eq(job.error.kind, ERROR_LEASE_HELD);
    entries_fill(&job, id, "main", entry, 1);
    job.fence = (struct store_fence){true, lease.session.lease.token};
    fixture_run(&fixture, &job);
    expect_appended(&job, 1, 0, 1);
    store_job_release(&job);
    store_job_release(&lease);
}

Test(store_entries, a_session_that_is_over_still_takes_entries)
{
    const enum session_status over = SESSION_TERMINATED;
    const struct store_new_entry entry[] = {PLAIN("1")};

    cr_assert_eq(fixture_update(&fixture, id, &over, NULL), ERROR_NONE);
    const struct store_job job = entries_append(&fixture, id, "main", entry, 1);
    expect_appended(&job, 1, 0, 1);
}

Test(store_entries, they_are_counted)
{
    const struct store_new_entry entries[] = {ENTRY("12", "u"), PLAIN("345"), ENTRY("12", "u")};
    struct store_stats stats;

    entries_append(&fixture, id, "main", entries, 3);
    store_stats(fixture.store, &stats);
    cr_expect_eq(stats.counts[STORE_ENTRIES_APPENDED], 2);
    cr_expect_eq(stats.counts[STORE_ENTRIES_DUPLICATE], 1);
    cr_expect_eq(stats.counts[STORE_ENTRIES_BYTES], 5);
}

#define EVENTS "FROM events WHERE type = 7"

Test(store_entries, a_batch_is_one_event)
{
    const struct store_new_entry entries[] = {ENTRY("1", "u"), PLAIN("2")};

    entries_append(&fixture, id, "main", entries, 2);
    entries_append(&fixture, id, "main", entries, 1);
    fixture_expect(&fixture, "SELECT count(*) " EVENTS, "1");
    entries_append(&fixture, id, "main", entries, 2);
    fixture_expect(&fixture, "SELECT group_concat(stream || first_seq || '-' || last_seq) " EVENTS,
                   "main1-2,main3-3");
    fixture_expect(&fixture, "SELECT max(id) = (SELECT max(created_us) FROM entries) " EVENTS, "1");
}

static int64_t log_pages(void)
{
    struct store_stats stats;

    store_stats(fixture.store, &stats);
    return stats.wal_bytes / 4096;
}

/* The session's row ends with its context: an append neither reads nor writes it. */
Test(store_entries, an_append_leaves_a_large_context_alone)
{
    const struct store_new_entry entry[] = {ENTRY("{\"uuid\":\"u\"}", "u")};
    const size_t len = 4 << 20;
    char *context = malloc(len + 1);

    memset(context, 'x', len);
    memcpy(context, "{\"a\":\"", 6);
    memcpy(context + len - 2, "\"}", 3);
    fixture_create(&fixture, "/p", "t", context, id);
    free(context);
    const int64_t before = log_pages();
    cr_expect_gt(before, 1000, "the context is in the log");
    const struct store_job job = entries_append(&fixture, id, "main", entry, 1);
    expect_appended(&job, 1, 0, 1);
    cr_expect_leq(log_pages() - before, 12, "%ld pages", (long)(log_pages() - before));
}
