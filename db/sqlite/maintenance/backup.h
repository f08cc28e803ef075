/*
 * A copy of the whole database as of one instant, made while writes go on: SQLite's online backup
 * with the writing connection as its source. What that connection commits meanwhile is carried into
 * the copy (https://sqlite.org/c3ref/backup_finish.html), no read transaction stays open between
 * two turns, so the write-ahead log is checkpointed as ever, and the copy shows the instant of the
 * last turn.
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
    const char *path; /* of the source; the copy is made beside it and has no name */
    atomic_bool refused;
    struct store_job *job; /* NULL: none is under way */
    sqlite3 *copy;
    sqlite3_backup *steps;
    int descriptor; /* of the copy */
    int copied;     /* pages, after the last turn */
    int restarts;
};

void backup_init(struct backup *backup, sqlite3 *source, const char *path);

/* Removes what a process that was killed in the middle of a backup may have left. */
void backup_remove_remains(const char *path);

/* Begins what the job asks, or answers it with why not. */
void backup_begin(struct backup *backup, struct store_job *job);

static inline bool backup_is_running(const struct backup *backup)
{
    return backup->job != NULL;
}

/* Copies pages for about `limit_us`, between two transactions. Answers the job when all are copied
 * or when it cannot be done. */
void backup_turn(struct backup *backup, int64_t limit_us);

/* Ends the backup that is under way, if any, and answers its job with this error. */
void backup_abandon(struct backup *backup, enum error_kind kind, const char *detail);

/* Any thread: from now on backups are answered ERROR_STOPPING, the one under way included. */
void backup_refuse(struct backup *backup);

#endif
