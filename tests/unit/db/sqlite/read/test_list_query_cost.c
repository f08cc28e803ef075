/* A page of a list costs the same however many sessions there are and however late the page is:
 * counted in the steps of SQLite's virtual machine, not in time. */

#include "tests/unit/support/database_fixture.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/read/list_query.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define FEW 1000
#define MANY 20000

/* Pages are compared that are full at either size. */
#define LIMIT 20

static sqlite3 *few;
static sqlite3 *many;

/* Every filter is met by rows all over the table. */
static sqlite3 *make(int rows)
{
    sqlite3 *db = database_in_memory();
    char path[16];
    char thread[16];

    database_run(db, "BEGIN");
    for (int i = 1; i <= rows; i++) {
        snprintf(path, sizeof(path), "/p%d", i % 2);
        snprintf(thread, sizeof(thread), "t%d", i / 2 % 2);
        database_insert(db, i, path, thread, (enum session_status)(i / 4 % SESSION_STATUS_COUNT));
    }
    database_run(db, "COMMIT");
    return db;
}

static void open_databases(void)
{
    few = make(FEW);
    many = make(MANY);
}

static void close_databases(void)
{
    connection_close(few);
    connection_close(many);
}

TestSuite(list_query_cost, .init = open_databases, .fini = close_databases);

struct cost {
    int steps;
    int scans;
    int sorts;
    int rows;
};

static struct cost cost_of(sqlite3 *db, const struct store_list_query *query)
{
    struct cost cost = {0};
    char sql[LIST_QUERY_MAX_SQL];
    sqlite3_stmt *stmt;

    list_query_sql(query, sql);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    list_query_bind(stmt, query);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        cost.rows++;
    cost.steps = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0);
    cost.scans = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
    cost.sorts = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_SORT, 0);
    sqlite3_finalize(stmt);
    return cost;
}

static struct store_list_query filters(unsigned i)
{
    struct store_list_query query = {.limit = LIMIT, .ascending = i & 1};

    if (i & 2)
        query.thread_id = SLICE_LITERAL("t1");
    if (i & 4)
        query.project_path = SLICE_LITERAL("/p1");
    query.statuses = i >> 3;
    return query;
}

/* The page that begins where `parts` tenths of the rows are behind it. */
static struct cost page_cost(sqlite3 *db, int rows, struct store_list_query query, int parts)
{
    const int before = rows / 10 * parts;

    if (parts > 0)
        query.after = query.ascending ? before : rows - before;
    const struct cost cost = cost_of(db, &query);
    cr_assert_eq(cost.rows, LIMIT + 1, "a full page: %d", cost.rows);
    cr_expect_eq(cost.scans, 0);
    cr_expect_eq(cost.sorts, 0);
    return cost;
}

Test(list_query_cost, first_and_late_pages_cost_the_same_at_any_size)
{
    for (unsigned i = 0; i < 8 * 16; i++) {
        const struct store_list_query query = filters(i);
        const struct cost first = page_cost(few, FEW, query, 0);
        const struct cost others[] = {
            page_cost(few, FEW, query, 1),
            page_cost(many, MANY, query, 0),
            page_cost(many, MANY, query, 5),
            page_cost(many, MANY, query, 9),
        };
        for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++)
            cr_expect_leq(others[k].steps, first.steps + first.steps * 3 / 10,
                          "filters %u, page %zu: %d steps, the first page of few rows %d", i, k,
                          others[k].steps, first.steps);
    }
}

static int steps_to_end(sqlite3 *db, struct store_list_query query)
{
    query.limit = 1000;
    return cost_of(db, &query).steps;
}

/* The last page has to find out that nothing is left. */
Test(list_query_cost, a_filter_that_few_rows_meet_costs_what_they_cost)
{
    static const struct store_list_query queries[] = {
        {.thread_id = {"rare", 4}},
        {.project_path = {"/rare", 5}},
        {.thread_id = {"rare", 4}, .project_path = {"/rare", 5}},
        {.thread_id = {"rare", 4}, .statuses = 1U << SESSION_PAUSED},
        {.thread_id = {"nobody", 6}},
    };

    database_insert(few, FEW * 100, "/rare", "rare", SESSION_PAUSED);
    database_insert(many, MANY * 100, "/rare", "rare", SESSION_PAUSED);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
        cr_expect_eq(steps_to_end(many, queries[i]), steps_to_end(few, queries[i]), "query %zu", i);
}

/* A project that one agent has worked on once, and an agent that works on everything. */
Test(list_query_cost, both_texts_cost_what_their_common_rows_cost)
{
    const struct store_list_query queries[] = {
        {.thread_id = SLICE_LITERAL("t1"), .project_path = SLICE_LITERAL("/rare")},
        {.thread_id = SLICE_LITERAL("rare"), .project_path = SLICE_LITERAL("/p1")},
    };

    database_insert(few, FEW * 100, "/rare", "t1", SESSION_CREATED);
    database_insert(many, MANY * 100, "/rare", "t1", SESSION_CREATED);
    database_insert(few, FEW * 100 + 1, "/p1", "rare", SESSION_CREATED);
    database_insert(many, MANY * 100 + 1, "/p1", "rare", SESSION_CREATED);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        const int few_steps = steps_to_end(few, queries[i]);
        const int many_steps = steps_to_end(many, queries[i]);
        cr_expect_leq(many_steps, few_steps + few_steps * 3 / 10, "query %zu: %d and %d steps", i,
                      few_steps, many_steps);
    }
}

/* A thread and a project whose sessions alternate and never meet: the worst case. */
static struct cost alternating_cost(int rows, bool ascending)
{
    sqlite3 *db = database_in_memory();

    database_run(db, "BEGIN");
    for (int i = 1; i <= rows; i++)
        database_insert(db, i, i % 2 ? "/p" : "/other", i % 2 ? "other" : "t", SESSION_CREATED);
    database_run(db, "COMMIT");
    const struct store_list_query query = {.thread_id = SLICE_LITERAL("t"),
                                           .project_path = SLICE_LITERAL("/p"),
                                           .limit = LIMIT,
                                           .ascending = ascending,
                                           .steps = 500};
    const struct cost cost = cost_of(db, &query);
    connection_close(db);
    return cost;
}

Test(list_query_cost, lists_that_alternate_cost_no_more_than_the_bound_on_steps)
{
    for (int ascending = 0; ascending < 2; ascending++) {
        const struct cost at_bound = alternating_cost(1000, ascending);
        const struct cost beyond = alternating_cost(MANY, ascending);
        cr_expect_eq(beyond.rows, 1, "the row that the page has reached: %d", beyond.rows);
        cr_expect_leq(beyond.steps, at_bound.steps + at_bound.steps / 10, "%d and %d steps",
                      beyond.steps, at_bound.steps);
    }
}
