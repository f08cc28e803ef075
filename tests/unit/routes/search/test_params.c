/* The query of a search: what is taken, what is refused, and the way to the next page. */

#include "routes/search/params.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct buffer text;
static struct store_search_query query;
static struct error err;

static bool reads(const char *sent)
{
    buffer_release(&text);
    query = (struct store_search_query){.limit = -7};
    err = (struct error){0};
    return search_params_read(slice_from(sent), &text, &query, &err);
}

static void release(void)
{
    buffer_release(&text);
}

TestSuite(search_params, .fini = release);

Test(search_params, every_parameter_is_read)
{
    cr_assert(reads("q=disk%20full"));
    cr_expect(slice_is(query.text, "disk full"));
    cr_expect_eq(query.limit, 20);
    cr_expect_eq(query.after.score, 0);
    cr_expect_null(query.thread_id.data);
    cr_expect_null(query.project_path.data);
    cr_assert(reads("limit=7&cursor=1000000-42&status=ACTIVE&thread_id=%2B1555&status=PAUSED"
                    "&project_path=/home/me/a%20b&q=\"x y\"*"));
    cr_expect(slice_is(query.text, "\"x y\"*"));
    cr_expect_eq(query.limit, 7);
    cr_expect_eq(query.after.score, 1000000);
    cr_expect_eq(query.after.document, 42);
    cr_expect_eq(query.statuses, 1U << SESSION_ACTIVE | 1U << SESSION_PAUSED);
    cr_expect(slice_is(query.thread_id, "+1555"));
    cr_expect(slice_is(query.project_path, "/home/me/a b"));
}

static void expect_refused(const char *sent, const char *field)
{
    cr_expect_not(reads(sent), "%s", sent);
    cr_expect_eq(err.kind, ERROR_INVALID_QUERY, "%s", sent);
    cr_expect_str_eq(err.field, field, "%s", sent);
}

Test(search_params, what_is_wrong_is_named)
{
    expect_refused("", "q");
    expect_refused("limit=3", "q");
    expect_refused("q=a&q=b", "q");
    expect_refused("q=%ff", "q");
    expect_refused("q=%00", "q");
    expect_refused("q=a&limit=0", "limit");
    expect_refused("q=a&limit=101", "limit");
    expect_refused("q=a&limit=1x", "limit");
    expect_refused("q=a&status=active", "status");
    expect_refused("q=a&thread_id=", "thread_id");
    expect_refused("q=a&project_path=", "project_path");
    expect_refused("q=a&order=asc", "order");
    static const char *const cursors[] = {"",
                                          "1",
                                          "-",
                                          "0-1",
                                          "1000001-1",
                                          "1-",
                                          "1-x",
                                          "1--1",
                                          "-1",
                                          "1-1 ",
                                          "1-18446744073709551616",
                                          "+1-1"};
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
        char sent[64];
        snprintf(sent, sizeof(sent), "q=a&cursor=%s", cursors[i]);
        expect_refused(sent, "cursor");
    }
}

Test(search_params, a_cursor_leads_back_to_its_place)
{
    static const struct store_search_cursor places[] = {{1, 0},
                                                        {1000000, INT64_MAX},
                                                        {734512, INT64_MIN},
                                                        {5, INT64_MIN + 1764106542000000},
                                                        {2, -1}};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct buffer sent = {0};
        buffer_add_text(&sent, "q=a&cursor=");
        search_params_add_cursor(&sent, &places[i]);
        buffer_add_char(&sent, '\0');
        cr_assert(reads(sent.data), "%s", sent.data);
        cr_expect_eq(query.after.score, places[i].score);
        cr_expect_eq(query.after.document, places[i].document);
        buffer_release(&sent);
    }
}
