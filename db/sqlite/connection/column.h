/* Reads and binds the texts, numbers and times of SQLite columns and parameters. On the thread of
 * the connection. */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_COLUMN_H
#define SESSIOND_DB_SQLITE_CONNECTION_COLUMN_H

#include "db/base/slice.h"

#include <sqlite3.h>
#include <stdint.h>

/* The text of a column; data is NULL only for SQL NULL. SQLite owns the text until the statement is
 * stepped or reset. Aborts when memory runs out, which SQLite reports as NULL. */
struct slice column_text(sqlite3_stmt *stmt, int column);

/* A corrupt file may have any number. The three functions below clamp numbers that are used in
 * calculations, so that no sum overflows. `sessiond check` reports the row. */
#define COLUMN_COUNT_MAX (INT64_C(1) << 53)

/* A version, a size or another count, clamped to 0 … COLUMN_COUNT_MAX. */
int64_t column_count(sqlite3_stmt *stmt, int column);

/* A stream id or a seq, clamped to 0 … `max`. */
int64_t column_number(sqlite3_stmt *stmt, int column, int64_t max);

/* A time in µs since 1970, clamped to 0 … TIMESTAMP_MAX_US. */
int64_t column_time(sqlite3_stmt *stmt, int column);

/* Binds a text without a copy: it must stay valid until the statement is reset. Binds NULL when its
 * data is NULL. Aborts when SQLite fails, which only happens out of memory: otherwise the row would
 * be stored without the text. */
void column_bind_text(sqlite3_stmt *stmt, int parameter, struct slice text);

/* Binds a time in µs since 1970 in the stored format. Aborts out of memory. */
void column_bind_time(sqlite3_stmt *stmt, int parameter, int64_t us);

#endif
