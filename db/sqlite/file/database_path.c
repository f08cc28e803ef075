#include "db/sqlite/file/database_path.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_BYTES 100

static bool is_allowed(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0;
}

/* A missing file is allowed. */
static bool check_file(const char *name, struct stat *status, struct error *err)
{
    if (stat(name, status) != 0) {
        *status = (struct stat){0};
        return errno == ENOENT ||
               error_set(err, ERROR_INTERNAL, NULL, "cannot find %s: %s", name, strerror(errno));
    }
    if (!S_ISREG(status->st_mode))
        return error_set(err, ERROR_INTERNAL, NULL,
                         "%s is not a regular file; move it away, or point --db at another file",
                         name);
    if (!is_allowed(name, R_OK | W_OK))
        return error_set(err, ERROR_INTERNAL, NULL, "cannot read and write %s: %s", name,
                         strerror(errno));
    return true;
}

static bool check_beside(const char *path, const char *suffix, struct error *err)
{
    char name[PATH_MAX];
    struct stat status;

    if (snprintf(name, sizeof(name), "%s%s", path, suffix) >= (int)sizeof(name))
        return error_set(err, ERROR_INTERNAL, NULL, "the path of the database is too long");
    return check_file(name, &status, err);
}

static bool check_folder(const char *path, struct error *err)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", path);
    const char *folder = dirname(copy);
    if (!is_allowed(folder, W_OK | X_OK))
        return error_set(err, ERROR_INTERNAL, NULL, "cannot create files in %s: %s", folder,
                         strerror(errno));
    return true;
}

bool database_path_check(const char *path, struct error *err)
{
    char real[PATH_MAX];
    struct stat status;

    if (!check_file(path, &status, err))
        return false;
    if (status.st_size > 0 && status.st_size < HEADER_BYTES)
        return error_set(err, ERROR_INTERNAL, NULL,
                         "%s is not a database: it has %lld bytes, but a header has %d "
                         "bytes; move it away or point --db at another file",
                         path, (long long)status.st_size, HEADER_BYTES);
    /* SQLite keeps the WAL beside the target of a symbolic link. */
    const char *target = realpath(path, real) == NULL ? path : real;
    return check_beside(target, "-wal", err) && check_beside(target, "-shm", err) &&
           check_folder(target, err);
}
