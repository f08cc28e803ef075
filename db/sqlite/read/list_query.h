/*
 * The SQL of lists. Each combination of filters has its own statement. Its rows come from an index
 * in the order of creation, so the cost of a page does not depend on the number of sessions. A
 * filter by status or by one text merges one ordered list per status. A filter by thread_id and
 * project_path intersects two lists, in a bounded number of steps. Pure; any thread.
 */
#ifndef SESSIOND_DB_SQLITE_READ_LIST_QUERY_H
#define SESSIOND_DB_SQLITE_READ_LIST_QUERY_H

#include "db/store.h"

#include <sqlite3.h>

/* (no, one or both texts) × (0 to 4 statuses) × (order) × (context) */
#define LIST_QUERY_SHAPES (4 * (SESSION_STATUS_COUNT + 1) * 2 * 2)
#define LIST_QUERY_MAX_SQL 4096

/* The index of the query's statement, 0 to LIST_QUERY_SHAPES - 1. */
size_t list_query_shape(const struct store_list_query *query);

/* Writes the SQL of the query's statement. Aborts if it would exceed LIST_QUERY_MAX_SQL. */
void list_query_sql(const struct store_list_query *query, char sql[LIST_QUERY_MAX_SQL]);

/* A query for the newest session with this path and thread that is not TERMINATED. Its limit is 0:
 * one row. */
struct store_list_query list_query_existing(struct slice project_path, struct slice thread_id);

/* Binds the query's values; texts are borrowed until the statement is reset. The statement returns
 * one row more than query->limit, which shows whether there is another page. */
void list_query_bind(sqlite3_stmt *stmt, const struct store_list_query *query);

/* Whether the current row of `stmt` is no result: the statement has used up query->steps and
 * reports its position. Sets *after to the start of the next page then. */
MUST_USE bool list_query_is_truncated(sqlite3_stmt *stmt, const struct store_list_query *query,
                                      int64_t *after);

#endif
