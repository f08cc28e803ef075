/* A database of the current schema without a store around it: for tests of what the store is made
 * of. */
#ifndef SESSIOND_TESTS_DATABASE_FIXTURE_H
#define SESSIOND_TESTS_DATABASE_FIXTURE_H

#include "db/store/session.h"

#include <sqlite3.h>

/* Goes to an empty folder of its own: test for test, since each test is a process. */
void folder_enter(void);
void folder_leave(void);

#define DATABASE_PATH "sessions.db"

/* The connection that writes to a new file DATABASE_PATH. The caller closes it. */
sqlite3 *database_on_disk(void);

/* A database that is nowhere on disk. The caller closes it. */
sqlite3 *database_in_memory(void);

/* Runs SQL; fails the test when SQLite does. */
void database_run(sqlite3 *db, const char *sql);

/* The first number that the SQL gives, 0 when there is none. */
int64_t database_number(sqlite3 *db, const char *sql);

/* Inserts a session whose id is made of `seq`. */
void database_insert(sqlite3 *db, int64_t seq, const char *project_path, const char *thread_id,
                     enum session_status status);

/* All bytes of a file, for comparing; free() it. A file that is missing has no bytes. */
struct slice database_bytes(const char *path);

#endif
