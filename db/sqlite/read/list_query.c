#include "db/sqlite/read/list_query.h"

#include "db/sqlite/connection/session_row.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Parameters: ?1 thread_id, ?2 project_path, ?3 after, ?4 limit, ?5 steps, ?6… statuses. */
#define FIRST_STATUS_PARAMETER 6

static bool has_text_filter(const struct store_list_query *query)
{
    return query->thread_id.data != NULL || query->project_path.data != NULL;
}

/* The indexes on texts continue with the status, so a text without a status means all four
 * statuses. */
static unsigned wanted_statuses(const struct store_list_query *query)
{
    if (query->statuses == 0 && has_text_filter(query))
        return (1U << SESSION_STATUS_COUNT) - 1;
    return query->statuses;
}

static unsigned count_statuses(const struct store_list_query *query)
{
    return (unsigned)__builtin_popcount(wanted_statuses(query));
}

size_t list_query_shape(const struct store_list_query *query)
{
    size_t shape = count_statuses(query);

    shape = shape * 2 + (query->thread_id.data != NULL);
    shape = shape * 2 + (query->project_path.data != NULL);
    shape = shape * 2 + query->ascending;
    return shape * 2 + query->with_context;
}

/* With `INDEXED BY`, SQLite fails if the plan is not possible, instead of choosing a slower one. */
static const char *get_index_clause(const struct store_list_query *query)
{
    if (query->thread_id.data != NULL)
        return " INDEXED BY idx_sessions_thread_id";
    if (query->project_path.data != NULL)
        return " INDEXED BY idx_sessions_project_path";
    return query->statuses != 0 ? " INDEXED BY idx_sessions_status" : "";
}

/* Aborts beyond LIST_QUERY_MAX_SQL: the length of a statement depends only on its shape. */
__attribute__((format(printf, 3, 4))) static int append(char *sql, int at, const char *format, ...)
{
    const int room = LIST_QUERY_MAX_SQL - at;
    va_list args;

    va_start(args, format);
    const int len = vsnprintf(sql + at, (size_t)room, format, args);
    va_end(args);
    if (len < 0 || len >= room)
        abort();
    return at + len;
}

/* One ordered list: the rows of one status, or of any status (status_parameter 0). */
static int append_select(char *sql, int at, const struct store_list_query *query,
                         unsigned status_parameter)
{
    at = append(sql, at, "SELECT ");
    at = append(sql, at, query->with_context ? SESSION_COLUMNS_WITH_CONTEXT : SESSION_COLUMNS);
    at = append(sql, at, " FROM sessions");
    at = append(sql, at, "%s", get_index_clause(query));
    at = append(sql, at, SESSION_LOG);
    at = append(sql, at, query->ascending ? " WHERE seq > ?3" : " WHERE seq < ?3");
    if (query->thread_id.data != NULL)
        at = append(sql, at, " AND thread_id = ?1");
    if (query->project_path.data != NULL)
        at = append(sql, at, " AND project_path = ?2");
    if (status_parameter != 0)
        at = append(sql, at, " AND status = ?%u", status_parameter);
    return at;
}

/* A scalar subquery: the next row of the thread's or the project's list, from `bound` on; NULL at
 * its end. */
static int append_next(char *sql, int at, const struct store_list_query *query, bool of_thread,
                       const char *bound)
{
    const char *nearest = query->ascending ? "min" : "max";
    const unsigned statuses = count_statuses(query);

    at = append(sql, at, "(SELECT %s(seq) FROM (", nearest);
    for (unsigned i = 0; i < statuses; i++)
        at = append(sql, at,
                    "%sSELECT %s(seq) AS seq FROM sessions INDEXED BY %s = ?%d AND status = ?%u"
                    " AND seq %s",
                    i == 0 ? "" : " UNION ALL ", nearest,
                    of_thread ? "idx_sessions_thread_id WHERE thread_id"
                              : "idx_sessions_project_path WHERE project_path",
                    of_thread ? 1 : 2, FIRST_STATUS_PARAMETER + i, bound);
    return append(sql, at, "))");
}

/* Intersects the ordered lists of a thread and a project (leapfrog join). The two lists take turns:
 * each advances to the other's row or, if it does not have it, beyond. If one list has the other's
 * row, the row is a result. So the cost of a page is the number of changes between the lists,
 * however long they are. Since that can be the number of rows, the statement ends after ?5 steps
 * with the row that it has reached. The last column is 1 for this row and 0 for a result. */
static void write_intersection(char *sql, const struct store_list_query *query)
{
    const bool ascending = query->ascending;
    int at = append(sql, 0, "WITH RECURSIVE leap (at, before, turn, step) AS (SELECT ");

    at = append_next(sql, at, query, true, ascending ? "> ?3" : "< ?3");
    at = append(sql, at, ", NULL, 0, 0 UNION ALL SELECT CASE WHEN turn = 1 OR at IS before THEN ");
    at = append_next(sql, at, query, true,
                     ascending ? ">= at + (at IS before)" : "<= at - (at IS before)");
    at = append(sql, at, " ELSE ");
    at = append_next(sql, at, query, false, ascending ? ">= at" : "<= at");
    at = append(sql, at,
                " END, CASE WHEN at IS before THEN NULL ELSE at END,"
                " turn = 0 AND at IS NOT before, step + 1 FROM leap"
                " WHERE at IS NOT NULL AND (step < ?5 OR at IS before)) SELECT ");
    at = append(sql, at, query->with_context ? SESSION_COLUMNS_WITH_CONTEXT : SESSION_COLUMNS);
    append(sql, at,
           ", at IS NOT before FROM leap CROSS JOIN sessions ON seq = at" SESSION_LOG
           " WHERE at = before OR step >= ?5 LIMIT ?4");
}

static void write_merge(char *sql, const struct store_list_query *query)
{
    const unsigned statuses = count_statuses(query);
    int at = append_select(sql, 0, query, statuses == 0 ? 0 : FIRST_STATUS_PARAMETER);

    for (unsigned i = 1; i < statuses; i++) {
        at = append(sql, at, " UNION ALL ");
        at = append_select(sql, at, query, FIRST_STATUS_PARAMETER + i);
    }
    at = append(sql, at, query->ascending ? " ORDER BY seq ASC" : " ORDER BY seq DESC");
    append(sql, at, " LIMIT ?4");
}

static bool is_intersection(const struct store_list_query *query)
{
    return query->thread_id.data != NULL && query->project_path.data != NULL;
}

void list_query_sql(const struct store_list_query *query, char sql[LIST_QUERY_MAX_SQL])
{
    if (is_intersection(query))
        write_intersection(sql, query);
    else
        write_merge(sql, query);
}

struct store_list_query list_query_existing(struct slice project_path, struct slice thread_id)
{
    return (struct store_list_query){
        .project_path = project_path,
        .thread_id = thread_id,
        .statuses = 1U << SESSION_CREATED | 1U << SESSION_ACTIVE | 1U << SESSION_PAUSED,
    };
}

static void bind_text(sqlite3_stmt *stmt, int parameter, struct slice text)
{
    if (text.data != NULL)
        sqlite3_bind_text64(stmt, parameter, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

void list_query_bind(sqlite3_stmt *stmt, const struct store_list_query *query)
{
    const unsigned wanted = wanted_statuses(query);
    const int64_t before_first = query->ascending ? INT64_MIN : INT64_MAX;
    int parameter = FIRST_STATUS_PARAMETER;

    bind_text(stmt, 1, query->thread_id);
    bind_text(stmt, 2, query->project_path);
    sqlite3_bind_int64(stmt, 3, query->after == 0 ? before_first : query->after);
    sqlite3_bind_int(stmt, 4, query->limit + 1);
    if (is_intersection(query))
        sqlite3_bind_int(stmt, 5, query->steps == 0 ? STORE_LIST_STEPS : query->steps);
    for (unsigned i = 0; i < SESSION_STATUS_COUNT; i++) {
        if (wanted & 1U << i)
            bind_text(stmt, parameter++, slice_from(session_status_name((enum session_status)i)));
    }
}

bool list_query_is_truncated(sqlite3_stmt *stmt, const struct store_list_query *query,
                             int64_t *after)
{
    if (!is_intersection(query) || sqlite3_column_int(stmt, sqlite3_column_count(stmt) - 1) == 0)
        return false;
    /* It is unknown whether both lists have the row, so the next page examines it again. */
    *after = sqlite3_column_int64(stmt, 0) + (query->ascending ? -1 : 1);
    return true;
}
