/* What the parts of the check share: db/sqlite/file/check.c looks at the file and the sessions,
 * db/sqlite/file/check_tables.c at the other tables, db/sqlite/file/check_entries.c at the logs. */
#ifndef SESSIOND_DB_SQLITE_FILE_CHECK_CONTEXT_H
#define SESSIOND_DB_SQLITE_FILE_CHECK_CONTEXT_H

#include "db/sqlite/connection/session_row.h"
#include "db/sqlite/file/database_file.h"

struct check {
    sqlite3 *db;
    session_context_fix fix_context;
    const struct file_observer *observer;
    enum file_verdict verdict;
};

/* Tells of a problem. */
void check_find(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* After a statement failed: the file is damaged, or it cannot be known. */
void check_give_up(struct check *check, struct error *err);

/* Reports each row that the statement selects as a problem. False when the statement failed. */
MUST_USE bool check_rule(struct check *check, const char *sql, struct error *err);

/* Checks the rules of all tables except those of the entries. False when a rule could not be
 * checked. */
MUST_USE bool check_tables(struct check *check, struct error *err);

/* Looks at every entry, and at what is noted of them. */
void check_entries(struct check *check, struct error *err);

/* Whether the file has the search tables of this version. Tables of another version are remarked
 * on. False: the file cannot be checked further. */
MUST_USE bool check_search_is_current(struct check *check, bool *current, struct error *err);

/* Runs FTS5's integrity-check on the search tables of this version. False: the file cannot be
 * checked further. */
MUST_USE bool check_search_index(struct check *check, struct error *err);

#endif
