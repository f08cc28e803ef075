/* The context that the parts of the check share: db/sqlite/file/check.c checks the file and the
 * sessions, db/sqlite/file/check_tables.c the other tables, db/sqlite/file/check_entries.c the
 * entries. One thread. */
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

/* Reports a problem to the observer and sets FILE_CORRUPT. */
void check_report_problem(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Handles a failed statement: sets *err, and FILE_CORRUPT if the file is damaged, else FILE_UNKNOWN
 * unless a problem was reported before. */
void check_set_failure(struct check *check, struct error *err);

/* Reports each row that the statement selects as a problem. False, with *err set, when the
 * statement failed. */
MUST_USE bool check_rule(struct check *check, const char *sql, struct error *err);

/* Checks the rules of all tables except those of the entries. False: a rule could not be
 * checked. */
MUST_USE bool check_tables(struct check *check, struct error *err);

/* Checks all entries, and the sums and uuids stored about them. */
void check_entries(struct check *check, struct error *err);

/* *current: whether the file has the search tables of this version. Reports tables of another
 * version as a remark. False: the file cannot be checked further. */
MUST_USE bool check_search_is_current(struct check *check, bool *current, struct error *err);

/* Executes FTS5's integrity-check on the search tables of this version. False: the file cannot be
 * checked further. */
MUST_USE bool check_search_index(struct check *check, struct error *err);

#endif
