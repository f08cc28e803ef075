#include "db/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Without symbolic links, which SQLite follows. They lead nowhere before the file is there: it is
 * made, and nobody has locks on it that closing it could drop. */
static bool find_file(const char *path, char real[PATH_MAX], struct error *err)
{
    if (realpath(path, real) == NULL && errno == ENOENT) {
        const int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            return error_set(err, ERROR_INTERNAL, NULL, "cannot make %s: %s", path,
                             strerror(errno));
        close(fd);
    }
    return realpath(path, real) != NULL ||
           error_set(err, ERROR_INTERNAL, NULL, "cannot find %s: %s", path, strerror(errno));
}

static bool name_lock(const char *database_path, char name[PATH_MAX], struct error *err)
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
                         "another sessiond serves %s: stop it first, or name another --db",
                         database_path);
    return error_set(err, ERROR_INTERNAL, NULL, "cannot lock %s.lock: %s", database_path,
                     strerror(errno));
}

static bool open_and_lock(const char *database_path, int flags, int operation, int *descriptor,
                          struct error *err)
{
    char name[PATH_MAX];

    if (!name_lock(database_path, name, err))
        return false;
    const int fd = open(name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == ENOENT && !(flags & O_CREAT)) {
        *descriptor = -1;
        return true;
    }
    if (fd < 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot open %s: %s", name, strerror(errno));
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
