/* The SQL of lists, shape by shape: its plan, its rows against a naive model, and its cost. */

#include "tests/unit/support/database_fixture.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/read/list_query.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static sqlite3 *db;

static void open_database(void)
{
    db = database_in_memory();
}

static void close_database(void)
{
    connection_close(db);
}

TestSuite(list_query, .init = open_database, .fini = close_database);

/* Every combination of filters, order and context. */
#define COMBINATIONS (2 * 2 * 16 * 2 * 2)

static struct store_list_query combination(unsigned i)
{
    struct store_list_query query = {.limit = 50};

    query.ascending = i & 1;
    query.with_context = i & 2;
    if (i & 4)
        query.thread_id = SLICE_LITERAL("t1");
    if (i & 8)
        query.project_path = SLICE_LITERAL("/p1");
    query.statuses = i >> 4;
    return query;
}

static sqlite3_stmt *prepare(const char *prefix, const struct store_list_query *query)
{
    char sql[LIST_QUERY_MAX_SQL];
    sqlite3_stmt *stmt;

    list_query_sql(query, sql);
    char *whole = sqlite3_mprintf("%s%s", prefix, sql);
    cr_assert_eq(sqlite3_prepare_v2(db, whole, -1, &stmt, NULL), SQLITE_OK, "%s: %s", whole,
                 sqlite3_errmsg(db));
    sqlite3_free(whole);
    return stmt;
}

Test(list_query, shapes_are_numbered_and_each_has_one_statement)
{
    static char texts[LIST_QUERY_SHAPES][LIST_QUERY_MAX_SQL];
    char sql[LIST_QUERY_MAX_SQL];

    for (unsigned i = 0; i < COMBINATIONS; i++) {
        const struct store_list_query query = combination(i);
        const size_t shape = list_query_shape(&query);
        cr_assert_lt(shape, LIST_QUERY_SHAPES);
        list_query_sql(&query, sql);
        cr_assert_lt(strlen(sql), LIST_QUERY_MAX_SQL - 1);
        if (texts[shape][0] != '\0')
            cr_expect_str_eq(texts[shape], sql, "shape %zu", shape);
        memcpy(texts[shape], sql, sizeof(sql));
    }
}

/* --- Plans --------------------------------------------------------------------------------- */

/* Steps over rows of the intersection, not of the table. */
static bool is_of_leap(const char *step)
{
    return strcmp(step, "SCAN leap") == 0 || strcmp(step, "SCAN CONSTANT ROW") == 0;
}

static void expect_good_step(const char *step, const struct store_list_query *query)
{
    char sql[LIST_QUERY_MAX_SQL];

    list_query_sql(query, sql);
    cr_expect_null(strstr(step, "TEMP B-TREE"), "%s: %s", step, sql);
    cr_expect_null(strstr(step, "AUTOMATIC"), "%s: %s", step, sql);
    if (strncmp(step, "SCAN", 4) == 0)
        cr_expect(strcmp(step, "SCAN sessions") == 0 || is_of_leap(step),
                  "newest or oldest first: %s", sql);
    if (strncmp(step, "SEARCH sessions", 15) != 0 || strstr(step, "PRIMARY KEY (rowid=?)") != NULL)
        return;
    cr_expect_not_null(strstr(step, query->ascending ? "rowid>?" : "rowid<?"), "%s: %s", step, sql);
    cr_expect_eq(strstr(step, "thread_id=?") != NULL || strstr(step, "project_path=?") != NULL,
                 query->thread_id.data != NULL || query->project_path.data != NULL, "%s: %s", step,
                 sql);
    cr_expect(query->statuses == 0 || strstr(step, "status=?") != NULL, "%s: %s", step, sql);
}

Test(list_query, every_shape_reads_an_index_in_order)
{
    for (unsigned i = 0; i < COMBINATIONS; i++) {
        const struct store_list_query query = combination(i);
        sqlite3_stmt *plan = prepare("EXPLAIN QUERY PLAN ", &query);
        int accesses = 0;
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *step = (const char *)sqlite3_column_text(plan, 3);
            accesses += strncmp(step, "SEARCH", 6) == 0 || strncmp(step, "SCAN", 4) == 0;
            expect_good_step(step, &query);
        }
        cr_expect_gt(accesses, 0);
        sqlite3_finalize(plan);
    }
}

static bool some_shape_uses(const char *index)
{
    bool used = false;

    for (unsigned i = 0; i < COMBINATIONS && !used; i++) {
        const struct store_list_query query = combination(i);
        sqlite3_stmt *plan = prepare("EXPLAIN QUERY PLAN ", &query);
        while (sqlite3_step(plan) == SQLITE_ROW)
            used = used || strstr((const char *)sqlite3_column_text(plan, 3), index) != NULL;
        sqlite3_finalize(plan);
    }
    return used;
}

/* Each index is paid at every write. Beside those of lists there are the ones of the ids and of
 * the keys, one of leases that are held, one of rows that another program wrote, which is
 * empty, and two of what retention may delete. */
Test(list_query, no_index_is_there_for_nothing)
{
    sqlite3_stmt *indexes;
    int others = 0;

    cr_assert_eq(
        sqlite3_prepare_v2(db,
                           "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name IN"
                           " ('sessions', 'idempotency_keys')",
                           -1, &indexes, NULL),
        SQLITE_OK);
    while (sqlite3_step(indexes) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(indexes, 0);
        if (strcmp(name, "sqlite_autoindex_sessions_1") == 0 ||
            strcmp(name, "sqlite_autoindex_idempotency_keys_1") == 0 ||
            strcmp(name, "idx_sessions_unadopted") == 0 || strcmp(name, "idx_sessions_lease") == 0)
            others++;
        else
            cr_expect(some_shape_uses(name), "%s", name);
    }
    cr_expect_eq(others, 4);
    sqlite3_finalize(indexes);
}

/* --- Rows ---------------------------------------------------------------------------------- */

#define MODEL_ROWS 400

struct model_row {
    int64_t seq;
    char path[8];
    char thread[8];
    enum session_status status;
};

static struct model_row model[MODEL_ROWS];

static void fill_model(void)
{
    int64_t seq = 0;

    for (int i = 0; i < MODEL_ROWS; i++) {
        struct model_row *row = &model[i];
        seq += 1 + random() % 1000;
        row->seq = seq;
        row->status = (enum session_status)(random() % SESSION_STATUS_COUNT);
        snprintf(row->path, sizeof(row->path), "/p%ld", random() % 3);
        snprintf(row->thread, sizeof(row->thread), "t%ld", random() % 3);
        database_insert(db, row->seq, row->path, row->thread, row->status);
    }
}

static bool model_takes(const struct model_row *row, const struct store_list_query *query)
{
    if (query->after != 0 &&
        (query->ascending ? row->seq <= query->after : row->seq >= query->after))
        return false;
    return (query->thread_id.data == NULL || slice_is(query->thread_id, row->thread)) &&
           (query->project_path.data == NULL || slice_is(query->project_path, row->path)) &&
           (query->statuses == 0 || (query->statuses & 1U << row->status));
}

/* One row more than the limit is asked for. */
static void expect_model(const struct store_list_query *query)
{
    sqlite3_stmt *stmt = prepare("", query);
    int found = 0;

    list_query_bind(stmt, query);
    for (int i = 0; i < MODEL_ROWS && found <= query->limit; i++) {
        const struct model_row *row = &model[query->ascending ? i : MODEL_ROWS - 1 - i];
        if (!model_takes(row, query))
            continue;
        cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "row %d: %s", found, sqlite3_sql(stmt));
        cr_assert_eq(sqlite3_column_int64(stmt, 0), row->seq, "%s", sqlite3_sql(stmt));
        found++;
    }
    cr_assert_eq(sqlite3_step(stmt), SQLITE_DONE, "%s", sqlite3_sql(stmt));
    sqlite3_finalize(stmt);
}

Test(list_query, every_shape_finds_what_a_naive_search_finds)
{
    static const int limits[] = {1, 7, 1000};

    fill_model();
    for (unsigned i = 0; i < COMBINATIONS; i++) {
        struct store_list_query query = combination(i);
        const int64_t afters[] = {0,
                                  1,
                                  model[MODEL_ROWS / 2].seq,
                                  model[MODEL_ROWS / 2].seq + 1,
                                  model[0].seq,
                                  model[MODEL_ROWS - 1].seq,
                                  INT64_C(1) << 60};
        for (size_t k = 0; k < sizeof(afters) / sizeof(afters[0]); k++) {
            query.after = afters[k];
            query.limit = limits[k % 3];
            expect_model(&query);
        }
    }
}

/* Adds the page's rows to `seqs`. False at the end of the list, else query->after moves on. */
static bool take_page(sqlite3_stmt *stmt, struct store_list_query *query, int64_t *seqs, int *found)
{
    const int64_t began = query->after;
    bool more = false;
    int taken = 0;

    list_query_bind(stmt, query);
    while (!more && sqlite3_step(stmt) == SQLITE_ROW) {
        more = taken == query->limit || list_query_is_truncated(stmt, query, &query->after);
        if (more)
            break;
        query->after = sqlite3_column_int64(stmt, 0);
        seqs[(*found)++] = query->after;
        taken++;
    }
    cr_assert(!more || query->after != began, "a page moves on: %s", sqlite3_sql(stmt));
    sqlite3_reset(stmt);
    return more;
}

/* Page after page, as a client reads them. */
static void expect_pages(struct store_list_query query)
{
    static int64_t seqs[MODEL_ROWS];
    sqlite3_stmt *stmt = prepare("", &query);
    int found = 0;
    int wanted = 0;

    while (take_page(stmt, &query, seqs, &found)) {
    }
    sqlite3_finalize(stmt);
    query.after = 0;
    for (int i = 0; i < MODEL_ROWS; i++) {
        const struct model_row *row = &model[query.ascending ? i : MODEL_ROWS - 1 - i];
        if (model_takes(row, &query))
            cr_assert_eq(seqs[wanted++], row->seq, "limit %d, steps %d", query.limit, query.steps);
    }
    cr_expect_eq(found, wanted, "limit %d, steps %d", query.limit, query.steps);
}

Test(list_query, pages_cut_after_few_steps_add_up_to_the_whole_list)
{
    static const int limits[] = {1, 3, 1000};
    static const int steps[] = {1, 2, 3, 50};

    fill_model();
    for (unsigned i = 0; i < COMBINATIONS; i++) {
        struct store_list_query query = combination(i);
        if (query.thread_id.data == NULL || query.project_path.data == NULL || query.with_context)
            continue;
        for (int k = 0; k < 12; k++) {
            query.limit = limits[k % 3];
            query.steps = steps[k % 4];
            expect_pages(query);
        }
    }
}

Test(list_query, texts_are_compared_byte_for_byte)
{
    struct store_list_query query = {.limit = 10, .thread_id = SLICE_LITERAL("T1")};
    sqlite3_stmt *stmt = prepare("", &query);

    database_insert(db, 1, "/p", "t1", SESSION_CREATED);
    list_query_bind(stmt, &query);
    cr_expect_eq(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_reset(stmt);
    query.thread_id = (struct slice){"t1 and more", 2};
    list_query_bind(stmt, &query);
    cr_expect_eq(sqlite3_step(stmt), SQLITE_ROW, "a slice ends at its length");
    sqlite3_finalize(stmt);
}
