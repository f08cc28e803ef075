/* Files that are there whole or not at all, after a power cut too. Any thread. */
#ifndef SESSIOND_DB_BASE_DURABLE_FILE_H
#define SESSIOND_DB_BASE_DURABLE_FILE_H

#include "db/base/error.h"

#include <limits.h>

/* Makes the folder of the file, private to the user. The folder above it has to be there: a path
 * with a typing error makes no tree of folders. */
MUST_USE bool durable_file_make_folder(const char *path, struct error *err);

/* The file's content is on disk. */
MUST_USE bool durable_file_sync(const char *path, struct error *err);

/* The names in the file's folder are on disk. */
MUST_USE bool durable_file_sync_folder(const char *path, struct error *err);

/* The absolute name of the file, without symbolic links in its folder's path. The file itself may
 * be a link, or missing. SQLITE_OPEN_NOFOLLOW takes only such names. */
MUST_USE bool durable_file_real_name(const char *path, char real[PATH_MAX], struct error *err);

/* Gives the file `unfinished` the name `path`, in place of what had it: synced, renamed, and its
 * folder synced. Both are in one folder. */
MUST_USE bool durable_file_put(const char *unfinished, const char *path, struct error *err);

#endif
