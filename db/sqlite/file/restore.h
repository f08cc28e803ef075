/*
 * Replaces a database file by another one, while no service uses either. The new file is copied
 * beside the old one, checked and migrated before the old one is changed. Then it is renamed to the
 * old one's path in one step, and the old file is kept under a name with the date. One thread.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_RESTORE_H
#define SESSIOND_DB_SQLITE_FILE_RESTORE_H

#include "db/sqlite/connection/session_row.h"
#include "db/sqlite/file/database_file.h"

#include <limits.h>

struct restore {
    const char *from;
    const char *to;    /* a missing folder is created */
    bool is_replacing; /* deletes the old file after the new one has its name */
    session_context_fix fix_context;
    const struct file_observer *observer;
    /* Out, set before any file is created: the temporary path of the copy. */
    char unfinished[PATH_MAX];
    char kept[PATH_MAX]; /* out: the path of the old file now; empty: there was none */
};

/* Executes the restore. FILE_CORRUPT: `from` is damaged, or belongs to another program or a newer
 * sessiond, and nothing was changed. FILE_UNKNOWN: the restore failed; *err says whether anything
 * was changed. */
enum file_verdict restore_run(struct restore *restore, struct error *err);

#endif
