/*
 * Creates, verifies and drops the full-text tables (db/sqlite/schema/search.sql). The tables
 * contain no data that is not stored elsewhere. On the thread of the connection.
 */
#ifndef SESSIOND_DB_SQLITE_SEARCH_TABLES_H
#define SESSIOND_DB_SQLITE_SEARCH_TABLES_H

#include "db/base/error.h"

#include <sqlite3.h>

/* *out: whether any object with the name of such a table exists. */
MUST_USE bool search_tables_exist(sqlite3 *db, bool *out, struct error *err);

/* *out: whether the tables exist with the definition of this version. */
MUST_USE bool search_tables_are_current(sqlite3 *db, bool *out, struct error *err);

/* The same, and whether their texts were extracted by this version of the rule and folded by this
 * version. */
MUST_USE bool search_tables_match(sqlite3 *db, int rule, bool *out, struct error *err);

/* Creates the tables, empty, with all documents in the backlog. Inside a transaction. */
MUST_USE bool search_tables_create(sqlite3 *db, int rule, struct error *err);

/* Drops all objects with the tables' names, even corrupt ones. Inside a transaction. */
MUST_USE bool search_tables_drop(sqlite3 *db, struct error *err);

/* Drops the triggers on sessions. */
MUST_USE bool search_tables_drop_triggers(sqlite3 *db, struct error *err);

/* Drops the triggers on sessions if another program or version defined the tables: such a trigger
 * could make any change of a session fail. Inside a transaction, before the schema is migrated.
 * search_index_open then creates the tables again. */
MUST_USE bool search_tables_drop_foreign_triggers(sqlite3 *db, struct error *err);

/* Whether this result code of a statement on the search tables means that the tables are corrupt,
 * and not that the disk is full or failing. */
bool search_tables_is_corruption(int result);

#endif
