/* Texts, numbers and times of the row on which a statement stands, and those that are bound to a
 * statement. On the thread of the connection. */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_COLUMN_H
#define SESSIOND_DB_SQLITE_CONNECTION_COLUMN_H

#include "db/base/slice.h"

#include <sqlite3.h>
#include <stdint.h>

/* The text of a column; data NULL for NULL alone. SQLite's, until the statement is stepped or
 * reset. Aborts when memory runs out, which SQLite shows as NULL. */
struct slice column_text(sqlite3_stmt *stmt, int column);

/* A corrupt file may hold any number. The three functions below limit the numbers that are used in
 * calculations, so that no sum of them overflows. `sessiond check` reports the row. */
#define COLUMN_COUNT_MAX (INT64_C(1) << 53)

/* A version, a size or another count: 0 to COLUMN_COUNT_MAX. */
int64_t column_count(sqlite3_stmt *stmt, int column);

/* The number of a stream or a seq in it: 0 to `max`. */
int64_t column_number(sqlite3_stmt *stmt, int column, int64_t max);

/* A time in µs: 0 to TIMESTAMP_MAX_US. */
int64_t column_time(sqlite3_stmt *stmt, int column);

/* Binds a text that outlives the statement's run; NULL when its data is. Aborts when SQLite cannot
 * take it, which out of memory alone can bring about: a row without it would be stored. */
void column_bind_text(sqlite3_stmt *stmt, int parameter, struct slice text);

/* Binds a time as it is stored. */
void column_bind_time(sqlite3_stmt *stmt, int parameter, int64_t us);

#endif
