#include "db/sqlite/maintenance/vacuum.h"

#include "db/base/monotonic.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/write/quota.h"

#include <stdio.h>
#include <sys/statvfs.h>

enum { AUTO_VACUUM_NONE, AUTO_VACUUM_FULL, AUTO_VACUUM_INCREMENTAL };

/* A start may take that long: a larger file is not rewritten. SQLite holds the new one in memory
 * until it is complete, and then in the log. */
#define REWRITE_MAX_BYTES (64 << 20)

/* What the log leaves of the free space, beside an eighth of its size. */
#define RESERVE_BYTES (4 << 20)

/* The rewriting of a smaller file is not worth a line in the log. */
#define TOLD_BYTES (1 << 20)

/* With no job for so long the writer gives pages back. */
#define QUIET_US INT64_C(20000)

/* So many free pages stay, or an eighth of those that are used; with less than twice as many there
 * is nothing to give back, so that a load that comes and goes does not move pages all the time. */
#define KEPT_PAGES 256
#define KEPT_DIVISOR 8

bool vacuum_prepare_new(sqlite3 *db, struct error *err)
{
    return connection_run(db, "PRAGMA auto_vacuum=INCREMENTAL", err);
}

static void tell(const struct store_observer *observer, const char *event, const char *detail)
{
    observer->notice(observer->arg, STORE_INFO, event, detail);
}

/* What keeps the file from being rewritten; NULL for nothing. */
static const char *obstacle(sqlite3 *db, int64_t bytes)
{
    struct statvfs disk;

    if (bytes > REWRITE_MAX_BYTES)
        return "it is large";
    if (statvfs(sqlite3_db_filename(db, "main"), &disk) != 0)
        return "it is not known how much of the disk is free";
    if ((int64_t)(disk.f_bavail * disk.f_frsize) < bytes / 8 * 9 + RESERVE_BYTES)
        return "the disk has no room for it";
    return NULL;
}

static void log_auto_vacuum_disabled(const struct store_observer *observer, const char *why)
{
    char detail[sizeof(((struct error *)NULL)->detail) + 240];

    snprintf(
        detail, sizeof(detail),
        "free pages of the file are used again, but not given back, for which it would have to "
        "be rewritten: %s; while the service is stopped, PRAGMA auto_vacuum=2 and VACUUM do "
        "that",
        why);
    tell(observer, "auto_vacuum_disabled", detail);
}

/* VACUUM makes the new file in an attached database. */
static int rewrite(sqlite3 *db)
{
    const int attached = sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1);
    const int result = sqlite3_exec(db, "PRAGMA auto_vacuum=INCREMENTAL; VACUUM", NULL, NULL, NULL);

    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, attached);
    return result;
}

static bool convert(sqlite3 *db, int64_t bytes, const struct store_observer *observer,
                    struct error *err)
{
    const char *why = obstacle(db, bytes);
    const int64_t began_us = monotonic_us();
    char detail[128];

    if (why != NULL) {
        log_auto_vacuum_disabled(observer, why);
        return true;
    }
    const int result = rewrite(db);
    if (result != SQLITE_OK) {
        sqlite_error_set(db, "rewriting the file", err);
        if (!connection_roll_back(db) || !sqlite_error_is_harmless(result))
            return false;
        log_auto_vacuum_disabled(observer, err->detail);
        return true;
    }
    if (bytes < TOLD_BYTES)
        return true;
    snprintf(detail, sizeof(detail), "%lld bytes in %.1f s, so that free pages can be given back",
             (long long)bytes, (double)(monotonic_us() - began_us) / 1e6);
    tell(observer, "database_rewritten", detail);
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
    if (mode == AUTO_VACUUM_FULL) /* the account is there; at every commit would be too often */
        return connection_run(db, "PRAGMA auto_vacuum=INCREMENTAL", err);
    return convert(db, pages * page_bytes, observer, err);
}

static int64_t kept_pages(const struct database_size *size)
{
    const int64_t share = size->used_bytes / size->page_bytes / KEPT_DIVISOR;

    return share > KEPT_PAGES ? share : KEPT_PAGES;
}

/* SQLite returns a row for each page. */
static bool run_incremental_vacuum(struct write_operations *ops, struct error *err)
{
    bool ok;

    do {
    } while (write_next_row(&ops->statements, WRITE_VACUUM, "giving pages back", &ok, err));
    return ok;
}

bool vacuum_step(struct write_operations *ops, bool *more, struct error *err)
{
    struct database_size *size = &ops->state.size;

    if (!size->shrinks || monotonic_us() - size->last_jobs_us < QUIET_US)
        return true;
    if (!size->is_shrinking && size->free_pages < 2 * kept_pages(size))
        return true;
    if (!run_incremental_vacuum(ops, err) || !write_quota_measure(ops, err))
        return false;
    size->is_shrinking = size->free_pages > kept_pages(size);
    *more = size->is_shrinking;
    return true;
}
