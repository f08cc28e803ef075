#include "db/sqlite/maintenance/vacuum.h"

#include "db/base/monotonic.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/write/quota.h"

#include <stdio.h>
#include <sys/statvfs.h>

enum { AUTO_VACUUM_NONE, AUTO_VACUUM_FULL, AUTO_VACUUM_INCREMENTAL };

/* A larger file is not rewritten, since the start would take too long. SQLite holds the new file in
 * memory until it is complete, and then in the WAL. */
#define REWRITE_MAX_BYTES (64 << 20)

/* Free space to leave on the disk, in addition to an eighth of the WAL's size. */
#define RESERVE_BYTES (4 << 20)

/* The rewrite of a smaller file is not logged. */
#define LOG_MIN_BYTES (1 << 20)

/* The writer returns pages after this time without a job, in µs. */
#define IDLE_US INT64_C(20000)

/* This many free pages are kept, or an eighth of the used pages. With less than twice as many, no
 * pages are returned, so that a varying load does not move pages all the time. */
#define FREE_PAGES_MIN 256
#define FREE_PAGES_DIVISOR 8

bool vacuum_prepare_new(sqlite3 *db, struct error *err)
{
    return connection_run(db, "PRAGMA auto_vacuum=INCREMENTAL", err);
}

static void notify(const struct store_observer *observer, const char *event, const char *detail)
{
    observer->notice(observer->arg, STORE_INFO, event, detail);
}

/* Returns the reason that prevents the rewrite; NULL: none. Static string. */
static const char *find_obstacle(sqlite3 *db, int64_t bytes)
{
    struct statvfs disk;

    if (bytes > REWRITE_MAX_BYTES)
        return "the file is large";
    if (statvfs(sqlite3_db_filename(db, "main"), &disk) != 0)
        return "the free disk space is unknown";
    if ((int64_t)(disk.f_bavail * disk.f_frsize) < bytes / 8 * 9 + RESERVE_BYTES)
        return "the disk has too little free space";
    return NULL;
}

static void log_auto_vacuum_disabled(const struct store_observer *observer, const char *why)
{
    char detail[sizeof(((struct error *)NULL)->detail) + 240];

    snprintf(
        detail, sizeof(detail),
        "free pages are reused but not returned to the disk, because the file was not rewritten: "
        "%s; to rewrite it, stop the service and run PRAGMA auto_vacuum=2 and VACUUM",
        why);
    notify(observer, "auto_vacuum_disabled", detail);
}

/* VACUUM builds the new file in an attached database. */
static int rewrite_file(sqlite3 *db)
{
    const int attached = sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1);
    const int result = sqlite3_exec(db, "PRAGMA auto_vacuum=INCREMENTAL; VACUUM", NULL, NULL, NULL);

    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, attached);
    return result;
}

static bool convert_file(sqlite3 *db, int64_t bytes, const struct store_observer *observer,
                         struct error *err)
{
    const char *why = find_obstacle(db, bytes);
    const int64_t began_us = monotonic_us();
    char detail[128];

    if (why != NULL) {
        log_auto_vacuum_disabled(observer, why);
        return true;
    }
    const int result = rewrite_file(db);
    if (result != SQLITE_OK) {
        sqlite_error_set(db, "rewriting the file", err);
        if (!connection_roll_back(db) || !sqlite_error_is_harmless(result))
            return false;
        log_auto_vacuum_disabled(observer, err->detail);
        return true;
    }
    if (bytes < LOG_MIN_BYTES)
        return true;
    snprintf(detail, sizeof(detail),
             "rewrote %lld bytes in %.1f s; free pages can now be returned to the disk",
             (long long)bytes, (double)(monotonic_us() - began_us) / 1e6);
    notify(observer, "database_rewritten", detail);
    return true;
}

bool vacuum_convert(sqlite3 *db, const struct store_observer *observer, struct error *err)
{
    int64_t mode;
    int64_t pages;
    int64_t page_bytes;

    if (!connection_integer(db, "PRAGMA auto_vacuum", &mode, err) ||
        !connection_integer(db, "PRAGMA page_count", &pages, err) ||
        !connection_integer(db, "PRAGMA page_size", &page_bytes, err))
        return false;
    if (mode == AUTO_VACUUM_INCREMENTAL)
        return true;
    /* pointer-map pages exist; a full vacuum at every commit would be too frequent */
    if (mode == AUTO_VACUUM_FULL)
        return connection_run(db, "PRAGMA auto_vacuum=INCREMENTAL", err);
    return convert_file(db, pages * page_bytes, observer, err);
}

static int64_t min_free_pages(const struct database_size *size)
{
    const int64_t share = size->used_bytes / size->page_bytes / FREE_PAGES_DIVISOR;

    return share > FREE_PAGES_MIN ? share : FREE_PAGES_MIN;
}

/* SQLite returns one row per page. */
static bool run_incremental_vacuum(struct write_operations *ops, struct error *err)
{
    bool ok;

    do {
    } while (
        write_next_row(&ops->statements, WRITE_VACUUM, "running an incremental vacuum", &ok, err));
    return ok;
}

bool vacuum_step(struct write_operations *ops, bool *more, struct error *err)
{
    struct database_size *size = &ops->state.size;

    if (!size->shrinks || monotonic_us() - size->last_jobs_us < IDLE_US)
        return true;
    if (!size->is_shrinking && size->free_pages < 2 * min_free_pages(size))
        return true;
    if (!run_incremental_vacuum(ops, err) || !write_quota_measure(ops, err))
        return false;
    size->is_shrinking = size->free_pages > min_free_pages(size);
    *more = size->is_shrinking;
    return true;
}
