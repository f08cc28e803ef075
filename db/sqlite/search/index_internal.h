/* What the files of the search index share. */
#ifndef SESSIOND_DB_SQLITE_SEARCH_INDEX_INTERNAL_H
#define SESSIOND_DB_SQLITE_SEARCH_INDEX_INTERNAL_H

#include "db/sqlite/search/index.h"

/* Prepares the statements, once the tables are there. */
MUST_USE bool search_index_prepare(struct search_index *index, struct error *err);

/* After a statement on the search tables failed: sets is_corrupt when the result code blames the
 * tables. Sets `err` and returns false. */
MUST_USE bool search_index_fail(struct search_index *index, const char *doing, struct error *err);

/* Takes the readers' report. When it is right, sets is_corrupt and `err` and returns false. */
MUST_USE bool search_index_take_report(struct search_index *index, struct error *err);

/* Notes a document that was taken off the backlog. */
void search_index_note_taken(struct search_index *index, int64_t document, struct slice json);

/* After COMMIT, before was_backlog is renewed: logs how much of the backlog was indexed, now and
 * then and at its end. */
void search_index_log_progress(struct search_index *index);

/* Whether the tables are there, as this version makes them. */
MUST_USE bool search_tables_are_ours(sqlite3 *db, bool *out, struct error *err);

/* The same, and whether their texts were made by the present rule and folding. */
MUST_USE bool search_tables_match(struct search_index *index, bool *out, struct error *err);

/* Inside a transaction: removes all objects with the tables' names, even corrupt ones. */
MUST_USE bool search_tables_drop(sqlite3 *db, struct error *err);

MUST_USE bool search_tables_drop_triggers(sqlite3 *db, struct error *err);

/* Inside a transaction: makes the tables, empty, with all documents in the backlog. */
MUST_USE bool search_tables_make(struct search_index *index, struct error *err);

/* Runs SEARCH_ADD_BACKLOG, SEARCH_CUT_BACKLOG or SEARCH_END_BACKLOG. */
MUST_USE bool search_index_set_backlog(struct search_index *index, enum search_statement which,
                                       int64_t first, int64_t last, struct error *err);

#endif
