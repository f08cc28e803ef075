/* The query of a list: what is taken, what is refused, and the way to the next page. */

#include "routes/sessions/list_params.h"

#include <criterion/criterion.h>

static struct buffer text;
static struct store_list_query query;
static struct error err;

static bool reads(const char *sent)
{
    buffer_release(&text);
    query = (struct store_list_query){.limit = -7};
    err = (struct error){0};
    return list_params_read(slice_from(sent), &text, &query, &err);
}

static void release(void)
{
    buffer_release(&text);
}

TestSuite(list_params, .fini = release);

Test(list_params, without_parameters_it_is_the_first_fifty_newest)
{
    static const char *const empty[] = {"", "&", "&&"};

    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        cr_assert(reads(empty[i]));
        cr_expect_eq(query.limit, 50);
        cr_expect_eq(query.after, 0);
        cr_expect_eq(query.statuses, 0);
        cr_expect_null(query.thread_id.data);
        cr_expect_null(query.project_path.data);
        cr_expect_not(query.ascending);
        cr_expect_not(query.with_context);
    }
}

Test(list_params, every_parameter_is_read)
{
    cr_assert(reads("limit=7&cursor=1769342400123456&status=ACTIVE&thread_id=%2B1555&status=PAUSED"
                    "&project_path=/home/me/a%20b&order=asc&include=context"));
    cr_expect_eq(query.limit, 7);
    cr_expect_eq(query.after, INT64_C(1769342400123456));
    cr_expect_eq(query.statuses, 1U << SESSION_ACTIVE | 1U << SESSION_PAUSED);
    cr_expect(slice_is(query.thread_id, "+1555"));
    cr_expect(slice_is(query.project_path, "/home/me/a b"));
    cr_expect(query.ascending);
    cr_expect(query.with_context);
}

Test(list_params, limit_is_1_to_1000)
{
    static const char *const bad[] = {"limit=",    "limit=0",    "limit=1001",
                                      "limit=-1",  "limit=+1",   "limit=1.",
                                      "limit=1e2", "limit=0x10", "limit=x",
                                      "limit",     "limit=%201", "limit=99999999999999999999",
                                      "limit=1 ",  "limit=1+",   "limit=4294967297"};

    cr_expect(reads("limit=1"));
    cr_expect_eq(query.limit, 1);
    cr_expect(reads("limit=1000"));
    cr_expect_eq(query.limit, 1000);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(reads(bad[i]), "%s", bad[i]);
        cr_expect_eq(err.kind, ERROR_INVALID_QUERY);
        cr_expect_str_eq(err.field, "limit");
    }
}

Test(list_params, order_is_desc_or_asc)
{
    cr_expect(reads("order=desc"));
    cr_expect_not(query.ascending);
    cr_expect_not(reads("order=ASC"));
    cr_expect_str_eq(err.field, "order");
    cr_expect_not(reads("order="));
    cr_expect_not(reads("order=descending"));
}

Test(list_params, statuses_add_up)
{
    cr_expect(reads("status=CREATED&status=ACTIVE&status=PAUSED&status=TERMINATED"));
    cr_expect_eq(query.statuses, 15);
    cr_expect(reads("status=CREATED&status=CREATED"));
    cr_expect_eq(query.statuses, 1U << SESSION_CREATED);
    cr_expect_not(reads("status=CREATED&status=created"));
    cr_expect_str_eq(err.field, "status");
    cr_expect_not(reads("status="));
    cr_expect_not(reads("status=CREATED,ACTIVE"));
}

Test(list_params, include_takes_context)
{
    cr_expect_not(reads("include=contexts"));
    cr_expect_str_eq(err.field, "include");
    cr_expect_not(reads("include="));
}

Test(list_params, texts_must_not_be_empty)
{
    cr_expect_not(reads("thread_id="));
    cr_expect_str_eq(err.field, "thread_id");
    cr_expect_not(reads("thread_id=t&project_path"));
    cr_expect_str_eq(err.field, "project_path");
}

Test(list_params, all_but_status_stand_once)
{
    static const struct {
        const char *sent;
        const char *field;
    } cases[] = {
        {"limit=5&limit=5", "limit"},
        {"cursor=5&cursor=6", "cursor"},
        {"thread_id=a&status=ACTIVE&thread_id=b", "thread_id"},
        {"project_path=a&project_path=a", "project_path"},
        {"order=asc&order=desc", "order"},
        {"include=context&include=context", "include"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_not(reads(cases[i].sent), "%s", cases[i].sent);
        cr_expect_eq(err.kind, ERROR_INVALID_QUERY);
        cr_expect_str_eq(err.field, cases[i].field);
    }
}

Test(list_params, what_is_not_known_is_refused_by_name)
{
    cr_expect_not(reads("limit=5&Limit=5"));
    cr_expect_str_eq(err.field, "Limit");
    cr_expect(strstr(err.detail, "project_path"), "the detail says what there is: %s", err.detail);
    cr_expect_not(reads("status[]=ACTIVE"));
    cr_expect_str_eq(err.field, "status[]");
    cr_expect_not(reads("=5"));
    cr_expect_str_eq(err.field, "");
}

Test(list_params, the_first_fault_is_named)
{
    cr_expect_not(reads("order=up&limit=0&nonsense=1"));
    cr_expect_str_eq(err.field, "order");
    cr_expect_not(reads("limit=5&thread_id=%ff&nonsense=1"));
    cr_expect_str_eq(err.field, "thread_id");
}

Test(list_params, a_failure_leaves_the_query_alone)
{
    cr_expect_not(reads("limit=9&order=up"));
    cr_expect_eq(query.limit, -7);
}

Test(list_params, a_cursor_continues_where_it_was_made)
{
    static const int64_t seqs[] = {1, 17, INT64_C(1769342400123456), INT64_C(253402300799999999)};

    for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
        const struct store_page page = {.last = seqs[i], .more = true};
        struct buffer sent = {0};
        buffer_add_text(&sent, "cursor=");
        list_params_add_cursor(&sent, &page);
        buffer_add_char(&sent, '\0');
        cr_expect(reads(sent.data), "%s", sent.data);
        cr_expect_eq(query.after, seqs[i]);
        buffer_release(&sent);
    }
}

Test(list_params, a_cursor_that_is_none_is_refused)
{
    static const char *const bad[] = {"cursor=",    "cursor=0",  "cursor=-5",
                                      "cursor=abc", "cursor=1x", "cursor=9999999999999999999999"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(reads(bad[i]), "%s", bad[i]);
        cr_expect_str_eq(err.field, "cursor");
    }
}

Test(list_params, the_link_is_the_same_query_with_the_next_cursor)
{
    static const struct {
        const char *sent;
        const char *link;
    } cases[] = {
        {"", "</sessions?cursor=42>; rel=\"next\""},
        {"cursor=9", "</sessions?cursor=42>; rel=\"next\""},
        {"limit=5&cursor=9&order=asc", "</sessions?limit=5&order=asc&cursor=42>; rel=\"next\""},
        {"&&thread_id=+1%20&status=ACTIVE&",
         "</sessions?thread_id=+1%20&status=ACTIVE&cursor=42>; rel=\"next\""},
    };
    const struct store_page page = {.last = 42, .more = true};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer link = {0};
        list_params_add_link(&link, slice_from(cases[i].sent), &page);
        cr_expect(slice_is(buffer_slice(&link), cases[i].link), "%.*s", (int)link.len, link.data);
        buffer_release(&link);
    }
}

/* RFC 8288 §3: the target stands between `<` and `>` and is a URI reference, whatever a client that
 * does not escape has sent. */
Test(list_params, the_link_is_a_uri_whatever_was_sent)
{
    const struct store_page page = {.last = 42, .more = true};
    struct buffer link = {0};

    list_params_add_link(&link, SLICE_LITERAL("project_path=/a>\"<\xc3\xa4\\^`{|}&limit=5"), &page);
    const char *end = memchr(link.data, '>', link.len);
    cr_assert_not_null(end);
    cr_expect_eq(memcmp(end, ">; rel=\"next\"", 13), 0, "%.*s", (int)link.len, link.data);
    for (const char *at = link.data + 1; at < end; at++)
        cr_expect(*at > ' ' && *at < 0x7f && strchr("<\"\\^`{|}", *at) == NULL, "%c", *at);
    buffer_release(&link);
}

Test(list_params, what_may_take_long_is_known)
{
    static const struct {
        const char *sent;
        bool is_long;
    } cases[] = {
        {"", false},
        {"limit=50&thread_id=a", false},
        {"limit=50&project_path=a&status=ACTIVE", false},
        {"limit=1000", true},
        {"include=context", true},
        {"limit=50&thread_id=a", false},
        {"limit=50&project_path=b", false},
        {"limit=50&thread_id=a&project_path=b", true},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_assert(reads(cases[i].sent));
        cr_expect_eq(list_params_is_long(&query), cases[i].is_long, "%s", cases[i].sent);
    }
}
