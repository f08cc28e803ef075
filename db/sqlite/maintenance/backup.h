/*
 * A copy of the whole database at one instant, made during writes with SQLite's online backup. Its
 * source is the writing connection, so SQLite carries the commits of that connection into the copy
 * (https://sqlite.org/c3ref/backup_finish.html). No read transaction stays open between two turns,
 * so the WAL is checkpointed as usual. The copy shows the instant of the last turn.
 *
 * Owned by the writer thread, except `refused`.
 */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_BACKUP_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_BACKUP_H

#include "db/store.h"

#include <sqlite3.h>
#include <stdatomic.h>

struct backup {
    sqlite3 *source;
    const char *path; /* of the source; the copy is created in the same folder and has no name */
    atomic_bool refused;
    struct store_job *job; /* NULL: no backup is running */
    sqlite3 *copy;
    sqlite3_backup *steps;
    int descriptor; /* of the copy */
    int copied;     /* pages after the last turn */
    int restarts;
};

/* `source` and `path` are borrowed. */
void backup_init(struct backup *backup, sqlite3 *source, const char *path);

/* Removes the file that a process killed during a backup may have left. */
void backup_remove_stale(const char *path);

/* Begins the backup of the job, or completes the job with an error. */
void backup_begin(struct backup *backup, struct store_job *job);

static inline bool backup_is_running(const struct backup *backup)
{
    return backup->job != NULL;
}

/* Copies pages for about `limit_us`. Call between two transactions. Completes the job when all
 * pages are copied or on an error. */
void backup_turn(struct backup *backup, int64_t limit_us);

/* Cancels the running backup, if there is one, and completes its job with this error. */
void backup_cancel(struct backup *backup, enum error_kind kind, const char *detail);

/* From now on backups fail with ERROR_STOPPING, including the running one. Any thread. */
void backup_reject_all(struct backup *backup);

#endif
