/* Filters, alone and together, in both orders, against a model that looks at every session. */
#include "tests/support/fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(list_filters, .init = fixture_start, .fini = fixture_stop);

#define SESSIONS 60
#define STATUSES 4
#define PLACES 3

static const char *const statuses[STATUSES] = {"CREATED", "ACTIVE", "PAUSED", "TERMINATED"};

/* As they are sent in JSON, and in a query. The last of the queries is of no session. */
static const char *const thread_ids[PLACES] = {"+15551234567", "a b&c=d", "\xc3\xa5%"};
static const char *const thread_queries[PLACES + 1] = {"%2B15551234567", "a+b%26c%3Dd", "%C3%A5%25",
                                                       "none"};
static const char *const paths[PLACES] = {"/p", "/p/q", "/P"};
static const char *const path_queries[PLACES + 1] = {"/p", "%2Fp%2fq", "/P", "/p/"};

struct model_session {
    char id[UUID_SIZE];
    size_t thread;
    size_t path;
    unsigned status;
};

struct filter {
    unsigned statuses; /* bits; 0: any */
    size_t thread;     /* NONE: any; PLACES: one that no session has */
    size_t path;
    bool ascending;
    bool with_context;
    int limit;
};

#define NONE SIZE_MAX

/* A spread of all combinations that looks random but is not. */
static void create_model(struct model_session model[SESSIONS])
{
    for (size_t i = 0; i < SESSIONS; i++) {
        struct model_session *it = &model[i];
        it->thread = i * 7 / 3 % PLACES;
        it->path = i * 5 / 2 % PLACES;
        it->status = (unsigned)(i * 11 / 4 % STATUSES);
        create_session(paths[it->path], thread_ids[it->thread], NULL, it->id);
        if (it->status == 2)
            move_session(it->id, "ACTIVE");
        if (it->status > 0)
            move_session(it->id, statuses[it->status]);
    }
}

static bool fits(const struct model_session *it, const struct filter *filter)
{
    return (filter->statuses == 0 || filter->statuses & 1U << it->status) &&
           (filter->thread == NONE || filter->thread == it->thread) &&
           (filter->path == NONE || filter->path == it->path);
}

static void write_query(const struct filter *filter, char *query, size_t size)
{
    int at = snprintf(query, size, "limit=%d", filter->limit);

    for (unsigned i = 0; i < STATUSES; i++) {
        if (filter->statuses & 1U << i)
            at += snprintf(query + at, size - (size_t)at, "&status=%s", statuses[i]);
    }
    if (filter->thread != NONE)
        at += snprintf(query + at, size - (size_t)at, "&thread_id=%s",
                       thread_queries[filter->thread]);
    if (filter->path != NONE)
        at +=
            snprintf(query + at, size - (size_t)at, "&project_path=%s", path_queries[filter->path]);
    if (filter->ascending)
        at += snprintf(query + at, size - (size_t)at, "&order=asc");
    if (filter->with_context)
        snprintf(query + at, size - (size_t)at, "&include=context");
}

/* The next session of the model that fits, in the filter's order; NULL at its end. */
static const struct model_session *next_fit(const struct model_session *model, size_t *seen,
                                            const struct filter *filter)
{
    while (*seen < SESSIONS) {
        const size_t at = filter->ascending ? *seen : SESSIONS - 1 - *seen;
        ++*seen;
        if (fits(&model[at], filter))
            return &model[at];
    }
    return NULL;
}

static void expect_page(const struct response *page, const struct model_session *model,
                        size_t *seen, const struct filter *filter, const char *query)
{
    const int64_t count = response_length(expect_status(page, 200), "/sessions");

    cr_assert_leq(count, filter->limit);
    for (size_t i = 0; i < (size_t)count; i++) {
        const struct model_session *wanted = next_fit(model, seen, filter);
        cr_assert_not_null(wanted, "%s: one too many", query);
        cr_assert_str_eq(response_text(page, "/sessions/%zu/id", i), wanted->id, "%s", query);
        cr_assert_str_eq(response_text(page, "/sessions/%zu/status", i), statuses[wanted->status]);
        cr_assert_str_eq(response_text(page, "/sessions/%zu/thread_id", i),
                         thread_ids[wanted->thread]);
        cr_assert_str_eq(response_text(page, "/sessions/%zu/project_path", i), paths[wanted->path]);
    }
}

static void expect_model(const struct model_session *model, const struct filter *filter)
{
    char query[256];
    char cursor[64] = "";
    size_t seen = 0;

    write_query(filter, query, sizeof(query));
    do {
        const struct response *page = client_get(client, "/sessions?%s%s%s", query,
                                                 cursor[0] == '\0' ? "" : "&cursor=", cursor);
        expect_page(page, model, &seen, filter, query);
        snprintf(cursor, sizeof(cursor), "%s", response_text(page, "/next_cursor"));
    } while (cursor[0] != '\0');
    cr_assert_null(next_fit(model, &seen, filter), "%s: one is missing", query);
}

/* All statuses, threads and paths, each also left out, in both orders. */
static void expect_all(const struct model_session *model, bool with_context, int limit)
{
    for (unsigned bits = 0; bits < 1U << STATUSES; bits++) {
        for (size_t i = 0; i < (PLACES + 2) * (PLACES + 2) * 2; i++) {
            const size_t thread = i / 2 % (PLACES + 2);
            const size_t path = i / 2 / (PLACES + 2);
            const struct filter filter = {
                .statuses = bits,
                .thread = thread == PLACES + 1 ? NONE : thread,
                .path = path == PLACES + 1 ? NONE : path,
                .ascending = i % 2 != 0,
                .with_context = with_context,
                .limit = limit,
            };
            expect_model(model, &filter);
        }
    }
}

Test(list_filters, any_filters_together_find_what_fits_all_of_them)
{
    struct model_session model[SESSIONS];

    create_model(model);
    expect_all(model, false, 10);
}

Test(list_filters, the_same_with_contexts)
{
    struct model_session model[SESSIONS];

    create_model(model);
    expect_all(model, true, 50);
}

Test(list_filters, a_change_of_status_moves_a_session_between_filters)
{
    char id[UUID_SIZE];

    create_session("/p", "t", NULL, id);
    move_session(id, "ACTIVE");
    cr_expect_eq(response_length(client_get(client, "/sessions?status=CREATED"), "/sessions"), 0);
    cr_expect_eq(response_length(client_get(client, "/sessions?status=ACTIVE"), "/sessions"), 1);
    expect_status(client_send(client, "DELETE", NULL, "/sessions/%s", id), 204);
    cr_expect_eq(response_length(client_get(client, "/sessions?status=ACTIVE"), "/sessions"), 0);
}

struct bad_query {
    const char *query;
    const char *parameter;
};

static const struct bad_query bad_queries[] = {
    {"limit=1&limit=1", "limit"},
    {"order=up", "order"},
    {"order=ASC", "order"},
    {"order=", "order"},
    {"order=asc&order=asc", "order"},
    {"include=version", "include"},
    {"include", "include"},
    {"status=created", "status"},
    {"status=ACTIVE,PAUSED", "status"},
    {"status=", "status"},
    {"thread_id=", "thread_id"},
    {"thread_id=a&thread_id=b", "thread_id"},
    {"thread_id=%ff", "thread_id"},
    {"thread_id=%c0%af", "thread_id"},
    {"thread_id=%ed%a0%80", "thread_id"},
    {"thread_id=a%00b", "thread_id"},
    {"thread_id=%4", "thread_id"},
    {"thread_id=%zz", "thread_id"},
    {"project_path=%", "project_path"},
    {"cursor=0", "cursor"},
    {"cursor=-1", "cursor"},
    {"cursor=null", "cursor"},
    {"cursor=1'--", "cursor"},
    {"cursor=9999999999999999999999", "cursor"},
    {"Limit=1", "Limit"},
    {"thread=x", "thread"},
    {"limit=1&=", ""},
    {"offset=1", "offset"},
};

Test(list_filters, what_is_not_understood_is_refused_by_name)
{
    for (size_t i = 0; i < sizeof(bad_queries) / sizeof(bad_queries[0]); i++) {
        const struct response *refused = client_get(client, "/sessions?%s", bad_queries[i].query);
        cr_expect_eq(refused->status, 400, "%s: %d", bad_queries[i].query, refused->status);
        cr_expect(response_is_problem(refused, "invalid-query"), "%s", refused->body);
        cr_expect_str_eq(response_text(refused, "/errors/0/parameter"), bad_queries[i].parameter,
                         "%s: %s", bad_queries[i].query, refused->body);
    }
}

Test(list_filters, empty_parameters_mean_nothing)
{
    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    cr_expect_eq(response_length(client_get(client, "/sessions?"), "/sessions"), 1);
    cr_expect_eq(response_length(client_get(client, "/sessions?&&limit=1&"), "/sessions"), 1);
}

/* A text that looks like SQL, like a pattern or like a path is a text. */
Test(list_filters, a_filter_is_compared_as_it_is)
{
    static const char *const queries[] = {
        "thread_id=t%25", "thread_id=_",    "thread_id=T",          "thread_id=t'%20OR%20'1'='1",
        "thread_id=%2A",  "thread_id=t%20", "project_path=/p/../p", "project_path=/p/",
        "project_path=p",
    };

    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        const struct response *list = client_get(client, "/sessions?%s", queries[i]);
        cr_expect_eq(response_length(expect_status(list, 200), "/sessions"), 0, "%s", queries[i]);
    }
}
