/* Entries through the store's door: their numbers, their uuids, who may append, what a read shows.
 */

#include "store_fixture.h"

#include "db/store_figures.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct store_fixture fixture;
static char id[ID_SIZE];

static void open_store(void)
{
    fixture_start(&fixture);
    fixture_create(&fixture, "/p", "t", "{}", id);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_entries, .init = open_store, .fini = release);

#define ENTRY(json, name)                                                                          \
    {                                                                                              \
        SLICE_LITERAL(json), SLICE_LITERAL(name)                                                   \
    }
#define PLAIN(json)                                                                                \
    {                                                                                              \
        SLICE_LITERAL(json),                                                                       \
        {                                                                                          \
            NULL, 0                                                                                \
        }                                                                                          \
    }

static void fill(struct store_job *job, const char *stream, const struct store_new_entry *entries,
                 size_t count)
{
    *job = (struct store_job){
        .operation = STORE_APPEND,
        .append = {.stream = slice_from(stream), .entries = entries, .count = count},
    };
    memcpy(job->id, id, ID_SIZE);
}

static struct store_job append(const char *stream, const struct store_new_entry *entries,
                               size_t count)
{
    struct store_job job;

    fill(&job, stream, entries, count);
    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job;
}

static void expect_appended(const struct store_job *job, int64_t appended, int64_t duplicates,
                            int64_t last_seq)
{
    cr_expect_eq(job->error.kind, ERROR_NONE, "%s", job->error.detail);
    cr_expect_eq(job->append.appended, appended, "%ld", (long)job->append.appended);
    cr_expect_eq(job->append.duplicates, duplicates, "%ld", (long)job->append.duplicates);
    cr_expect_eq(job->append.last_seq, last_seq, "%ld", (long)job->append.last_seq);
}

/* What a read shows, as "seq:text " each. */
struct shown {
    char text[4096];
    int stop_after; /* 0: never */
    int count;
};

static enum store_visit show(void *arg, const struct store_entry *entry)
{
    struct shown *shown = arg;
    const size_t used = strlen(shown->text);

    cr_expect_gt(entry->created_us, 0);
    if (shown->stop_after != 0 && shown->count == shown->stop_after)
        return STORE_VISIT_STOP;
    shown->count++;
    snprintf(shown->text + used, sizeof(shown->text) - used, "%ld:%.*s ", (long)entry->seq,
             (int)entry->text.len, entry->text.data);
    return STORE_VISIT_NEXT;
}

static struct store_entry_query query_of(const char *stream)
{
    struct store_entry_query query = {.stream = slice_from(stream), .limit = 100};

    memcpy(query.id, id, ID_SIZE);
    return query;
}

static void expect_shown(const struct store_entry_query *query, const char *wanted,
                         struct store_entry_page *page)
{
    struct shown shown = {0};
    struct error err;

    cr_assert(store_entries(fixture.store, query, show, &shown, page, &err), "%s", err.detail);
    cr_expect_str_eq(shown.text, wanted);
}

static void expect_stream(const char *stream, const char *wanted)
{
    const struct store_entry_query query = query_of(stream);
    struct store_entry_page page;

    expect_shown(&query, wanted, &page);
    cr_expect_not(page.more);
}

static void append_letters(const char *stream, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        const struct store_new_entry entry = {{letters, 1}, {NULL, 0}};
        const struct store_job job = append(stream, &entry, 1);
        cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    }
}

Test(store_entries, each_gets_the_next_seq_of_its_stream)
{
    const struct store_new_entry two[] = {PLAIN("{\"a\":1}"), PLAIN("{\"b\":2}")};
    struct store_job job = append("main", two, 2);

    expect_appended(&job, 2, 0, 2);
    cr_expect_eq(job.append.first_seq, 1);
    job = append("side", two, 1);
    expect_appended(&job, 1, 0, 1);
    job = append("main", two, 1);
    expect_appended(&job, 1, 0, 3);
    cr_expect_eq(job.append.first_seq, 3);
    expect_stream("main", "1:{\"a\":1} 2:{\"b\":2} 3:{\"a\":1} ");
    expect_stream("side", "1:{\"a\":1} ");
    expect_stream("never", "");
}

Test(store_entries, nothing_appended_makes_no_stream)
{
    const struct store_job job = append("main", NULL, 0);

    expect_appended(&job, 0, 0, 0);
    cr_expect_eq(job.append.first_seq, 0);
    fixture_expect(&fixture, "SELECT count(*) FROM streams", "0");
}

Test(store_entries, the_same_uuid_with_the_same_text_is_a_duplicate)
{
    const struct store_new_entry first[] = {ENTRY("1", "u1"), PLAIN("2"), ENTRY("3", "u3")};
    const struct store_new_entry second[] = {ENTRY("3", "u3"), ENTRY("4", "u4"), ENTRY("1", "u1"),
                                             PLAIN("2")};
    struct store_job job = append("main", first, 3);

    expect_appended(&job, 3, 0, 3);
    job = append("main", second, 4);
    expect_appended(&job, 2, 2, 5);
    cr_expect_eq(job.append.first_seq, 4);
    expect_stream("main", "1:1 2:2 3:3 4:4 5:2 ");
    job = append("other", second, 4);
    expect_appended(&job, 4, 0, 4);
}

Test(store_entries, duplicates_alone_write_nothing)
{
    const struct store_new_entry entry[] = {ENTRY("1", "u")};

    append("main", entry, 1);
    char *before = fixture_sql(&fixture, "SELECT updated_us FROM streams");
    const struct store_job job = append("main", entry, 1);
    expect_appended(&job, 0, 1, 1);
    cr_expect_eq(job.append.first_seq, 0);
    fixture_expect(&fixture, "SELECT updated_us FROM streams", before);
    free(before);
}

Test(store_entries, a_uuid_may_stand_twice_in_one_batch)
{
    const struct store_new_entry entries[] = {ENTRY("1", "b"), ENTRY("2", "a"), ENTRY("1", "b"),
                                              ENTRY("3", "c"), ENTRY("2", "a")};
    const struct store_job job = append("main", entries, 5);

    expect_appended(&job, 3, 2, 3);
    expect_stream("main", "1:1 2:2 3:3 ");
}

static void expect_conflict(const struct store_new_entry *entries, size_t count, size_t index)
{
    const struct store_job job = append("main", entries, count);

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

    append("main", stored, 1);
    expect_conflict(other, 3, 2);
    expect_conflict(in_one_batch, 4, 2);
    expect_conflict(both, 4, 2);
    expect_stream("main", "1:1 ");
    fixture_expect(&fixture, "SELECT count(*) FROM entry_uuids", "1");
}

Test(store_entries, a_prefix_is_another_uuid)
{
    const struct store_new_entry entries[] = {ENTRY("1", "uu"), ENTRY("2", "u"), ENTRY("3", "uuu")};
    const struct store_job job = append("main", entries, 3);

    expect_appended(&job, 3, 0, 3);
}

Test(store_entries, the_last_seq_may_be_expected)
{
    const struct store_new_entry entry[] = {PLAIN("1")};
    struct store_job job;

    fill(&job, "main", entry, 1);
    job.append.has_expected = true;
    fixture_run(&fixture, &job);
    expect_appended(&job, 1, 0, 1);
    store_job_release(&job);

    fill(&job, "main", entry, 1);
    job.append.has_expected = true;
    job.append.expected = 2;
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_PRECONDITION_FAILED);
    cr_expect_eq(job.append.last_seq, 1);
    store_job_release(&job);
    expect_stream("main", "1:1 ");
}

Test(store_entries, a_missing_session_has_no_log)
{
    const struct store_new_entry entry[] = {PLAIN("1")};
    struct store_entry_page page;
    struct error err;

    id_make(id);
    const struct store_job job = append("main", entry, 1);
    cr_expect_eq(job.error.kind, ERROR_NOT_FOUND);
    const struct store_entry_query query = query_of("main");
    cr_expect_not(store_entries(fixture.store, &query, show, NULL, &page, &err));
    cr_expect_eq(err.kind, ERROR_NOT_FOUND);
}

Test(store_entries, a_lease_keeps_others_from_appending)
{
    const struct store_new_entry entry[] = {PLAIN("1")};
    struct store_job lease = {
        .operation = STORE_LEASE, .owner = SLICE_LITERAL("me"), .ttl_ms = 60000};
    struct store_job job;

    memcpy(lease.id, id, ID_SIZE);
    fixture_run(&fixture, &lease);
    cr_assert_eq(lease.error.kind, ERROR_NONE);
    job = append("main", entry, 1);
    cr_expect_eq(job.error.kind, ERROR_LEASE_HELD);
    fill(&job, "main", entry, 1);
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
    const struct store_job job = append("main", entry, 1);
    expect_appended(&job, 1, 0, 1);
}

Test(store_entries, a_range_is_read_in_either_order)
{
    struct store_entry_query query = query_of("main");
    struct store_entry_page page;

    append_letters("main", "abcdef");
    append_letters("next", "xyz");
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
    query = query_of("main");
    query.limit = 6;
    expect_shown(&query, "1:a 2:b 3:c 4:d 5:e 6:f ", &page);
    cr_expect_not(page.more);
    query.after = 6;
    expect_shown(&query, "", &page);
    cr_expect(!page.more && page.last == 0 && page.last_seq == 6);
    query.after = INT64_MAX;
    expect_shown(&query, "", &page);
    query = query_of("main");
    query.before = INT64_MAX;
    query.descending = true;
    query.limit = 1;
    expect_shown(&query, "6:f ", &page);
    cr_expect(page.more);
}

Test(store_entries, what_is_refused_is_left_for_the_next_page)
{
    const struct store_entry_query query = query_of("main");
    struct shown shown = {.stop_after = 2};
    struct store_entry_page page;
    struct error err;

    append_letters("main", "abc");
    cr_assert(store_entries(fixture.store, &query, show, &shown, &page, &err));
    cr_expect_str_eq(shown.text, "1:a 2:b ");
    cr_expect(page.more && page.last == 2);
}

Test(store_entries, a_long_read_is_a_job)
{
    struct shown shown = {0};
    struct store_job job = {
        .operation = STORE_ENTRIES,
        .entry_read = {.query = query_of("main"), .visit = show, .arg = &shown},
    };

    append_letters("main", "ab");
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect_str_eq(shown.text, "1:a 2:b ");
    cr_expect_eq(job.entry_read.page.last_seq, 2);
    store_job_release(&job);
    id_make(job.entry_read.query.id);
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NOT_FOUND);
    store_job_release(&job);
}

static enum store_visit copy(void *arg, const struct session *session)
{
    *(struct session *)arg = *session;
    return STORE_VISIT_NEXT;
}

Test(store_entries, a_session_shows_how_many_there_are_and_stays_as_it_is)
{
    const struct store_new_entry entry[] = {PLAIN("{\"text\":\"é\"}")};
    struct session before;
    struct session after;
    struct store_page page;
    struct error err;
    const struct store_list_query all = {.limit = 1};

    cr_assert(store_get(fixture.store, id, copy, &before, &err));
    cr_expect(before.entry_count == 0 && before.entry_bytes == 0);
    append("main", entry, 1);
    append("side", entry, 1);
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

Test(store_entries, streams_are_listed_by_name)
{
    char missing[ID_SIZE];
    struct error err;
    bool more;

    expect_streams("", 10, "", false);
    append_letters("b", "xx");
    append_letters("a", "y");
    append_letters("c/d", "z");
    expect_streams("", 10, "a:1:1 b:2:2 c/d:1:1 ", false);
    expect_streams("", 2, "a:1:1 b:2:2 ", true);
    expect_streams("b", 2, "c/d:1:1 ", false);
    expect_streams("d", 2, "", false);
    id_make(missing);
    cr_expect_not(store_streams(fixture.store, missing, SLICE_LITERAL(""), 1, show_stream, NULL,
                                &more, &err));
    cr_expect_eq(err.kind, ERROR_NOT_FOUND);
}

static void remove_session(void)
{
    struct store_job job = {.operation = STORE_DELETE};

    memcpy(job.id, id, ID_SIZE);
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

    memcpy(job.id, id, ID_SIZE);
    fixture_run(&fixture, &job);
    cr_assert(job.created);
    store_job_release(&job);
}

Test(store_entries, a_session_made_anew_sees_no_old_entries)
{
    struct store_entry_query query = query_of("main");
    const struct store_new_entry entry[] = {ENTRY("1", "u")};
    struct store_entry_page page;
    struct session session;
    struct error err;

    append("main", entry, 1);
    expect_shown(&query, "1:1 ", &page);
    remove_session();
    put_session();
    cr_assert(store_get(fixture.store, id, copy, &session, &err));
    cr_expect_eq(session.entry_count, 0);
    expect_stream("main", "");
    query.session_seq = page.session_seq;
    cr_expect_not(store_entries(fixture.store, &query, show, NULL, &page, &err));
    cr_expect_eq(err.kind, ERROR_NOT_FOUND, "it is another session");
    const struct store_new_entry other[] = {ENTRY("2", "u")};
    const struct store_job job = append("main", other, 1);
    expect_appended(&job, 1, 0, 1);
    expect_stream("main", "1:2 ");
}

Test(store_entries, another_programs_delete_takes_the_log_along)
{
    const struct store_new_entry entry[] = {ENTRY("1", "u")};
    struct error err;

    append("main", entry, 1);
    append("side", entry, 1);
    fixture_close(&fixture);
    free(fixture_sql(&fixture, "DELETE FROM sessions"));
    fixture_expect(&fixture, "SELECT count(*) FROM streams", "0");
    fixture_expect(&fixture, "SELECT count(*) FROM logs", "0");
    fixture_expect(&fixture, "SELECT count(*) FROM discarded_streams", "2");
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

Test(store_entries, they_are_counted)
{
    const struct store_new_entry entries[] = {ENTRY("12", "u"), PLAIN("345"), ENTRY("12", "u")};
    struct store_figures figures;

    append("main", entries, 3);
    store_figures(fixture.store, &figures);
    cr_expect_eq(figures.counts[STORE_ENTRIES_APPENDED], 2);
    cr_expect_eq(figures.counts[STORE_ENTRIES_DUPLICATE], 1);
    cr_expect_eq(figures.counts[STORE_ENTRIES_BYTES], 5);
}

#define EVENTS "FROM events WHERE type = 7"

Test(store_entries, a_batch_is_one_event)
{
    const struct store_new_entry entries[] = {ENTRY("1", "u"), PLAIN("2")};

    append("main", entries, 2);
    append("main", entries, 1);
    fixture_expect(&fixture, "SELECT count(*) " EVENTS, "1");
    append("main", entries, 2);
    fixture_expect(&fixture, "SELECT group_concat(stream || first_seq || '-' || last_seq) " EVENTS,
                   "main1-2,main3-3");
    fixture_expect(&fixture, "SELECT max(id) = (SELECT max(created_us) FROM entries) " EVENTS, "1");
}

static enum store_visit count_event(void *arg, const struct store_event *event)
{
    (void)event;
    ++*(int *)arg;
    return STORE_VISIT_NEXT;
}

Test(store_entries, an_append_is_in_its_sessions_timeline)
{
    const struct store_event_query timeline = {
        .timeline = true, .session_id = {id, ID_LENGTH}, .limit = 10, .scan = 100};
    const struct store_new_entry entry[] = {PLAIN("1")};
    struct store_event_page page;
    struct error err;
    int events = 0;

    append("main", entry, 1);
    cr_assert(store_events(fixture.store, &timeline, count_event, &events, &page, &err), "%s",
              err.detail);
    cr_expect_eq(events, 2, "its creation and the append, not %d", events);
}
