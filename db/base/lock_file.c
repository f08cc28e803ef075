#include "db/base/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static bool join(const char *folder, int folder_len, const char *name, char out[PATH_MAX],
                 struct error *err)
{
    return snprintf(out, PATH_MAX, "%.*s/%s", folder_len, folder, name) < PATH_MAX ||
           error_set(err, ERROR_INTERNAL, NULL, "the path of the database is too long");
}

/* Takes the folder's symbolic links out of `path`, which names no file yet. */
static bool find_place(const char *path, char real[PATH_MAX], struct error *err)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    char place[PATH_MAX];

    if (slash == NULL)
        return join(".", 1, path, folder, err) && find_place(folder, real, err);
    if (!join(path, (int)(slash - path), "", folder, err))
        return false;
    if (realpath(folder, place) == NULL)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot find %s: %s", folder, strerror(errno));
    return join(place, PATH_MAX, slash + 1, real, err);
}

/* Without symbolic links, which SQLite follows: a file has one lock, whatever it is called. One
 * that is not there yet has the name that it will have, also where a link leads to. */
static bool find_file(const char *path, char real[PATH_MAX], struct error *err)
{
    char target[PATH_MAX];
    char next[PATH_MAX];

    if (realpath(path, real) != NULL)
        return true;
    if (errno != ENOENT)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot find %s: %s", path, strerror(errno));
    const ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len < 0)
        return find_place(path, real, err);
    target[len] = '\0';
    if (target[0] == '/')
        return find_file(target, real, err);
    const char *slash = strrchr(path, '/');
    return join(slash == NULL ? "." : path, slash == NULL ? 1 : (int)(slash - path), target, next,
                err) &&
           find_file(next, real, err);
}

bool lock_file_name(const char *database_path, char name[PATH_MAX], struct error *err)
{
    char real[PATH_MAX];

    if (!find_file(database_path, real, err))
        return false;
    if (snprintf(name, PATH_MAX, "%s.lock", real) >= PATH_MAX)
        return error_set(err, ERROR_INTERNAL, NULL, "the path of the database is too long");
    return true;
}

static bool lock(int fd, int operation, const char *database_path, struct error *err)
{
    if (flock(fd, operation | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        return error_set(err, ERROR_INTERNAL, NULL,
                         "another sessiond serves %s; stop it first, or name another --db",
                         database_path);
    return error_set(err, ERROR_INTERNAL, NULL, "cannot lock %s.lock: %s", database_path,
                     strerror(errno));
}

static bool open_and_lock(const char *database_path, int flags, int operation, int *descriptor,
                          struct error *err)
{
    char name[PATH_MAX];

    if (!lock_file_name(database_path, name, err))
        return false;
    const int fd = open(name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == ENOENT && !(flags & O_CREAT)) {
        *descriptor = -1;
        return true;
    }
    if (fd < 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot open %s: %s", name,
                         errno == ELOOP ? "it is a symbolic link; remove it" : strerror(errno));
    if (!lock(fd, operation, database_path, err)) {
        close(fd);
        return false;
    }
    *descriptor = fd;
    return true;
}

bool lock_file_take(const char *database_path, int *descriptor, struct error *err)
{
    return open_and_lock(database_path, O_RDWR | O_CREAT, LOCK_EX, descriptor, err);
}

bool lock_file_share(const char *database_path, int *descriptor, struct error *err)
{
    return open_and_lock(database_path, O_RDONLY, LOCK_SH, descriptor, err);
}
