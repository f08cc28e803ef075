/*
 * Puts a database file in place of another, while no service serves either. The new one is copied
 * beside the old one, checked and migrated before anything of the old one is touched; then it takes
 * its name in one step, and the old one is kept under a dated name. One thread.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_RESTORE_H
#define SESSIOND_DB_SQLITE_FILE_RESTORE_H

#include "db/sqlite/connection/session_row.h"
#include "db/sqlite/file/database_file.h"

#include <limits.h>

struct restore {
    const char *from;
    const char *to;    /* its folder is made when missing */
    bool is_replacing; /* removes the old file once the new one has its name */
    session_context_fix fix_context;
    const struct file_observer *observer;
    char
        unfinished[PATH_MAX]; /* out, before anything is made: the copy's name for the time being */
    char kept[PATH_MAX];      /* out: what the old file is called now; empty when there was none */
};

/* FILE_CORRUPT: `from` is damaged, or of another program or a newer sessiond, and nothing has been
 * touched. FILE_UNKNOWN: it could not be done; *err says whether anything was changed. */
enum file_verdict restore_run(struct restore *restore, struct error *err);

#endif
