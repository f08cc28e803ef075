#include "db/sqlite/connection/checkpoint.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"

#include <stdio.h>
#include <sys/statvfs.h>

/* How long the writer waits for reads that began before the checkpoint, in ms. */
#define READERS_LIMIT_MS 5

/* A WAL of this many times the due length has not restarted for a long time. Lists are then
 * blocked, and the checkpoint waits up to LISTS_LIMIT_MS for the running list. */
#define OVERDUE_FACTOR 4
#define LISTS_LIMIT_MS 1000

/* After a restart of the WAL, SQLite truncates its file to this many times the due length. */
#define WAL_TRUNCATE_FACTOR 2

/* The writer calls statvfs once in this many pages (1 MiB). When the WAL exceeds the free space, it
 * checkpoints at the same interval. */
#define STATVFS_EVERY_PAGES 256

/* Each 4096-byte page in the WAL has a 24-byte header, and the WAL has a header of 32 bytes
 * (https://sqlite.org/fileformat2.html#walformat). */
#define FRAME_BYTES (4096 + 24)
#define LOG_HEADER_BYTES 32

static int64_t get_free_bytes(const char *path)
{
    struct statvfs disk;

    if (statvfs(path, &disk) != 0)
        return INT64_MAX;
    return (int64_t)(disk.f_bavail * disk.f_frsize);
}

static void update_free_space(struct checkpointer *checkpointer)
{
    checkpointer->statvfs_pages = checkpointer->pages;
    checkpointer->wal_exceeds_free_space =
        checkpointer_log_bytes(checkpointer) >
        get_free_bytes(sqlite3_db_filename(checkpointer->db, "main"));
}

static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct checkpointer *checkpointer = arg;

    (void)db;
    (void)name;
    checkpointer->pages = pages;
    checkpointer->has_more = true;
    if (pages < checkpointer->checkpointed_pages)
        checkpointer->checkpointed_pages = 0;
    if (pages < checkpointer->statvfs_pages)
        checkpointer->statvfs_pages = 0;
    if (pages - checkpointer->statvfs_pages >= STATVFS_EVERY_PAGES)
        update_free_space(checkpointer);
    return SQLITE_OK;
}

bool checkpointer_init(struct checkpointer *checkpointer, sqlite3 *db, struct reader_pool *readers,
                       int64_t due_pages, struct error *err)
{
    char sql[64];

    *checkpointer = (struct checkpointer){.db = db, .readers = readers, .due_pages = due_pages};
    sqlite3_wal_hook(db, on_commit, checkpointer);
    snprintf(sql, sizeof(sql), "PRAGMA journal_size_limit = %lld",
             (long long)(WAL_TRUNCATE_FACTOR * due_pages * FRAME_BYTES));
    return connection_run(db, sql, err);
}

/* If readers prevented the restart of the WAL, it grows by a quarter of the due length before the
 * next attempt. */
bool checkpointer_is_due(const struct checkpointer *checkpointer)
{
    const int64_t threshold_pages = checkpointer->checkpointed_pages == 0
                                        ? checkpointer->due_pages
                                        : checkpointer->due_pages / 4;
    const int64_t new_pages = checkpointer->pages - checkpointer->checkpointed_pages;

    return new_pages >= threshold_pages ||
           (checkpointer->wal_exceeds_free_space && new_pages >= STATVFS_EVERY_PAGES);
}

int64_t checkpointer_log_bytes(const struct checkpointer *checkpointer)
{
    if (checkpointer->pages == 0)
        return 0;
    return LOG_HEADER_BYTES + (int64_t)checkpointer->pages * FRAME_BYTES;
}

static enum checkpoint_result set_failure(struct checkpointer *checkpointer, int result,
                                          struct error *err)
{
    sqlite_error_set(checkpointer->db, "checkpointing", err);
    return sqlite_error_is_fatal(result) ? CHECKPOINT_FATAL : CHECKPOINT_FAILED;
}

static enum checkpoint_result run_passive_checkpoint(struct checkpointer *checkpointer,
                                                     int64_t limit_ms, struct error *err)
{
    int pages = 0;
    int copied = 0;

    checkpointer->checkpointed_pages = checkpointer->pages;
    checkpointer->has_more = false;
    /* Old snapshots would prevent the checkpoint from copying newer pages of the WAL. */
    reader_pool_end_snapshots(checkpointer->readers, limit_ms);
    const int result = sqlite3_wal_checkpoint_v2(checkpointer->db, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                                 &pages, &copied);
    if (result != SQLITE_OK)
        return set_failure(checkpointer, result, err);
    if (copied < pages)
        return CHECKPOINT_PARTIAL;
    /* New snapshots read only the database file from now on. When the last older snapshot has
     * ended, the next write restarts the WAL. */
    reader_pool_end_snapshots(checkpointer->readers, limit_ms);
    return CHECKPOINT_COMPLETE;
}

enum checkpoint_result checkpointer_run(struct checkpointer *checkpointer, struct error *err)
{
    if (checkpointer->pages < OVERDUE_FACTOR * checkpointer->due_pages)
        return run_passive_checkpoint(checkpointer, READERS_LIMIT_MS, err);
    reader_pool_block_lists(checkpointer->readers, true);
    const enum checkpoint_result result = run_passive_checkpoint(checkpointer, LISTS_LIMIT_MS, err);
    reader_pool_block_lists(checkpointer->readers, false);
    return result;
}

enum checkpoint_result checkpointer_truncate(struct checkpointer *checkpointer, struct error *err)
{
    const int result =
        sqlite3_wal_checkpoint_v2(checkpointer->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    if (result != SQLITE_OK)
        return set_failure(checkpointer, result, err);
    checkpointer->pages = 0;
    checkpointer->checkpointed_pages = 0;
    checkpointer->has_more = false;
    return CHECKPOINT_COMPLETE;
}
