#include "db/sqlite/file/journal_check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC_BYTES 8

/* The last bytes of a journal that names a super-journal. */
static const unsigned char magic[MAGIC_BYTES] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};

static bool set_unreadable_error(const char *journal, struct error *err)
{
    return error_set(err, ERROR_INTERNAL, NULL, "cannot read %s: %s", journal, strerror(errno));
}

static bool check_end(int fd, const char *journal, struct error *err)
{
    unsigned char end[MAGIC_BYTES];
    struct stat status;

    if (fstat(fd, &status) != 0)
        return set_unreadable_error(journal, err);
    if (status.st_size < MAGIC_BYTES)
        return true;
    if (pread(fd, end, MAGIC_BYTES, status.st_size - MAGIC_BYTES) != MAGIC_BYTES)
        return set_unreadable_error(journal, err);
    return memcmp(end, magic, MAGIC_BYTES) != 0 ||
           error_set(err, ERROR_INTERNAL, NULL,
                     "%s names another file, which SQLite would delete; sessiond does not write "
                     "such a journal; move it away",
                     journal);
}

bool journal_check(const char *path, struct error *err)
{
    char real[PATH_MAX];
    char journal[PATH_MAX];

    /* SQLite keeps the journal beside the target of a symbolic link. */
    const char *target = realpath(path, real) == NULL ? path : real;
    if (snprintf(journal, sizeof(journal), "%s-journal", target) >= (int)sizeof(journal))
        return error_set(err, ERROR_INTERNAL, NULL, "the path of the database is too long");
    const int fd = open(journal, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT || set_unreadable_error(journal, err);
    const bool ok = check_end(fd, journal, err);
    close(fd);
    return ok;
}
