#include "db/base/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static bool join_path(const char *folder, int folder_len, const char *name, char out[PATH_MAX],
                      struct error *err)
{
    return snprintf(out, PATH_MAX, "%.*s/%s", folder_len, folder, name) < PATH_MAX ||
           error_set(err, ERROR_INTERNAL, NULL, "the path of the database is too long");
}

/* Resolves the symbolic links in the folder of `path`. The file itself does not exist yet. */
static bool resolve_missing(const char *path, char real[PATH_MAX], struct error *err)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    char real_folder[PATH_MAX];

    if (slash == NULL)
        return join_path(".", 1, path, folder, err) && resolve_missing(folder, real, err);
    if (!join_path(path, (int)(slash - path), "", folder, err))
        return false;
    if (realpath(folder, real_folder) == NULL)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot find %s: %s", folder, strerror(errno));
    return join_path(real_folder, PATH_MAX, slash + 1, real, err);
}

/* Resolves symbolic links as SQLite does, so that a file has one lock under all its names. If the
 * file does not exist yet, the result is the path that it will have, also at the end of a link. */
static bool resolve_path(const char *path, char real[PATH_MAX], struct error *err)
{
    char target[PATH_MAX];
    char next[PATH_MAX];

    if (realpath(path, real) != NULL)
        return true;
    if (errno != ENOENT)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot find %s: %s", path, strerror(errno));
    const ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len < 0)
        return resolve_missing(path, real, err);
    target[len] = '\0';
    if (target[0] == '/')
        return resolve_path(target, real, err);
    const char *slash = strrchr(path, '/');
    return join_path(slash == NULL ? "." : path, slash == NULL ? 1 : (int)(slash - path), target,
                     next, err) &&
           resolve_path(next, real, err);
}

bool lock_file_path(const char *database_path, char name[PATH_MAX], struct error *err)
{
    char real[PATH_MAX];

    if (!resolve_path(database_path, real, err))
        return false;
    if (snprintf(name, PATH_MAX, "%s.lock", real) >= PATH_MAX)
        return error_set(err, ERROR_INTERNAL, NULL, "the path of the database is too long");
    return true;
}

static bool acquire_flock(int fd, int operation, const char *database_path, struct error *err)
{
    if (flock(fd, operation | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        return error_set(err, ERROR_INTERNAL, NULL,
                         "another sessiond uses %s; stop it first, or point --db at another file",
                         database_path);
    return error_set(err, ERROR_INTERNAL, NULL, "cannot lock %s.lock: %s", database_path,
                     strerror(errno));
}

static bool open_and_lock(const char *database_path, int flags, int operation, int *descriptor,
                          struct error *err)
{
    char name[PATH_MAX];

    if (!lock_file_path(database_path, name, err))
        return false;
    const int fd = open(name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == ENOENT && !(flags & O_CREAT)) {
        *descriptor = -1;
        return true;
    }
    if (fd < 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot open %s: %s", name,
                         errno == ELOOP ? "it is a symbolic link; remove it" : strerror(errno));
    if (!acquire_flock(fd, operation, database_path, err)) {
        close(fd);
        return false;
    }
    *descriptor = fd;
    return true;
}

bool lock_file_acquire(const char *database_path, int *descriptor, struct error *err)
{
    return open_and_lock(database_path, O_RDWR | O_CREAT, LOCK_EX, descriptor, err);
}

bool lock_file_acquire_shared(const char *database_path, int *descriptor, struct error *err)
{
    return open_and_lock(database_path, O_RDONLY, LOCK_SH, descriptor, err);
}
