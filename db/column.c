#include "db/column.h"

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
