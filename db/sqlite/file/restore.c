#include "db/sqlite/file/restore.h"

#include "db/base/durable_file.h"
#include "db/base/lock_file.h"
#include "db/base/timestamp.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/file/check.h"
#include "db/sqlite/file/journal_check.h"
#include "db/sqlite/file/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files that SQLite may keep beside a database, and that are useless without it. */
static const char *const companions[] = {"-wal", "-journal"};

#define COMPANIONS (sizeof(companions) / sizeof(companions[0]))

struct paths {
    char target[PATH_MAX]; /* restore.to, symbolic links followed */
    int lock;
    bool had_file; /* the target existed, or an empty file with its name, which is not kept */
    bool has_old;
    bool is_of_another; /* root restores into a folder of another user */
    struct stat owner;  /* the owner to give the new file to */
};

static bool path_exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

static bool add_suffix(const char *path, const char *suffix, char out[PATH_MAX], struct error *err)
{
    if (snprintf(out, PATH_MAX, "%s%s", path, suffix) >= PATH_MAX)
        return error_set(err, ERROR_INTERNAL, NULL, "the path of the database is too long");
    return true;
}

/* Formats `sessions.db.before-20261123T063600.123456Z` with the current time. */
static bool format_kept_name(const char *target, char kept[PATH_MAX], struct error *err)
{
    char now[TIMESTAMP_LENGTH];
    char suffix[TIMESTAMP_LENGTH + 16] = ".before-";
    size_t len = strlen(suffix);

    timestamp_format(timestamp_now_us(), now);
    for (size_t i = 0; i < sizeof(now); i++) {
        if (now[i] != '-' && now[i] != ':')
            suffix[len++] = now[i];
    }
    memcpy(suffix + len, "Z", 2);
    return add_suffix(target, suffix, kept, err);
}

static bool stat_folder(const char *path, struct stat *status, struct error *err)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", path);
    const char *folder = dirname(copy);
    return stat(folder, status) == 0 ||
           error_set(err, ERROR_INTERNAL, NULL, "cannot read %s: %s", folder, strerror(errno));
}

/* Root does not follow a symbolic link that another user may have created. */
static bool resolve_target(const char *path, struct paths *paths, struct error *err)
{
    struct stat folder;
    char plain[PATH_MAX];

    if (realpath(path, paths->target) == NULL)
        return add_suffix(path, "", paths->target, err);
    if (!durable_file_real_name(path, plain, err))
        return false;
    if (geteuid() != 0 || strcmp(plain, paths->target) == 0)
        return true;
    return stat_folder(path, &folder, err) &&
           (folder.st_uid == 0 || error_set(err, ERROR_INTERNAL, NULL,
                                            "%s is a symbolic link in a folder of another user; "
                                            "give the path of the file itself",
                                            path));
}

static bool find_owner(struct paths *paths, struct error *err)
{
    struct stat folder;

    if (!stat_folder(paths->target, &folder, err))
        return false;
    paths->is_of_another = geteuid() == 0 && folder.st_uid != 0;
    paths->has_old = stat(paths->target, &paths->owner) == 0 && paths->owner.st_size > 0;
    if (!paths->has_old)
        paths->owner = folder;
    return true;
}

static bool resolve_paths(const struct restore *restore, struct paths *paths, struct error *err)
{
    struct stat from;

    paths->had_file = path_exists(restore->to);
    if (!durable_file_make_folder(restore->to, err) || !resolve_target(restore->to, paths, err) ||
        !lock_file_acquire(restore->to, &paths->lock, err) || !find_owner(paths, err))
        return false;
    if (paths->has_old && stat(restore->from, &from) == 0 && from.st_dev == paths->owner.st_dev &&
        from.st_ino == paths->owner.st_ino)
        return error_set(err, ERROR_INTERNAL, NULL, "%s is the database of --db; give another FILE",
                         restore->from);
    return true;
}

static enum file_verdict report_rejection(const struct restore *restore, const struct error *err)
{
    if (sqlite_error_is_system_failure(err))
        return FILE_UNKNOWN;
    if (restore->observer->found != NULL)
        restore->observer->found(restore->observer->arg, err->detail);
    return FILE_CORRUPT;
}

static enum file_verdict copy_source(const struct restore *restore, struct error *err)
{
    enum file_verdict verdict;
    sqlite3 *source;
    int64_t pages;
    bool is_current;
    int lock;

    if (!database_file_open(restore->from, &source, &lock, err))
        return FILE_UNKNOWN;
    if (!migrate_check_schema(source, &is_current, err))
        verdict = report_rejection(restore, err);
    else if (connection_integer(source, "PRAGMA page_count", &pages, err) && pages == 0) {
        error_set(err, ERROR_INVALID_PAYLOAD, NULL, "the file is empty");
        verdict = report_rejection(restore, err);
    } else
        verdict = database_file_copy(source, restore->unfinished, restore->observer, err);
    connection_close(source);
    if (lock >= 0)
        close(lock);
    return verdict;
}

static void forward_notice(void *arg, enum store_severity severity, const char *event,
                           const char *detail)
{
    const struct restore *restore = arg;

    (void)severity;
    (void)event;
    if (restore->observer->remark != NULL)
        restore->observer->remark(restore->observer->arg, detail);
}

/* Migrates and checks the copy like the next start of the service, so that an error is found
 * now. */
static enum file_verdict check_copy(struct restore *restore, struct error *err)
{
    const struct store_observer observer = {.arg = restore, .notice = forward_notice};
    enum file_verdict verdict = FILE_UNKNOWN;
    sqlite3 *copy = NULL;

    if (!connection_open_created(restore->unfinished, &copy, err) ||
        !connection_run(copy, "PRAGMA synchronous=OFF", err))
        goto done;
    if (migrate_run(copy, restore->fix_context, &observer, err))
        verdict = check_database(copy, restore->fix_context, restore->observer, err);
    else
        verdict = report_rejection(restore, err);

done:
    connection_close(copy);
    return verdict;
}

/* Copies the WAL into the old file. If the file is damaged, this may fail, and SQLite may discard
 * the WAL. */
static void apply_old_wal(const char *target)
{
    sqlite3 *db;
    struct error ignored;
    int64_t tables;

    if (!journal_check(target, &ignored) ||
        !connection_open_plain(target, SQLITE_OPEN_READWRITE, &db, &ignored))
        return;
    if (connection_integer(db, "SELECT count(*) FROM sqlite_schema", &tables, &ignored))
        sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    connection_close(db);
}

static bool link_kept(const char *from, const char *to, struct error *err)
{
    if (link(from, to) == 0)
        return true;
    return error_set(
        err, ERROR_INTERNAL, NULL,
        "cannot store %s as %s: %s; nothing was changed; move it away and restore again", from, to,
        strerror(errno));
}

struct companion {
    char path[PATH_MAX];
    char kept[PATH_MAX];
};

/* Gives the old file and its WAL their second names, then applies the WAL. Whatever the result, no
 * data is lost. */
static bool link_companions(const struct paths *paths, const char *kept_path,
                            struct companion found[COMPANIONS], struct error *err)
{
    bool has_companion = false;

    for (size_t i = 0; i < COMPANIONS; i++) {
        if (!add_suffix(paths->target, companions[i], found[i].path, err) ||
            !add_suffix(kept_path, companions[i], found[i].kept, err))
            return false;
        if (!path_exists(found[i].path))
            continue;
        has_companion = true;
        if (!link_kept(found[i].path, found[i].kept, err))
            return false;
    }
    if (!durable_file_sync_folder(paths->target, err))
        return false;
    /* The owner of the folder could replace the WAL by one that makes SQLite delete a file of root.
     * So the WAL is not applied here: it stays beside the old file. */
    if (has_companion && paths->has_old && !paths->is_of_another)
        apply_old_wal(paths->target);
    return true;
}

/* The old file has both names until the new one is renamed to the first, so one of them can always
 * be started. Its WAL must be removed before that: SQLite would apply it to the new file. */
static bool link_old(struct restore *restore, const struct paths *paths, struct error *err)
{
    struct companion found[COMPANIONS];
    struct stat status;

    if (!format_kept_name(paths->target, restore->kept, err) ||
        (paths->has_old && !link_kept(paths->target, restore->kept, err)) ||
        !link_companions(paths, restore->kept, found, err))
        return false;
    for (size_t i = 0; i < COMPANIONS; i++) {
        unlink(found[i].path);
        if (stat(found[i].kept, &status) == 0 && status.st_size == 0)
            unlink(found[i].kept);
    }
    return durable_file_sync_folder(paths->target, err);
}

/* Changes the owner of a file. The owner of the folder may have put another file in its place, so a
 * file of root is changed by its descriptor, and only if it has no second name. */
static bool change_owner(int fd, const char *path, const struct stat *owner, struct error *err)
{
    struct stat status;

    if (fd >= 0 && fstat(fd, &status) == 0) {
        if (status.st_uid == owner->st_uid && status.st_gid == owner->st_gid)
            return true;
        if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || status.st_nlink != 1)
            return error_set(err, ERROR_INTERNAL, NULL,
                             "%s has another owner or a second name; remove it", path);
        if (fchown(fd, owner->st_uid, owner->st_gid) == 0)
            return true;
    }
    return error_set(err, ERROR_INTERNAL, NULL, "cannot change the owner of %s: %s", path,
                     strerror(errno));
}

/* When root restores, the new file is given to the user that the service runs as. */
static bool change_owners(const struct restore *restore, const struct paths *paths,
                          struct error *err)
{
    char lock[PATH_MAX];

    if (geteuid() != 0)
        return true;
    if (!add_suffix(paths->target, ".lock", lock, err) ||
        !change_owner(paths->lock, lock, &paths->owner, err))
        return false;
    const int fd = open(restore->unfinished, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const bool is_changed = change_owner(fd, restore->unfinished, &paths->owner, err);
    if (fd >= 0)
        close(fd);
    return is_changed;
}

/* Deletes the old file, after the new one is synced and renamed. */
static bool remove_kept(struct restore *restore, const struct paths *paths, struct error *err)
{
    char path[PATH_MAX];

    unlink(restore->kept);
    for (size_t i = 0; i < COMPANIONS; i++) {
        if (!add_suffix(restore->kept, companions[i], path, err))
            return false;
        unlink(path);
    }
    restore->kept[0] = '\0';
    return durable_file_sync_folder(paths->target, err);
}

static bool replace_file(struct restore *restore, const struct paths *paths, struct error *err)
{
    char index[PATH_MAX];

    if (restore->observer->doing != NULL)
        restore->observer->doing(restore->observer->arg, "writing to the disk");
    if (!add_suffix(paths->target, "-shm", index, err) || !change_owners(restore, paths, err) ||
        !durable_file_sync(restore->unfinished, err) || !link_old(restore, paths, err))
        return false;
    unlink(index);
    if (!durable_file_replace(restore->unfinished, paths->target, err))
        return false;
    if (restore->is_replacing)
        return remove_kept(restore, paths, err);
    if (!paths->has_old)
        restore->kept[0] = '\0';
    return true;
}

static void remove_unfinished(const struct restore *restore)
{
    char journal[PATH_MAX];
    struct error ignored;

    unlink(restore->unfinished);
    if (add_suffix(restore->unfinished, "-journal", journal, &ignored))
        unlink(journal);
}

/* Deletes the temporary files, and an empty target that did not exist before. */
static void clean_up(const struct restore *restore, const struct paths *paths)
{
    struct stat status;

    if (restore->unfinished[0] != '\0')
        remove_unfinished(restore);
    if (paths->lock >= 0 && !paths->had_file && stat(paths->target, &status) == 0 &&
        status.st_size == 0)
        unlink(paths->target);
}

enum file_verdict restore_run(struct restore *restore, struct error *err)
{
    struct paths paths = {.lock = -1};
    enum file_verdict verdict = FILE_UNKNOWN;

    if (!resolve_paths(restore, &paths, err) ||
        !add_suffix(paths.target, ".restoring", restore->unfinished, err))
        goto done;
    remove_unfinished(restore);
    verdict = copy_source(restore, err);
    if (verdict == FILE_OK)
        verdict = check_copy(restore, err);
    if (verdict == FILE_OK && !replace_file(restore, &paths, err))
        verdict = FILE_UNKNOWN;

done:
    if (verdict != FILE_OK)
        clean_up(restore, &paths);
    if (paths.lock >= 0)
        close(paths.lock);
    return verdict;
}
