#include "db/sqlite/maintenance/backup.h"

#include "db/base/durable_file.h"
#include "db/base/monotonic.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/file/database_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The clock is read once in this many pages. */
#define STEP_PAGES 16

/* Limit of the restarts: a commit of another program makes SQLite restart the copy. */
#define RESTARTS_MAX 10

/* Free space to leave on the disk, in addition to an eighth of the copy's size: writes continue
 * meanwhile. */
#define RESERVE_BYTES (4 << 20)

/* https://www.iana.org/assignments/media-types/application/vnd.sqlite3 */
#define MEDIA_TYPE "application/vnd.sqlite3"

void backup_init(struct backup *backup, sqlite3 *source, const char *path)
{
    *backup = (struct backup){.source = source, .path = path, .descriptor = -1};
}

static bool format_copy_name(const char *path, char name[PATH_MAX])
{
    return snprintf(name, PATH_MAX, "%s.snapshot", path) < PATH_MAX;
}

void backup_remove_stale(const char *path)
{
    char name[PATH_MAX];

    if (format_copy_name(path, name))
        unlink(name);
}

static bool check_free_space(struct backup *backup, struct error *err)
{
    struct statvfs disk;
    int64_t pages;
    int64_t page_bytes;

    if (!connection_integer(backup->source, "PRAGMA page_count", &pages, err) ||
        !connection_integer(backup->source, "PRAGMA page_size", &page_bytes, err))
        return false;
    const int64_t needed = pages * page_bytes / 8 * 9 + RESERVE_BYTES;
    if (statvfs(backup->path, &disk) != 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot read the free disk space: %s",
                         strerror(errno));
    const int64_t available = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    if (available < needed)
        return error_set(
            err, ERROR_NO_ROOM, NULL,
            "the snapshot needs %lld bytes of free space in the folder of the database; "
            "%lld are free",
            (long long)needed, (long long)available);
    return true;
}

/* NOFOLLOW: another user with write permission for the folder may replace the file by a symbolic
 * link. */
static bool open_sqlite_copy(struct backup *backup, const char *name, struct error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    char real[PATH_MAX];

    if (!durable_file_real_name(name, real, err))
        return false;
    return sqlite3_open_v2(real, &backup->copy, flags, NULL) == SQLITE_OK ||
           sqlite_error_set(backup->copy, "opening the snapshot", err);
}

/* The name of the file is removed after it was opened, so that nothing is left however the process
 * ends. */
static bool open_copy(struct backup *backup, struct error *err)
{
    char name[PATH_MAX];

    if (!format_copy_name(backup->path, name))
        return error_set(err, ERROR_INTERNAL, NULL, "the path of the database is too long");
    unlink(name);
    backup->descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (backup->descriptor < 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot create %s: %s", name, strerror(errno));
    const bool is_open = open_sqlite_copy(backup, name, err);
    unlink(name);
    return is_open;
}

static bool begin_copy(struct backup *backup, struct error *err)
{
    if (atomic_load(&backup->refused))
        return error_set(err, ERROR_STOPPING, NULL, "the service is shutting down");
    if (!check_free_space(backup, err) || !open_copy(backup, err) ||
        !connection_run(backup->copy, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", err))
        return false;
    backup->steps = sqlite3_backup_init(backup->copy, "main", backup->source, "main");
    if (backup->steps == NULL)
        return sqlite_error_set(backup->copy, "beginning the snapshot", err);
    backup->copied = 0;
    backup->restarts = 0;
    return true;
}

static void close_copy(struct backup *backup)
{
    sqlite3_backup_finish(backup->steps);
    connection_close(backup->copy);
    if (backup->descriptor >= 0)
        close(backup->descriptor);
    backup->steps = NULL;
    backup->copy = NULL;
    backup->descriptor = -1;
}

static void complete_job(struct backup *backup)
{
    struct store_job *job = backup->job;

    close_copy(backup);
    backup->job = NULL;
    job->done(job);
}

void backup_begin(struct backup *backup, struct store_job *job)
{
    if (backup->job != NULL) {
        error_set(&job->error, ERROR_BACKUP_RUNNING, NULL,
                  "another backup is running; send the request again when it is complete");
        job->done(job);
        return;
    }
    backup->job = job;
    if (!begin_copy(backup, &job->error))
        complete_job(backup);
}

/* Makes the copy a single file that needs no WAL and is readable in a read-only folder. */
static void finish_copy(struct backup *backup, struct error *err)
{
    struct store_snapshot *snapshot = &backup->job->snapshot;
    struct stat status;

    const int result = sqlite3_backup_finish(backup->steps);
    backup->steps = NULL;
    if (result != SQLITE_OK) {
        sqlite_error_set(backup->copy, "copying the database", err);
        return;
    }
    if (!database_file_disable_wal(backup->descriptor, err))
        return;
    if (fstat(backup->descriptor, &status) != 0) {
        error_set(err, ERROR_INTERNAL, NULL, "cannot complete the snapshot: %s", strerror(errno));
        return;
    }
    *snapshot = (struct store_snapshot){.open = true,
                                        .descriptor = backup->descriptor,
                                        .bytes = status.st_size,
                                        .media_type = MEDIA_TYPE};
    backup->descriptor = -1;
}

static bool check_restarts(struct backup *backup, struct error *err)
{
    const int copied =
        sqlite3_backup_pagecount(backup->steps) - sqlite3_backup_remaining(backup->steps);

    if (copied < backup->copied)
        backup->restarts++;
    backup->copied = copied;
    if (backup->restarts > RESTARTS_MAX)
        return error_set_public(err, ERROR_STORAGE_BUSY, NULL,
                                "another program writes to the database continuously; stop it and "
                                "send the request again");
    return true;
}

void backup_turn(struct backup *backup, int64_t limit_us)
{
    const int64_t until = monotonic_us() + limit_us;
    struct error *err = &backup->job->error;
    int result;

    if (atomic_load(&backup->refused)) {
        backup_cancel(backup, ERROR_STOPPING, "the service is shutting down");
        return;
    }
    do {
        result = sqlite3_backup_step(backup->steps, STEP_PAGES);
    } while (result == SQLITE_OK && monotonic_us() < until);
    if (result == SQLITE_OK || result == SQLITE_BUSY || result == SQLITE_LOCKED) {
        if (check_restarts(backup, err))
            return;
    } else {
        finish_copy(backup, err);
    }
    complete_job(backup);
}

void backup_cancel(struct backup *backup, enum error_kind kind, const char *detail)
{
    if (backup->job == NULL)
        return;
    error_set(&backup->job->error, kind, NULL, "%s", detail);
    complete_job(backup);
}

void backup_reject_all(struct backup *backup)
{
    atomic_store(&backup->refused, true);
}
