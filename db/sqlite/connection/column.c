#include "db/sqlite/connection/column.h"

#include "db/base/timestamp.h"

#include <stdlib.h>

struct slice column_text(sqlite3_stmt *stmt, int column)
{
    /* Before the text is asked for: a column whose text found no memory is NULL afterwards. */
    const bool is_null = sqlite3_column_type(stmt, column) == SQLITE_NULL;
    const char *text = (const char *)sqlite3_column_text(stmt, column);

    if (text == NULL && !is_null)
        abort();
    return (struct slice){text, (size_t)sqlite3_column_bytes(stmt, column)};
}

int64_t column_number(sqlite3_stmt *stmt, int column, int64_t max)
{
    const int64_t number = sqlite3_column_int64(stmt, column);

    if (number < 0)
        return 0;
    return number < max ? number : max;
}

int64_t column_count(sqlite3_stmt *stmt, int column)
{
    return column_number(stmt, column, COLUMN_COUNT_MAX);
}

int64_t column_time(sqlite3_stmt *stmt, int column)
{
    return column_number(stmt, column, TIMESTAMP_MAX_US);
}
