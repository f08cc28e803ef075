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

bool lock_file_take(const char *database_path, int *descriptor, struct error *err)
{
    char real[PATH_MAX];
    char path[PATH_MAX];

    if (!find_file(database_path, real, err))
        return false;
    if (snprintf(path, sizeof(path), "%s.lock", real) >= (int)sizeof(path))
        return error_set(err, ERROR_INTERNAL, NULL, "the path of the database is too long");
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot open %s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int reason = errno;
        close(fd);
        if (reason == EWOULDBLOCK)
            return error_set(err, ERROR_INTERNAL, NULL,
                             "another sessiond serves %s: stop it first, or name another --db",
                             database_path);
        return error_set(err, ERROR_INTERNAL, NULL, "cannot lock %s: %s", path, strerror(reason));
    }
    *descriptor = fd;
    return true;
}
