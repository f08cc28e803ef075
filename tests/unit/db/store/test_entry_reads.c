/* What the store shows of a log: ranges, streams, sums, and what is left when its session has gone.
 */

#include "tests/unit/support/entries_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

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

TestSuite(store_entry_reads, .init = open_store, .fini = release);

static void expect_shown(const struct store_entry_query *query, const char *wanted,
                         struct store_entry_page *page)
{
    struct entries_shown shown = {0};
    struct error err;

    cr_assert(store_entries(fixture.store, query, entries_show, &shown, page, &err), "%s",
              err.detail);
    cr_expect_str_eq(shown.text, wanted);
}

Test(store_entry_reads, a_range_is_read_in_either_order)
{
    struct store_entry_query query = entries_query(id, "main");
    struct store_entry_page page;

    entries_append_letters(&fixture, id, "main", "abcdef");
    entries_append_letters(&fixture, id, "next", "xyz");
    query.after = 1;
    query.before = 5;
    expect_shown(&query, "2:b 3:c 4:d ", &page);
    cr_expect(!page.more && page.last == 4 && page.last_seq == 6);
    query.descending = true;
    expect_shown(&query, "4:d 3:c 2:b ", &page);
    cr_expect(!page.more && page.last == 2);
    query.limit = 2;
    expect_shown(&query, "4:d 3:c ", &page);
    cr_expect(page.more && page.last == 3);
    query = entries_query(id, "main");
    query.limit = 6;
    expect_shown(&query, "1:a 2:b 3:c 4:d 5:e 6:f ", &page);
    cr_expect_not(page.more);
    query.after = 6;
    expect_shown(&query, "", &page);
    cr_expect(!page.more && page.last == 0 && page.last_seq == 6);
    query.after = INT64_MAX;
    expect_shown(&query, "", &page);
    query = entries_query(id, "main");
    query.before = INT64_MAX;
    query.descending = true;
    query.limit = 1;
    expect_shown(&query, "6:f ", &page);
    cr_expect(page.more);
}

Test(store_entry_reads, what_is_refused_is_left_for_the_next_page)
{
    const struct store_entry_query query = entries_query(id, "main");
    struct entries_shown shown = {.stop_after = 2};
    struct store_entry_page page;
    struct error err;

    entries_append_letters(&fixture, id, "main", "abc");
    cr_assert(store_entries(fixture.store, &query, entries_show, &shown, &page, &err));
    cr_expect_str_eq(shown.text, "1:a 2:b ");
    cr_expect(page.more && page.last == 2);
}

Test(store_entry_reads, a_long_read_is_a_job)
{
    struct entries_shown shown = {0};
    struct store_job job = {
        .operation = STORE_ENTRIES,
        .entry_read = {.query = entries_query(id, "main"), .visit = entries_show, .arg = &shown},
    };

    entries_append_letters(&fixture, id, "main", "ab");
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect_str_eq(shown.text, "1:a 2:b ");
    cr_expect_eq(job.entry_read.page.last_seq, 2);
    store_job_release(&job);
    uuid_make(job.entry_read.query.id);
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NOT_FOUND);
    store_job_release(&job);
}

static enum store_visit copy(void *arg, const struct session *session)
{
    *(struct session *)arg = *session;
    return STORE_VISIT_NEXT;
}

Test(store_entry_reads, a_session_shows_how_many_there_are_and_stays_as_it_is)
{
    const struct store_new_entry entry[] = {PLAIN("{\"text\":\"é\"}")};
    struct session before;
    struct session after;
    struct store_page page;
    struct error err;
    const struct store_list_query all = {.limit = 1};

    cr_assert(store_get(fixture.store, id, copy, &before, &err));
    cr_expect(before.entry_count == 0 && before.entry_bytes == 0);
    entries_append(&fixture, id, "main", entry, 1);
    entries_append(&fixture, id, "side", entry, 1);
    cr_assert(store_get(fixture.store, id, copy, &after, &err));
    cr_expect_eq(after.entry_count, 2);
    cr_expect_eq(after.entry_bytes, 2 * (int64_t)entry[0].text.len);
    cr_expect_eq(after.version, before.version);
    cr_expect_eq(after.updated_us, before.updated_us);
    after = (struct session){0};
    cr_assert(store_list(fixture.store, &all, copy, &after, &page, &err));
    cr_expect_eq(after.entry_count, 2);
}

struct streams_shown {
    char text[512];
};

static enum store_visit show_stream(void *arg, const struct store_stream *stream)
{
    struct streams_shown *shown = arg;
    const size_t used = strlen(shown->text);

    cr_expect_gt(stream->updated_us, 0);
    snprintf(shown->text + used, sizeof(shown->text) - used, "%.*s:%ld:%ld ", (int)stream->name.len,
             stream->name.data, (long)stream->last_seq, (long)stream->bytes);
    return STORE_VISIT_NEXT;
}

static void expect_streams(const char *after, int limit, const char *wanted, bool more_wanted)
{
    struct streams_shown shown = {0};
    struct error err;
    bool more = !more_wanted;

    cr_assert(store_streams(fixture.store, id, slice_from(after), limit, show_stream, &shown, &more,
                            &err),
              "%s", err.detail);
    cr_expect_str_eq(shown.text, wanted);
    cr_expect_eq(more, more_wanted);
}

Test(store_entry_reads, streams_are_listed_by_name)
{
    char missing[UUID_SIZE];
    struct error err;
    bool more;

    expect_streams("", 10, "", false);
    entries_append_letters(&fixture, id, "b", "xx");
    entries_append_letters(&fixture, id, "a", "y");
    entries_append_letters(&fixture, id, "c/d", "z");
    expect_streams("", 10, "a:1:1 b:2:2 c/d:1:1 ", false);
    expect_streams("", 2, "a:1:1 b:2:2 ", true);
    expect_streams("b", 2, "c/d:1:1 ", false);
    expect_streams("d", 2, "", false);
    uuid_make(missing);
    cr_expect_not(store_streams(fixture.store, missing, SLICE_LITERAL(""), 1, show_stream, NULL,
                                &more, &err));
    cr_expect_eq(err.kind, ERROR_NOT_FOUND);
}

static void remove_session(void)
{
    struct store_job job = {.operation = STORE_DELETE};

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE);
    store_job_release(&job);
}

static void put_session(void)
{
    struct store_job job = {.operation = STORE_PUT,
                            .project_path = SLICE_LITERAL("/p"),
                            .thread_id = SLICE_LITERAL("t"),
                            .context = SLICE_LITERAL("{}")};

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    cr_assert(job.created);
    store_job_release(&job);
}

Test(store_entry_reads, a_session_made_anew_sees_no_old_entries)
{
    struct store_entry_query query = entries_query(id, "main");
    const struct store_new_entry entry[] = {ENTRY("1", "u")};
    struct store_entry_page page;
    struct session session;
    struct error err;

    entries_append(&fixture, id, "main", entry, 1);
    expect_shown(&query, "1:1 ", &page);
    remove_session();
    put_session();
    cr_assert(store_get(fixture.store, id, copy, &session, &err));
    cr_expect_eq(session.entry_count, 0);
    entries_expect(&fixture, id, "main", "");
    query.session_seq = page.session_seq;
    cr_expect_not(store_entries(fixture.store, &query, entries_show, NULL, &page, &err));
    cr_expect_eq(err.kind, ERROR_NOT_FOUND, "it is another session");
    const struct store_new_entry other[] = {ENTRY("2", "u")};
    const struct store_job job = entries_append(&fixture, id, "main", other, 1);
    cr_expect_eq(job.append.appended, 1, "%s", job.error.detail);
    entries_expect(&fixture, id, "main", "1:2 ");
}

Test(store_entry_reads, another_programs_delete_takes_the_log_along)
{
    const struct store_new_entry entry[] = {ENTRY("1", "u")};
    struct error err;

    entries_append(&fixture, id, "main", entry, 1);
    entries_append(&fixture, id, "side", entry, 1);
    fixture_close(&fixture);
    free(fixture_sql(&fixture, "DELETE FROM sessions"));
    fixture_expect(&fixture, "SELECT count(*) FROM streams", "0");
    fixture_expect(&fixture, "SELECT count(*) FROM logs", "0");
    fixture_expect(&fixture, "SELECT count(*) FROM discarded_streams", "2");
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static enum store_visit count_event(void *arg, const struct store_event *event)
{
    (void)event;
    ++*(int *)arg;
    return STORE_VISIT_NEXT;
}

Test(store_entry_reads, an_append_is_in_its_sessions_timeline)
{
    const struct store_event_query timeline = {
        .timeline = true, .session_id = {id, UUID_LENGTH}, .limit = 10, .scan = 100};
    const struct store_new_entry entry[] = {PLAIN("1")};
    struct store_event_page page;
    struct error err;
    int events = 0;

    entries_append(&fixture, id, "main", entry, 1);
    cr_assert(store_events(fixture.store, &timeline, count_event, &events, &page, &err), "%s",
              err.detail);
    cr_expect_eq(events, 2, "its creation and the append, not %d", events);
}
