/* sessiond backup: downloads a snapshot from the running service and publishes it under its
 * name. */

#include "db/base/durable_file.h"
#include "db/sqlite/file/check.h"
#include "service/cli/api_response.h"
#include "service/cli/command.h"
#include "service/cli/progress.h"
#include "service/cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define READ_BYTES (256 << 10)

/* The first bytes of an SQLite database, including the NUL. */
#define SQLITE_MAGIC "SQLite format 3"

struct backup {
    const char *path;
    bool is_to_stdout;
    int descriptor; /* of the unfinished file, whose name may refer to another file meanwhile */
    char unfinished[PATH_MAX];
    struct progress progress;
};

static void on_step(void *arg, const char *what)
{
    struct backup *backup = arg;

    progress_begin(&backup->progress, what);
}

static void on_problem(void *arg, const char *problem)
{
    (void)arg;
    terminal_print(stderr, "sessiond backup: the snapshot is corrupt: %s\n", problem);
}

static const char *kind_name(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFLNK:
        return "a symbolic link";
    case S_IFDIR:
        return "a folder";
    case S_IFIFO:
        return "a FIFO";
    case S_IFSOCK:
        return "a socket";
    default:
        return "a device";
    }
}

/* A rename could replace anything, including a device file. */
static bool check_kind(const char *path, struct error *err)
{
    struct stat status;

    if (lstat(path, &status) != 0 || S_ISREG(status.st_mode))
        return true;
    return error_set(err, ERROR_INTERNAL, NULL,
                     "%s is %s; FILE must be a regular file or not exist", path,
                     kind_name(status.st_mode));
}

/* A database file that a service uses or has used has a lock file beside it. A backup must not
 * replace it. */
static bool check_file_name(struct backup *backup, struct error *err)
{
    char lock[PATH_MAX];

    if (snprintf(backup->unfinished, PATH_MAX, "%s.tmp", backup->path) >= PATH_MAX ||
        snprintf(lock, PATH_MAX, "%s.lock", backup->path) >= PATH_MAX)
        return error_set(err, ERROR_INTERNAL, NULL, "the path of FILE is too long");
    if (access(lock, F_OK) == 0)
        return error_set(err, ERROR_INTERNAL, NULL,
                         "%s is the database of a service; give another FILE for the backup",
                         backup->path);
    return check_kind(backup->path, err);
}

/* A backup to stdout is first stored in a file beside the database of --db and checked there. */
static bool prepare_stdout(struct backup *backup, const struct config *config, struct error *err)
{
    if (!config_check_db(config, err))
        return false;
    if (isatty(STDOUT_FILENO))
        return error_set(err, ERROR_INTERNAL, NULL, "stdout is a terminal; redirect it to a file");
    if (snprintf(backup->unfinished, PATH_MAX, "%s.backup.tmp", config->db) >= PATH_MAX)
        return error_set(err, ERROR_INTERNAL, NULL, "the path of --db is too long");
    return true;
}

static bool check_name(struct backup *backup, const struct config *config, struct error *err)
{
    backup->is_to_stdout = strcmp(backup->path, "-") == 0;
    return backup->is_to_stdout ? prepare_stdout(backup, config, err)
                                : check_file_name(backup, err);
}

static bool write_all(int fd, const char *data, size_t len, struct error *err)
{
    while (len > 0) {
        const ssize_t written = write(fd, data, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set(err, ERROR_INTERNAL, NULL, "cannot write the backup: %s",
                             strerror(errno));
        data += written;
        len -= (size_t)written;
    }
    return true;
}

/* Fails when the response does not announce its size or the file system has too little space for
 * it. */
static bool check_size(const struct http_response *response, int fd, struct error *err)
{
    struct statvfs disk;

    if (response->length < (int64_t)sizeof(SQLITE_MAGIC))
        return api_response_reject(err, response->length < 0 ? "it has no Content-Length"
                                                             : "it is too short for a database");
    if (fstatvfs(fd, &disk) != 0 ||
        (uint64_t)response->length / disk.f_frsize < (uint64_t)disk.f_bavail)
        return true;
    return error_set(err, ERROR_INTERNAL, NULL,
                     "the backup has %lld bytes; the file system of FILE has less free space",
                     (long long)response->length);
}

/* Reads until `part` is full or the body has ended. */
static bool read_part(struct http_response *response, char part[READ_BYTES], size_t *len,
                      struct error *err)
{
    ssize_t count;

    *len = 0;
    do {
        count = http_client_read(response, part + *len, READ_BYTES - *len, err);
        *len += count > 0 ? (size_t)count : 0;
    } while (count > 0 && *len < READ_BYTES);
    return count >= 0;
}

static bool receive(struct backup *backup, struct http_response *response, int fd,
                    struct error *err)
{
    char part[READ_BYTES];
    size_t len;

    if (!api_response_has_type(response, "application/vnd.sqlite3", err) ||
        !check_size(response, fd, err))
        return false;
    progress_begin(&backup->progress, "receiving");
    do {
        const bool is_first = response->taken == 0;
        if (!read_part(response, part, &len, err))
            return false;
        if (is_first && memcmp(part, SQLITE_MAGIC, sizeof(SQLITE_MAGIC)) != 0)
            return api_response_reject(err, "it is not an SQLite database");
        if (!write_all(fd, part, len, err))
            return false;
        progress_set(&backup->progress, response->taken, response->length);
    } while (len > 0);
    return true;
}

static bool download(struct backup *backup, const struct config *config, int fd, struct error *err)
{
    struct http_response response;

    progress_begin(&backup->progress, "waiting for the snapshot");
    if (!http_client_request(config, "POST", "/admin/backup", 0, &response, err))
        return false;
    const bool ok = response.status == 200 ? receive(backup, &response, fd, err)
                                           : api_response_set_problem(config, &response, err);
    http_client_close(&response);
    return ok;
}

/* Fails when another process holds the lock of an unfinished file. Succeeds on file systems without
 * locks. */
static bool lock_file(const struct backup *backup, int fd, struct error *err)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK ||
           error_set(err, ERROR_INTERNAL, NULL,
                     "another backup is writing %s; wait until it ends, or give another FILE",
                     backup->unfinished);
}

/* Removes the unfinished file of a backup that was killed, and creates a new one. Holds the lock of
 * the old file until the new one is locked, so that at most one of several processes removes it. */
static bool make_unfinished(struct backup *backup, struct error *err)
{
    const char *path = backup->unfinished;
    const int old = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    const bool exists = old >= 0 || errno != ENOENT;
    int created = -1;

    bool ok = old < 0 || lock_file(backup, old, err);
    if (ok && exists)
        unlink(path);
    if (ok) {
        created = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        ok = created >= 0 ? lock_file(backup, created, err)
                          : error_set(err, ERROR_INTERNAL, NULL, "cannot create %s: %s", path,
                                      strerror(errno));
    }
    if (old >= 0)
        close(old);
    if (ok)
        backup->descriptor = created;
    else if (created >= 0)
        close(created);
    return ok;
}

static bool fetch_snapshot(struct backup *backup, const struct config *config, struct error *err)
{
    if (!make_unfinished(backup, err))
        return false;
    progress_set_unfinished(&backup->progress, backup->unfinished);
    return download(backup, config, backup->descriptor, err);
}

/* Unlinks the file before it writes the content, so that no file remains when the reader of stdout
 * closes early. */
static bool write_to_stdout(const struct backup *backup, struct error *err)
{
    char part[READ_BYTES];
    off_t at = 0;
    ssize_t count;

    unlink(backup->unfinished);
    while ((count = pread(backup->descriptor, part, sizeof(part), at)) > 0) {
        if (!write_all(STDOUT_FILENO, part, (size_t)count, err))
            return false;
        at += count;
    }
    return count == 0 || error_set(err, ERROR_INTERNAL, NULL, "cannot read the received backup: %s",
                                   strerror(errno));
}

static bool publish(struct backup *backup, struct error *err)
{
    if (backup->is_to_stdout) {
        progress_begin(&backup->progress, "writing to standard output");
        return write_to_stdout(backup, err);
    }
    progress_begin(&backup->progress, "writing to the disk");
    return durable_file_replace(backup->unfinished, backup->path, err);
}

static enum file_verdict run_backup(struct backup *backup, const struct config *config,
                                    struct error *err)
{
    const struct file_observer observer = {.arg = backup, .doing = on_step, .found = on_problem};
    enum file_verdict verdict = FILE_UNKNOWN;

    if (fetch_snapshot(backup, config, err))
        verdict = check_structure(backup->unfinished, &observer, err);
    if (verdict == FILE_OK && !publish(backup, err))
        verdict = FILE_UNKNOWN;
    if (backup->descriptor >= 0) {
        if (verdict != FILE_OK)
            unlink(backup->unfinished);
        close(backup->descriptor);
    }
    return verdict;
}

static enum command_exit print_result(const struct backup *backup, enum file_verdict verdict,
                                      const struct error *err)
{
    struct stat status;

    switch (verdict) {
    case FILE_OK:
        if (!backup->is_to_stdout && stat(backup->path, &status) == 0)
            terminal_print(stdout, "%s: %lld bytes, no problem found\n", backup->path,
                           (long long)status.st_size);
        return COMMAND_DONE;
    case FILE_CORRUPT:
        terminal_print(stderr, "sessiond backup: %s was not written\n", backup->path);
        return COMMAND_CHECK_FAILED;
    case FILE_UNKNOWN:
        break;
    }
    terminal_print(stderr, "sessiond backup: %s\n", err->detail);
    return COMMAND_UNAVAILABLE;
}

static enum command_exit run(const struct config *config)
{
    struct backup backup = {.path = config->file, .descriptor = -1};
    enum file_verdict verdict = FILE_UNKNOWN;
    struct error err;

    umask(S_IRWXG | S_IRWXO);
    if (check_name(&backup, config, &err) && progress_start(&backup.progress, "backup", &err)) {
        verdict = run_backup(&backup, config, &err);
        progress_end(&backup.progress);
    }
    return print_result(&backup, verdict, &err);
}

const struct command command_backup = {
    .name = "backup",
    .file = COMMAND_FILE,
    .summary = "write a backup of the running service's database to FILE, or - for stdout",
    .help =
        "Downloads a snapshot of the database from the service at --listen, checks its structure,\n"
        "and stores it as FILE. The service continues to serve requests; it needs free space of\n"
        "the size of its database in the folder of that database.\n\n"
        "The snapshot is written to FILE.tmp and renamed in one step, so FILE is complete or does\n"
        "not exist. An existing FILE is replaced if it is a regular file; a symbolic link or\n"
        "another kind of file is rejected. A second backup to FILE fails while the first runs.\n\n"
        "FILE may be - for stdout. The snapshot is then checked in a temporary file in the folder\n"
        "of --db, which is removed before the content is written.\n\n"
        "If the service requires tokens, set SESSIOND_TOKEN to a token of scope admin.\n\n"
        "Exit codes: 0 written, 1 the database of the service is corrupt, 2 wrong usage, 3 the\n"
        "backup failed; stderr has the reason.\n",
    .run = run,
};
