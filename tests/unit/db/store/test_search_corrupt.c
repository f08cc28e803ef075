/* A search index that is corrupt, or that another program made: the service starts, goes on, and
 * rebuilds it. */

#include "tests/unit/support/store_fixture.h"

#include "db/store/stats.h"
#include "routes/search/text_extract.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const damages[] = {
    "UPDATE search_entries_data SET block = x'ff' WHERE id >= 10",
    "UPDATE search_entries_data SET block = zeroblob(length(block)) WHERE id >= 10",
    "UPDATE search_entries_data SET block = x'00' WHERE id = 1",
    "UPDATE search_entries_data SET block = x'ffffffffffffffffff' WHERE id = 10",
    "DELETE FROM search_entries_data",
    "DELETE FROM search_entries_idx",
    "DELETE FROM search_entries_docsize",
    "DELETE FROM search_entries_config",
    "UPDATE search_entries_config SET v = 'a text' WHERE k = 'version'",
    "DROP TABLE search_entries_data",
    "DROP TABLE search_entries_docsize",
    "DROP TABLE search_entries_config",
    "DROP TABLE search_entries",
    "DROP TABLE search_entries; CREATE TABLE search_entries (x)",
    "DROP TABLE search_entries; CREATE VIEW search_entries AS SELECT 1",
    "DROP TABLE search_entries; CREATE VIRTUAL TABLE search_entries USING fts5(a, b)",
    "UPDATE search_contexts_data SET block = x'ff' WHERE id >= 10",
    "DELETE FROM search_contexts_data",
    "DROP TABLE search_contexts_content",
    "DROP TABLE search_contexts",
    "DROP TABLE search_backlog",
    "DROP TABLE search_backlog; CREATE VIEW search_backlog AS SELECT 1 AS first, 2 AS last",
    "DROP TABLE search_rule",
    "UPDATE search_rule SET folding = folding + 1",
    "UPDATE search_rule SET rule = 'a text'",
    "DROP TABLE search_rule; CREATE TABLE search_rule (x)",
    "DROP TRIGGER search_session_deleted; CREATE TRIGGER search_session_deleted"
    " AFTER DELETE ON sessions BEGIN SELECT raise(ABORT, 'foreign'); END",
};

#define DAMAGES (sizeof(damages) / sizeof(damages[0]))

static struct store_fixture fixture;
static char id[UUID_SIZE];

static void append(const char *json)
{
    const struct store_new_entry entry = {.text = slice_from(json)};
    struct store_job job = {
        .operation = STORE_APPEND,
        .append = {.stream = SLICE_LITERAL(""), .entries = &entry, .count = 1},
    };

    memcpy(job.id, id, UUID_SIZE);
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    store_job_release(&job);
}

static void delete_session(const char *session)
{
    struct store_job job = {.operation = STORE_DELETE};

    memcpy(job.id, session, UUID_SIZE);
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    store_job_release(&job);
}

static void open_store(void)
{
    struct error err;

    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void start(void)
{
    fixture_init(&fixture);
    fixture.options.search_text = search_text;
    fixture.options.search_rule = SEARCH_EXTRACTOR_VERSION;
    open_store();
    fixture_create(&fixture, "/p", "t", "{\"a\":\"word in a context\"}", id);
    for (int i = 0; i < 5; i++)
        append("{\"a\":\"word in an entry\"}");
}

static void stop(void)
{
    fixture_release(&fixture);
}

static enum store_visit count_hit(void *arg, const struct store_hit *hit)
{
    int *hits = arg;

    (void)hit;
    ++*hits;
    return STORE_VISIT_NEXT;
}

/* How many hits there are; -1 while the result is incomplete. */
static int search(void)
{
    int hits = 0;
    struct store_job job = {
        .operation = STORE_SEARCH,
        .visit_arg = &hits,
        .search = {.query = {.text = SLICE_LITERAL("word"), .limit = 100}, .visit = count_hit},
    };

    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    store_job_release(&job);
    return job.search.complete ? hits : -1;
}

static void expect_complete(int hits)
{
    int found = -1;

    for (int i = 0; i < 500 && found != hits; i++) {
        found = search();
        usleep(20000);
    }
    cr_expect_eq(found, hits, "%d hits; notices: %s", found, fixture.notices);
}

/* Changes everything that can be found, each of which has to succeed. */
static void write_all(void)
{
    char other[UUID_SIZE];

    append("{\"a\":\"word in an entry\"}");
    cr_expect_eq(fixture_update(&fixture, id, NULL, "{\"a\":\"another word\"}"), ERROR_NONE);
    fixture_create(&fixture, "/p", "t", "{\"a\":\"word in a context\"}", other);
    delete_session(other);
}

static void expect_sound(const char *entries)
{
    fixture_expect(
        &fixture,
        "INSERT INTO search_entries (search_entries) VALUES ('integrity-check');"
        "INSERT INTO search_contexts (search_contexts, rank) VALUES ('integrity-check', 1);"
        "SELECT count(*) FROM search_entries_docsize",
        entries);
    fixture_expect(&fixture, "SELECT count(*) FROM search_entries('word')", entries);
}

static struct criterion_test_params all_damages(void)
{
    static size_t indexes[DAMAGES];

    for (size_t i = 0; i < DAMAGES; i++)
        indexes[i] = i;
    return cr_make_param_array(size_t, indexes, DAMAGES);
}

ParameterizedTestParameters(store_search_corrupt, a_start_rebuilds_a_corrupt_index)
{
    return all_damages();
}

ParameterizedTest(size_t *which, store_search_corrupt, a_start_rebuilds_a_corrupt_index,
                  .init = start, .fini = stop, .timeout = 60)
{
    cr_log_info("%s", damages[*which]);
    fixture_close(&fixture);
    free(fixture_sql(&fixture, damages[*which]));
    open_store();
    write_all();
    expect_complete(7);
    expect_sound("6");
    fixture_expect(&fixture, "SELECT count(*) FROM search_contexts('another')", "1");
    cr_expect_eq(fixture.failures, 0, "%s", damages[*which]);
}

ParameterizedTestParameters(store_search_corrupt, an_index_corrupted_at_run_time_is_rebuilt)
{
    return all_damages();
}

ParameterizedTest(size_t *which, store_search_corrupt, an_index_corrupted_at_run_time_is_rebuilt,
                  .init = start, .fini = stop, .timeout = 60)
{
    cr_log_info("%s", damages[*which]);
    free(fixture_sql(&fixture, damages[*which]));
    write_all();
    expect_complete(7);
    expect_sound("6");
    fixture_expect(&fixture, "SELECT count(*) FROM search_contexts('another')", "1");
    cr_expect_eq(fixture.failures, 0, "%s", damages[*which]);
}

TestSuite(store_search_backlog, .init = start, .fini = stop, .timeout = 60);

static void reopen(store_extract_fn text_of)
{
    fixture_close(&fixture);
    fixture.options.search_text = text_of;
    open_store();
}

static void expect_no_rebuild(void)
{
    cr_expect_null(strstr(fixture.notices, "search_index_corrupt"), "%s", fixture.notices);
}

Test(store_search_backlog, entries_deleted_before_they_are_indexed_do_not_corrupt_the_index)
{
    reopen(NULL);
    append("{\"x\":\"doomed word\"}");
    delete_session(id);
    reopen(search_text);
    expect_complete(0);
    fixture_create(&fixture, "/p", "t", "{}", id);
    append("{\"x\":\"kept word\"}");
    expect_complete(1);
    expect_sound("1");
    expect_no_rebuild();
}

Test(store_search_backlog, an_entry_deleted_after_it_was_put_off_does_not_corrupt_the_index)
{
    expect_complete(6);
    fixture_close(&fixture);
    free(fixture_sql(&fixture,
                     "INSERT INTO search_backlog VALUES (4294967296 * 77 + 5,"
                     " 4294967296 * 77 + 5);"
                     "INSERT INTO search_backlog VALUES (4294967296 * 78, 4294967296 * 79)"));
    open_store();
    expect_complete(6);
    expect_sound("5");
    fixture_expect(&fixture, "SELECT hex(block) FROM search_entries_data WHERE id = 1", "0514");
    expect_no_rebuild();
}

Test(store_search_backlog, an_index_of_another_folding_is_rebuilt_by_a_start)
{
    expect_complete(6);
    fixture_close(&fixture);
    free(fixture_sql(&fixture, "UPDATE search_rule SET folding = 0"));
    open_store();
    fixture_expect(&fixture, "SELECT folding FROM search_rule", "1");
    expect_complete(6);
    expect_sound("5");
    expect_no_rebuild();
}

/* Overwrites the first page of a table of the closed store. */
static void overwrite_page(const char *table)
{
    static const char garbage[512] = "garbage";
    char sql[128];

    snprintf(sql, sizeof(sql), "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
    char *page = fixture_sql(&fixture, sql);
    char *size = fixture_sql(&fixture, "PRAGMA page_size");
    FILE *file = fopen(fixture.path, "r+b");
    cr_assert_not_null(file);
    cr_assert_eq(fseek(file, (atol(page) - 1) * atol(size), SEEK_SET), 0);
    cr_assert_eq(fwrite(garbage, sizeof(garbage), 1, file), 1);
    cr_assert_eq(fclose(file), 0);
    free(page);
    free(size);
}

Test(store_search_backlog, an_index_that_cannot_be_dropped_turns_search_off)
{
    fixture_close(&fixture);
    overwrite_page("search_entries_data");
    for (int start = 0; start < 2; start++) {
        open_store();
        write_all();
        cr_expect_eq(search(), -1);
        cr_expect_not_null(strstr(fixture.notices, "search_index_corrupt: search is off"), "%s",
                           fixture.notices);
        fixture.notices[0] = '\0';
        fixture_close(&fixture);
    }
    open_store();
    cr_expect_eq(fixture.failures, 0);
}
