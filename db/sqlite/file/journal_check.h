/*
 * Checks a rollback journal before SQLite uses it. A journal may end with the name of a
 * super-journal (https://sqlite.org/fileformat.html#the_rollback_journal), a file that SQLite
 * deletes after the rollback. sessiond never changes two databases in one transaction, so such a
 * name is foreign, and it may name any file.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_JOURNAL_CHECK_H
#define SESSIOND_DB_SQLITE_FILE_JOURNAL_CHECK_H

#include "db/base/error.h"

/* ERROR_INTERNAL when the rollback journal of the database at `path` names a super-journal, or is
 * unreadable. Succeeds when there is no journal. Changes nothing. Any thread. */
MUST_USE bool journal_check(const char *path, struct error *err);

#endif
