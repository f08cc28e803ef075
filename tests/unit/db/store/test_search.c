/* What is found, and what is not any more, through the store's door. */

#include "tests/unit/support/store_fixture.h"

#include "db/store/stats.h"
#include "routes/core/buffer.h"
#include "routes/search/text_extract.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct store_fixture fixture;

static void open_store(void)
{
    struct error err;

    fixture_init(&fixture);
    fixture.options.search_text = search_text;
    fixture.options.search_rule = SEARCH_EXTRACTOR_VERSION;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void reopen(store_extract_fn text_of, int rule)
{
    struct error err;

    fixture_close(&fixture);
    fixture.options.search_text = text_of;
    fixture.options.search_rule = rule;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_search, .init = open_store, .fini = release, .timeout = 60);

static void append(const char *id, const char *stream, const char *json)
{
    const struct store_new_entry entry = {.text = slice_from(json)};
    struct store_job job = {
        .operation = STORE_APPEND,
        .append = {.stream = slice_from(stream), .entries = &entry, .count = 1},
    };

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    store_job_release(&job);
}

static enum store_visit show(void *arg, const struct store_hit *hit)
{
    struct buffer *out = arg;
    size_t at = 0;

    if (hit->stream.data == NULL)
        buffer_add_text(out, "context");
    else
        buffer_printf(out, "%.*s:%d", (int)hit->stream.len, hit->stream.data, (int)hit->seq);
    buffer_add_char(out, ' ');
    for (size_t i = 0; i < hit->mark_count; i++) {
        const struct store_mark *mark = &hit->marks[i];
        buffer_add(out, (struct slice){hit->snippet.data + at, mark->from - at});
        buffer_printf(out, "[%.*s]", (int)(mark->to - mark->from), hit->snippet.data + mark->from);
        at = mark->to;
    }
    buffer_add(out, (struct slice){hit->snippet.data + at, hit->snippet.len - at});
    buffer_add_char(out, '\n');
    return STORE_VISIT_NEXT;
}

/* Runs a search; the job has been released. */
static struct store_job search(struct store_search_query query, struct buffer *out)
{
    struct store_job job = {.operation = STORE_SEARCH, .visit_arg = out};

    query.limit = query.limit == 0 ? 20 : query.limit;
    job.search.query = query;
    job.search.visit = show;
    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job;
}

static void expect_of(struct store_search_query query, const char *wanted)
{
    struct buffer found = {0};
    const struct store_job job = search(query, &found);

    cr_expect_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    buffer_add_char(&found, '\0');
    cr_expect_str_eq(found.data, wanted, "%.*s", (int)query.text.len, query.text.data);
    buffer_release(&found);
}

static void expect(const char *text, const char *wanted)
{
    expect_of((struct store_search_query){.text = slice_from(text)}, wanted);
}

static bool is_complete(void)
{
    struct buffer found = {0};
    const struct store_job job =
        search((struct store_search_query){.text = SLICE_LITERAL("none")}, &found);

    buffer_release(&found);
    return job.search.complete;
}

/* Until the chore has worked off the backlog. */
static void wait_until_complete(void)
{
    for (int i = 0; i < 500 && !is_complete(); i++)
        usleep(20000);
    cr_assert(is_complete());
}

Test(store_search, contexts_and_entries_are_found_by_their_words)
{
    char id[UUID_SIZE];

    fixture_create(&fixture, "/p", "t", "{\"note\":\"the disk is full\"}", id);
    fixture_create(&fixture, "/p", "t", "{}", NULL);
    append(id, "", "{\"type\":\"text\",\"text\":\"a disk that spins\"}");
    append(id, "sub/a", "{\"text\":\"no such thing\"}");
    expect("disk", ":1 a [disk] that spins\ncontext the [disk] is full\n");
    expect("disk full", "context the [disk] is [full]\n");
    expect("DISK that", ":1 a [disk] [that] spins\n");
    expect("thing", "sub/a:1 no such [thing]\n");
    expect("text", "");
    expect("\"disk is\"", "context the [disk is] full\n");
    expect("\"is disk\"", "");
    expect("spi*", ":1 a disk that [spins]\n");
    expect("\"that spi\"*", ":1 a disk [that spins]\n");
}

Test(store_search, what_is_no_word_separates)
{
    char id[UUID_SIZE];

    fixture_create(&fixture, "/p", "t", "{\"f\":\"/home/me/caf\\u00e9-menu.txt\"}", id);
    expect("cafe-menu.txt", "context /home/me/[caf\xc3\xa9-menu.txt]\n");
    expect("me/CAF\xc3\x89", "context /home/[me/caf\xc3\xa9]-menu.txt\n");
    expect("NOT home", "");
    expect("menu OR nothing", "");
    expect("text:home", "");
}

Test(store_search, a_change_is_found_at_once_and_what_it_replaces_is_not)
{
    const enum session_status active = SESSION_ACTIVE;
    char id[UUID_SIZE];

    fixture_create(&fixture, "/p", "t", "{\"a\":\"before\"}", id);
    cr_assert_eq(fixture_update(&fixture, id, NULL, "{\"a\":\"after\"}"), ERROR_NONE);
    expect("before", "");
    expect("after", "context [after]\n");
    cr_assert_eq(fixture_update(&fixture, id, &active, NULL), ERROR_NONE);
    expect("after", "context [after]\n");
    cr_assert_eq(fixture_update(&fixture, id, NULL, "{\"a\":1}"), ERROR_NONE);
    expect("after", "");
}

Test(store_search, filters_leave_out_other_sessions)
{
    const enum session_status active = SESSION_ACTIVE;
    char one[UUID_SIZE];
    char two[UUID_SIZE];

    fixture_create(&fixture, "/a", "t", "{\"x\":\"word one\"}", one);
    fixture_create(&fixture, "/b", "u", "{\"x\":\"word two\"}", two);
    append(one, "", "{\"x\":\"word three\"}");
    cr_assert_eq(fixture_update(&fixture, one, &active, NULL), ERROR_NONE);
    expect_of((struct store_search_query){.text = SLICE_LITERAL("word"),
                                          .project_path = SLICE_LITERAL("/b")},
              "context [word] two\n");
    expect_of(
        (struct store_search_query){.text = SLICE_LITERAL("word"), .thread_id = SLICE_LITERAL("t")},
        ":1 [word] three\ncontext [word] one\n");
    expect_of((struct store_search_query){.text = SLICE_LITERAL("word"),
                                          .statuses = 1U << SESSION_CREATED},
              "context [word] two\n");
}

Test(store_search, a_stream_that_does_not_fit_is_jumped_over)
{
    char one[UUID_SIZE];
    char two[UUID_SIZE];

    fixture_create(&fixture, "/a", "t", "{}", one);
    fixture_create(&fixture, "/b", "t", "{}", two);
    append(one, "", "{\"x\":\"word\"}");
    for (int i = 0; i < 150; i++)
        append(two, "", "{\"x\":\"word\"}");
    expect_of((struct store_search_query){.text = SLICE_LITERAL("word"),
                                          .project_path = SLICE_LITERAL("/a")},
              ":1 [word]\n");
}

Test(store_search, pages_show_every_hit_once_the_best_first)
{
    struct buffer pages = {0};
    struct buffer whole = {0};
    struct store_search_query query = {.text = SLICE_LITERAL("word"), .limit = 3};
    struct store_job job;
    char id[UUID_SIZE];
    char json[128];

    fixture_create(&fixture, "/a", "t", "{\"x\":\"word in a context\"}", id);
    for (int i = 0; i < 10; i++) {
        snprintf(json, sizeof(json), "{\"x\":\"word %s%s number%d\"}", i % 3 == 0 ? "word " : "",
                 i % 2 == 0 ? "with some more of them" : "", i);
        append(id, "", json);
    }
    for (int page = 0; page < 4; page++) {
        job = search(query, &pages);
        query.after = job.search.last;
        cr_expect_eq(job.search.more, page < 3);
        append(id, "", "{\"x\":\"something else, added in between\"}");
    }
    query = (struct store_search_query){.text = SLICE_LITERAL("word"), .limit = 100};
    job = search(query, &whole);
    cr_expect(slice_equal(buffer_slice(&pages), buffer_slice(&whole)), "%.*s\n--\n%.*s",
              (int)pages.len, pages.data, (int)whole.len, whole.data);
    cr_expect(strncmp(whole.data, ":10 [word] [word]", 17) == 0, "%.*s", (int)whole.len,
              whole.data);
    buffer_release(&pages);
    buffer_release(&whole);
}

static void remove_session(const char *id)
{
    struct store_job job = {.operation = STORE_DELETE};

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE);
    store_job_release(&job);
}

static void wait_for(const char *sql, const char *wanted)
{
    char *found = NULL;

    for (int i = 0; i < 500; i++) {
        free(found);
        found = fixture_sql(&fixture, sql);
        if (found != NULL && strcmp(found, wanted) == 0)
            break;
        usleep(20000);
    }
    cr_expect_str_eq(found, wanted, "%s", sql);
    free(found);
}

Test(store_search, a_deleted_session_is_gone_at_once_and_its_text_soon)
{
    char id[UUID_SIZE];
    char kept[UUID_SIZE];

    fixture_create(&fixture, "/a", "t", "{\"x\":\"secret context\"}", id);
    fixture_create(&fixture, "/a", "t", "{\"x\":\"secret too\"}", kept);
    for (int i = 0; i < 100; i++)
        append(id, "", "{\"x\":\"secret entry\"}");
    remove_session(id);
    expect("secret", "context [secret] too\n");
    wait_until_complete();
    wait_for("SELECT count(*) FROM search_contexts_docsize", "1");
    wait_for("SELECT count(*) FROM search_entries_docsize", "0");
    wait_for("SELECT count(*) FROM search_entries('secret')", "0");
    wait_for("SELECT count(*) FROM search_contexts('secret')", "1");
}

Test(store_search, what_was_there_before_is_indexed_by_and_by)
{
    char id[UUID_SIZE];

    reopen(NULL, 0);
    fixture_create(&fixture, "/a", "t", "{\"x\":\"early word\"}", id);
    for (int i = 0; i < 300; i++)
        append(id, "", "{\"x\":\"early entry\"}");
    struct buffer out = {0};
    const struct store_job job =
        search((struct store_search_query){.text = SLICE_LITERAL("early")}, &out);
    cr_expect_eq(job.error.kind, ERROR_NO_SEARCH);
    fixture_expect(&fixture, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'search%'", "0");

    reopen(search_text, SEARCH_EXTRACTOR_VERSION);
    append(id, "", "{\"x\":\"late entry\"}");
    append(id, "other", "{\"x\":\"late entry\"}");
    fixture_create(&fixture, "/a", "t", "{\"x\":\"late word\"}", NULL);
    cr_assert_eq(fixture_update(&fixture, id, NULL, "{\"x\":\"changed word\"}"), ERROR_NONE);
    wait_until_complete();
    fixture_expect(&fixture, "SELECT count(*) FROM search_entries('early')", "300");
    fixture_expect(&fixture, "SELECT count(*) FROM search_entries('late')", "2");
    fixture_expect(&fixture, "SELECT count(*) FROM search_entries_docsize", "302");
    expect("word", "context late [word]\ncontext changed [word]\n");
    fixture_expect(&fixture,
                   "INSERT INTO search_entries(search_entries) VALUES ('integrity-check');"
                   "INSERT INTO search_contexts(search_contexts) VALUES ('integrity-check');"
                   "SELECT 1",
                   "1");
    cr_expect_not_null(strstr(fixture.notices, "search_indexing: "));
    cr_expect_not_null(strstr(fixture.notices, "search_indexed: "));
}

Test(store_search, another_rule_makes_the_index_anew)
{
    fixture_create(&fixture, "/a", "t", "{\"x\":\"word\"}", NULL);
    wait_until_complete();
    reopen(search_text, SEARCH_EXTRACTOR_VERSION + 1);
    wait_until_complete();
    expect("word", "context [word]\n");
    fixture_expect(&fixture, "SELECT rule FROM search_rule", "2");
    reopen(search_text, SEARCH_EXTRACTOR_VERSION + 1);
    cr_expect(is_complete());
}

Test(store_search, what_another_program_writes_is_found)
{
    char id[UUID_SIZE];

    fixture_create(&fixture, "/a", "t", "{\"x\":\"ours\"}", id);
    fixture_create(&fixture, "/a", "t", "{\"x\":\"doomed\"}", NULL);
    wait_until_complete();
    fixture_close(&fixture);
    free(fixture_sql(
        &fixture, "UPDATE sessions SET context = '{\"x\":\"theirs\"}' WHERE context LIKE '%ours%';"
                  "DELETE FROM sessions WHERE context LIKE '%doomed%';"
                  "INSERT INTO sessions (id, project_path, thread_id, status, created_at,"
                  " updated_at, context) VALUES ('b0a4c7de-0000-4000-8000-000000000000', '/x',"
                  " 't', 'ACTIVE', '2026-01-25T12:00:00+00:00', '2026-01-25T12:00:00+00:00',"
                  " '{\"x\":\"new there\"}')"));
    reopen(search_text, SEARCH_EXTRACTOR_VERSION);
    wait_until_complete();
    expect("ours", "");
    expect("doomed", "");
    expect("theirs", "context [theirs]\n");
    expect("there", "context new [there]\n");
    fixture_expect(&fixture, "SELECT count(*) FROM search_contexts", "2");
}

Test(store_search, a_batch_that_is_long_is_indexed_by_and_by)
{
    enum { COUNT = 2000 };
    struct store_new_entry *entries = calloc(COUNT, sizeof(*entries));
    struct buffer json = {0};
    struct store_job job = {.operation = STORE_APPEND,
                            .append = {.entries = entries, .count = COUNT}};
    char id[UUID_SIZE];

    buffer_add_text(&json, "{\"x\":\"");
    for (int i = 0; i < 100; i++)
        buffer_add_text(&json, "long word ");
    buffer_add_text(&json, "\"}");
    for (int i = 0; i < COUNT; i++)
        entries[i].text = buffer_slice(&json);
    fixture_create(&fixture, "/a", "t", "{}", id);
    memcpy(job.id, id, UUID_SIZE);
    job.append.stream = SLICE_LITERAL("");
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    store_job_release(&job);
    cr_expect_not(is_complete());
    append(id, "", "{\"x\":\"short word\"}");
    wait_until_complete();
    fixture_expect(&fixture, "SELECT count(*) FROM search_entries('long')", "2000");
    fixture_expect(&fixture, "SELECT count(*) FROM search_entries('short')", "1");
    free(entries);
    buffer_release(&json);
}

Test(store_search, a_query_without_a_word_is_refused_by_name)
{
    static const char *const texts[] = {"", " ", "\"\"", "*", "-- !", "ab*", "\x01", "\"a\"*"};
    struct buffer out = {0};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct store_job job =
            search((struct store_search_query){.text = slice_from(texts[i])}, &out);
        cr_expect_eq(job.error.kind, ERROR_INVALID_QUERY, "%s", texts[i]);
        cr_expect_str_eq(job.error.field, "q");
    }
}
