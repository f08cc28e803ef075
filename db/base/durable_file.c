#include "db/base/durable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool sync_path(const char *path, int flags, struct error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

    if (fd < 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot open %s: %s", path, strerror(errno));
    const bool synced = fsync(fd) == 0;
    if (!synced)
        error_set(err, ERROR_INTERNAL, NULL, "cannot sync %s: %s", path, strerror(errno));
    close(fd);
    return synced;
}

bool durable_file_sync(const char *path, struct error *err)
{
    return sync_path(path, O_NOFOLLOW, err);
}

bool durable_file_sync_folder(const char *path, struct error *err)
{
    char folder[PATH_MAX];

    if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
        return error_set(err, ERROR_INTERNAL, NULL, "the path is too long");
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return sync_path(".", O_DIRECTORY, err);
    slash[slash == folder] = '\0';
    return sync_path(folder, O_DIRECTORY, err);
}

bool durable_file_make_folder(const char *path, struct error *err)
{
    char folder[PATH_MAX];

    if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
        return error_set(err, ERROR_INTERNAL, NULL, "the path is too long");
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return true;
    *slash = '\0';
    if (mkdir(folder, 0700) == 0)
        return durable_file_sync_folder(folder, err);
    return errno == EEXIST ||
           error_set(err, ERROR_INTERNAL, NULL, "cannot create the folder %s: %s%s", folder,
                     strerror(errno),
                     errno == ENOENT ? "; its parent folder does not exist; create it or "
                                       "correct the path"
                                     : "");
}

bool durable_file_real_name(const char *path, char real[PATH_MAX], struct error *err)
{
    char copy[PATH_MAX];
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');

    snprintf(copy, sizeof(copy), "%s", path);
    if (realpath(dirname(copy), folder) == NULL)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot find the folder of %s: %s", path,
                         strerror(errno));
    return snprintf(real, PATH_MAX, "%s/%s", folder, slash == NULL ? path : slash + 1) < PATH_MAX ||
           error_set(err, ERROR_INTERNAL, NULL, "the path is too long");
}

bool durable_file_replace(const char *unfinished, const char *path, struct error *err)
{
    if (!durable_file_sync(unfinished, err))
        return false;
    if (rename(unfinished, path) != 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot rename %s to %s: %s", unfinished, path,
                         strerror(errno));
    return durable_file_sync_folder(path, err);
}
