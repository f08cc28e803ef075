/* Atomic file replacement and fsync. Paths are NUL-terminated. Errors: ERROR_INTERNAL with the path
 * and errno's text. Any thread; blocks on the disk. */
#ifndef SESSIOND_DB_BASE_DURABLE_FILE_H
#define SESSIOND_DB_BASE_DURABLE_FILE_H

#include "db/base/error.h"

#include <limits.h>

/* Creates the folder of the file with mode 0700, and syncs its parent. Succeeds when the folder
 * exists. The parent folder must exist, so that a mistyped path creates no tree of folders. */
MUST_USE bool durable_file_make_folder(const char *path, struct error *err);

/* Syncs the content of the file to disk. */
MUST_USE bool durable_file_sync(const char *path, struct error *err);

/* Syncs the folder of the file, and with it the file names in it, to disk. */
MUST_USE bool durable_file_sync_folder(const char *path, struct error *err);

/* Resolves the symbolic links in the folder of the file and writes the absolute path. The file
 * itself may be a link, or may be missing. SQLITE_OPEN_NOFOLLOW accepts only such paths. */
MUST_USE bool durable_file_real_name(const char *path, char real[PATH_MAX], struct error *err);

/* Syncs the file `unfinished`, renames it to `path`, which it replaces, and syncs the folder. Both
 * paths must be in one folder. */
MUST_USE bool durable_file_replace(const char *unfinished, const char *path, struct error *err);

#endif
