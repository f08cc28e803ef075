/* A search whose time is over gives what it has found: it is interrupted within a match, too. */

#include "tests/unit/support/store_fixture.h"

#include "routes/core/buffer.h"
#include "routes/search/text_extract.h"

#include <criterion/criterion.h>
#include <unistd.h>

#define ENTRIES 3000

static struct store_fixture fixture;

/* The words "word" and "common" in each entry, and a word of its own. */
static void fill(void)
{
    static struct store_new_entry entries[ENTRIES];
    static struct buffer texts[ENTRIES];
    struct store_job job = {
        .operation = STORE_APPEND,
        .append = {.stream = SLICE_LITERAL(""), .entries = entries, .count = ENTRIES},
    };

    for (int i = 0; i < ENTRIES; i++) {
        texts[i] = (struct buffer){0};
        buffer_printf(&texts[i], "{\"a\":\"word common own%d\"}", i);
        entries[i].text = buffer_slice(&texts[i]);
    }
    fixture_create(&fixture, "/p", "t", "{}", job.id);
    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    store_job_release(&job);
    for (int i = 0; i < ENTRIES; i++)
        buffer_release(&texts[i]);
}

static void open_store(int64_t read_limit_ms)
{
    struct error err;

    fixture.options.read_limit_ms = read_limit_ms;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void start(void)
{
    fixture_init(&fixture);
    fixture.options.search_text = search_text;
    fixture.options.search_rule = SEARCH_EXTRACTOR_VERSION;
    open_store(fixture.options.read_limit_ms);
    fill();
    fixture_close(&fixture);
}

static void stop(void)
{
    fixture_release(&fixture);
}

static enum store_visit ignore_hit(void *arg, const struct store_hit *hit)
{
    (void)arg;
    (void)hit;
    return STORE_VISIT_NEXT;
}

static struct store_job search(const char *q)
{
    struct store_job job = {
        .operation = STORE_SEARCH,
        .search = {.query = {.text = slice_from(q), .limit = 5}, .visit = ignore_hit},
    };

    fixture_run(&fixture, &job);
    store_job_release(&job);
    return job;
}

TestSuite(store_search_limit, .init = start, .fini = stop, .timeout = 60);

Test(store_search_limit, a_search_within_its_time_is_complete)
{
    open_store(5000);
    for (int i = 0; i < 200 && !search("word").search.complete; i++)
        usleep(20000);
    cr_expect(search("word common").search.complete);
    cr_expect(search("own*").search.complete);
}

/* The deadline of the readers has passed when the search begins. */
Test(store_search_limit, a_search_whose_time_is_over_is_incomplete_and_no_error)
{
    static const char *const queries[] = {"word", "word common", "own*", "own* word",
                                          "\"word common\""};

    open_store(5000);
    for (int i = 0; i < 200 && !search("word").search.complete; i++)
        usleep(20000);
    fixture_close(&fixture);
    open_store(-1000);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        const struct store_job job = search(queries[i]);
        cr_expect(job.error.kind == ERROR_NONE || job.error.kind == ERROR_READ_TIMEOUT, "%s: %s",
                  queries[i], job.error.detail);
        cr_expect_not(job.search.complete, "%s", queries[i]);
    }
    cr_expect_null(strstr(fixture.notices, "search_index_corrupt"), "%s", fixture.notices);
}
