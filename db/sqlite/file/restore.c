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

/* What SQLite may keep beside a database, and what makes no sense without it. */
static const char *const companions[] = {"-wal", "-journal"};

#define COMPANIONS (sizeof(companions) / sizeof(companions[0]))

struct places {
    char target[PATH_MAX]; /* restore.to, symbolic links followed */
    int lock;
    bool was_there; /* the target, or an empty file of its name, of which nothing is kept */
    bool has_old;
    bool is_of_another; /* root restores in a folder of another user */
    struct stat owner;  /* the owner that the new file gets */
};

static bool exists(const char *path)
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

/* `sessions.db.before-20261123T063600.123456Z`, as of now. */
static bool name_kept(const char *target, char kept[PATH_MAX], struct error *err)
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

/* Root follows no link that another user may have made. */
static bool find_target(const char *path, struct places *places, struct error *err)
{
    struct stat folder;
    char plain[PATH_MAX];

    if (realpath(path, places->target) == NULL)
        return add_suffix(path, "", places->target, err);
    if (!durable_file_real_name(path, plain, err))
        return false;
    if (geteuid() != 0 || strcmp(plain, places->target) == 0)
        return true;
    return stat_folder(path, &folder, err) &&
           (folder.st_uid == 0 ||
            error_set(err, ERROR_INTERNAL, NULL,
                      "%s is a symbolic link in a folder of another user: name the file itself",
                      path));
}

static bool find_owner(struct places *places, struct error *err)
{
    struct stat folder;

    if (!stat_folder(places->target, &folder, err))
        return false;
    places->is_of_another = geteuid() == 0 && folder.st_uid != 0;
    places->has_old = stat(places->target, &places->owner) == 0 && places->owner.st_size > 0;
    if (!places->has_old)
        places->owner = folder;
    return true;
}

static bool find_places(const struct restore *restore, struct places *places, struct error *err)
{
    struct stat from;

    places->was_there = exists(restore->to);
    if (!durable_file_make_folder(restore->to, err) || !find_target(restore->to, places, err) ||
        !lock_file_take(restore->to, &places->lock, err) || !find_owner(places, err))
        return false;
    if (places->has_old && stat(restore->from, &from) == 0 && from.st_dev == places->owner.st_dev &&
        from.st_ino == places->owner.st_ino)
        return error_set(err, ERROR_INTERNAL, NULL, "%s is the database itself", restore->from);
    return true;
}

static enum file_verdict refuse(const struct restore *restore, const struct error *err)
{
    if (sqlite_error_is_about_system(err))
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
    bool current;
    int lock;

    if (!database_file_open(restore->from, &source, &lock, err))
        return FILE_UNKNOWN;
    if (!migrate_check_schema(source, &current, err))
        verdict = refuse(restore, err);
    else if (connection_integer(source, "PRAGMA page_count", &pages, err) && pages == 0) {
        error_set(err, ERROR_INVALID_PAYLOAD, NULL, "the file is empty");
        verdict = refuse(restore, err);
    } else
        verdict = database_file_copy(source, restore->unfinished, restore->observer, err);
    connection_close(source);
    if (lock >= 0)
        close(lock);
    return verdict;
}

static void pass_on_notice(void *arg, enum store_severity severity, const char *event,
                           const char *detail)
{
    const struct restore *restore = arg;

    (void)severity;
    (void)event;
    if (restore->observer->remark != NULL)
        restore->observer->remark(restore->observer->arg, detail);
}

/* As the next start of the service would do: what would keep it from starting is found now. */
static enum file_verdict check_copy(struct restore *restore, struct error *err)
{
    const struct store_observer observer = {.arg = restore, .notice = pass_on_notice};
    enum file_verdict verdict = FILE_UNKNOWN;
    sqlite3 *copy = NULL;

    if (!connection_open_made(restore->unfinished, &copy, err) ||
        !connection_run(copy, "PRAGMA synchronous=OFF", err))
        goto done;
    if (migrate_run(copy, restore->fix_context, &observer, err))
        verdict = check_database(copy, restore->fix_context, restore->observer, err);
    else
        verdict = refuse(restore, err);

done:
    connection_close(copy);
    return verdict;
}

/* Brings what the log holds into the old file. Where the file is damaged that may not work, and
 * SQLite may throw the log away. */
static void settle_old(const char *target)
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
    return error_set(err, ERROR_INTERNAL, NULL,
                     "cannot keep %s as %s: %s; nothing was changed; move it away yourself and "
                     "restore again",
                     from, to, strerror(errno));
}

struct companion {
    char path[PATH_MAX];
    char kept[PATH_MAX];
};

/* The old file and its log get their second names, then the log is settled; so whatever comes of
 * that, nothing is lost. */
static bool keep_companions(const struct places *places, const char *kept_path,
                            struct companion found[COMPANIONS], struct error *err)
{
    bool any = false;

    for (size_t i = 0; i < COMPANIONS; i++) {
        if (!add_suffix(places->target, companions[i], found[i].path, err) ||
            !add_suffix(kept_path, companions[i], found[i].kept, err))
            return false;
        if (!exists(found[i].path))
            continue;
        any = true;
        if (!link_kept(found[i].path, found[i].kept, err))
            return false;
    }
    if (!durable_file_sync_folder(places->target, err))
        return false;
    /* The folder's owner could replace the log by one that makes SQLite delete a file of root. So
     * the log is not applied here: it keeps its place beside the old file. */
    if (any && places->has_old && !places->is_of_another)
        settle_old(places->target);
    return true;
}

/* The old file has both names until the new one takes the first, so there is always one to start
 * with. Its log must not be there any more when that happens: SQLite would apply it to the new. */
static bool keep_old(struct restore *restore, const struct places *places, struct error *err)
{
    struct companion found[COMPANIONS];
    struct stat status;

    if (!name_kept(places->target, restore->kept, err) ||
        (places->has_old && !link_kept(places->target, restore->kept, err)) ||
        !keep_companions(places, restore->kept, found, err))
        return false;
    for (size_t i = 0; i < COMPANIONS; i++) {
        unlink(found[i].path);
        if (stat(found[i].kept, &status) == 0 && status.st_size == 0)
            unlink(found[i].kept);
    }
    return durable_file_sync_folder(places->target, err);
}

/* The folder belongs to that user, who may have put another file under the name: a file of root's
 * is given away by its descriptor, and only where it has no second name. */
static bool give_to(int fd, const char *path, const struct stat *owner, struct error *err)
{
    struct stat status;

    if (fd >= 0 && fstat(fd, &status) == 0) {
        if (status.st_uid == owner->st_uid && status.st_gid == owner->st_gid)
            return true;
        if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || status.st_nlink != 1)
            return error_set(err, ERROR_INTERNAL, NULL,
                             "%s has another owner or a second name: remove it", path);
        if (fchown(fd, owner->st_uid, owner->st_gid) == 0)
            return true;
    }
    return error_set(err, ERROR_INTERNAL, NULL, "cannot give %s to its owner: %s", path,
                     strerror(errno));
}

/* Root restores for the user whom the service runs as. */
static bool hand_over(const struct restore *restore, const struct places *places, struct error *err)
{
    char lock[PATH_MAX];

    if (geteuid() != 0)
        return true;
    if (!add_suffix(places->target, ".lock", lock, err) ||
        !give_to(places->lock, lock, &places->owner, err))
        return false;
    const int fd = open(restore->unfinished, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const bool given = give_to(fd, restore->unfinished, &places->owner, err);
    if (fd >= 0)
        close(fd);
    return given;
}

/* Removes the old file, once the new one is synced and has its name. */
static bool remove_kept(struct restore *restore, const struct places *places, struct error *err)
{
    char path[PATH_MAX];

    unlink(restore->kept);
    for (size_t i = 0; i < COMPANIONS; i++) {
        if (!add_suffix(restore->kept, companions[i], path, err))
            return false;
        unlink(path);
    }
    restore->kept[0] = '\0';
    return durable_file_sync_folder(places->target, err);
}

static bool swap(struct restore *restore, const struct places *places, struct error *err)
{
    char index[PATH_MAX];

    if (restore->observer->doing != NULL)
        restore->observer->doing(restore->observer->arg, "writing to the disk");
    if (!add_suffix(places->target, "-shm", index, err) || !hand_over(restore, places, err) ||
        !durable_file_sync(restore->unfinished, err) || !keep_old(restore, places, err))
        return false;
    unlink(index);
    if (!durable_file_put(restore->unfinished, places->target, err))
        return false;
    if (restore->is_replacing)
        return remove_kept(restore, places, err);
    if (!places->has_old)
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

/* Taking the lock may have made an empty database. */
static void clean_up(const struct restore *restore, const struct places *places)
{
    struct stat status;

    if (restore->unfinished[0] != '\0')
        remove_unfinished(restore);
    if (places->lock >= 0 && !places->was_there && stat(places->target, &status) == 0 &&
        status.st_size == 0)
        unlink(places->target);
}

enum file_verdict restore_run(struct restore *restore, struct error *err)
{
    struct places places = {.lock = -1};
    enum file_verdict verdict = FILE_UNKNOWN;

    if (!find_places(restore, &places, err) ||
        !add_suffix(places.target, ".restoring", restore->unfinished, err))
        goto done;
    remove_unfinished(restore);
    verdict = copy_source(restore, err);
    if (verdict == FILE_OK)
        verdict = check_copy(restore, err);
    if (verdict == FILE_OK && !swap(restore, &places, err))
        verdict = FILE_UNKNOWN;

done:
    if (verdict != FILE_OK)
        clean_up(restore, &places);
    if (places.lock >= 0)
        close(places.lock);
    return verdict;
}
