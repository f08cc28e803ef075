#include "db/sqlite/connection/column.h"

#include "db/base/timestamp.h"

#include <stdlib.h>
#include <string.h>

/* The stored format of a time ends with the offset +00:00. */
#define STORED_TIME_LENGTH (TIMESTAMP_LENGTH + 6)

struct slice column_text(sqlite3_stmt *stmt, int column)
{
    /* Read the type before the text: a column whose text could not be allocated is NULL
     * afterwards. */
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

void column_bind_text(sqlite3_stmt *stmt, int parameter, struct slice text)
{
    if (sqlite3_bind_text64(stmt, parameter, text.data, text.len, SQLITE_STATIC, SQLITE_UTF8) !=
        SQLITE_OK)
        abort();
}

void column_bind_time(sqlite3_stmt *stmt, int parameter, int64_t us)
{
    char text[STORED_TIME_LENGTH];

    timestamp_format(us, text);
    memcpy(text + TIMESTAMP_LENGTH, "+00:00", 6);
    if (sqlite3_bind_text(stmt, parameter, text, STORED_TIME_LENGTH, SQLITE_TRANSIENT) != SQLITE_OK)
        abort();
}
