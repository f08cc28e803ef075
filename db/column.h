/* Texts of the row on which a statement stands. */
#ifndef SESSIOND_DB_COLUMN_H
#define SESSIOND_DB_COLUMN_H

#include "db/slice.h"

#include <sqlite3.h>

/* The text of a column; data NULL for NULL alone. SQLite's, until the statement is stepped or
 * reset. Aborts when memory runs out, which SQLite shows as NULL. */
struct slice column_text(sqlite3_stmt *stmt, int column);

#endif
