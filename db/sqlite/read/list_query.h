/*
 * The SQL of lists. Each combination of filters has one statement whose rows come out of an index
 * in order of creation, so a page costs the same however many sessions there are: a filter by
 * status, or by anything beside it, merges one ordered list per status; thread_id and project_path
 * together intersect two, in a bounded number of steps.
 */
#ifndef SESSIOND_DB_SQLITE_READ_LIST_QUERY_H
#define SESSIOND_DB_SQLITE_READ_LIST_QUERY_H

#include "db/store.h"

#include <sqlite3.h>

/* (no, one or both texts) × (0 to 4 statuses) × (order) × (context) */
#define LIST_QUERY_SHAPES (4 * (SESSION_STATUS_COUNT + 1) * 2 * 2)
#define LIST_QUERY_MAX_SQL 4096

/* Which statement serves the query, 0 to LIST_QUERY_SHAPES - 1. */
size_t list_query_shape(const struct store_list_query *query);

/* Writes the statement's SQL. */
void list_query_sql(const struct store_list_query *query, char sql[LIST_QUERY_MAX_SQL]);

/* Asks for the newest session of the two that is not TERMINATED, and no further one. */
struct store_list_query list_query_existing(struct slice project_path, struct slice thread_id);

/* Binds the query's values; texts are borrowed until the statement is reset. One row more than
 * query->limit is asked for, which tells whether there is a further page. */
void list_query_bind(sqlite3_stmt *stmt, const struct store_list_query *query);

/* Whether the current row of `stmt` is not a result: the statement has used up query->steps and
 * reports how far it came. Then *after is where the next page begins. */
MUST_USE bool list_query_is_cut(sqlite3_stmt *stmt, const struct store_list_query *query,
                                int64_t *after);

#endif
