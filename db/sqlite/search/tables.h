/*
 * The full-text tables (db/sqlite/schema/search.sql): made, compared with those of this version,
 * and dropped. They hold nothing that is not stored elsewhere. On the thread of the connection.
 */
#ifndef SESSIOND_DB_SQLITE_SEARCH_TABLES_H
#define SESSIOND_DB_SQLITE_SEARCH_TABLES_H

#include "db/base/error.h"

#include <sqlite3.h>

/* Whether any object with the tables' names is there. */
MUST_USE bool search_tables_are_there(sqlite3 *db, bool *out, struct error *err);

/* Whether the tables are there, as this version makes them. */
MUST_USE bool search_tables_are_ours(sqlite3 *db, bool *out, struct error *err);

/* The same, and whether their texts were extracted by this rule and folded as this version does. */
MUST_USE bool search_tables_match(sqlite3 *db, int rule, bool *out, struct error *err);

/* Inside a transaction: makes the tables, empty, with all documents in the backlog. */
MUST_USE bool search_tables_make(sqlite3 *db, int rule, struct error *err);

/* Inside a transaction: removes all objects with the tables' names, even corrupt ones. */
MUST_USE bool search_tables_drop(sqlite3 *db, struct error *err);

MUST_USE bool search_tables_drop_triggers(sqlite3 *db, struct error *err);

/* Inside a transaction, before the schema is migrated: when this program did not make the tables as
 * they are, drops their triggers on sessions, which could make any change of a session fail.
 * search_index_open makes all anew. */
MUST_USE bool search_tables_drop_foreign_triggers(sqlite3 *db, struct error *err);

/* Whether this result code of a statement on the search tables means that the tables are corrupt,
 * and not that the disk is full or fails. */
bool search_tables_is_corruption(int result);

#endif
