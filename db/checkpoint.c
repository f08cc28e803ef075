#include "db/checkpoint.h"

#include "db/translate.h"

/* How long the writer waits for reads that began before the checkpoint. */
#define READERS_LIMIT_MS 5

enum checkpoint_result checkpoint_run(sqlite3 *db, struct reader_pool *readers, struct error *err)
{
    int pages = 0;
    int copied = 0;

    /* Old snapshots would keep newer pages of the log from being copied. */
    reader_pool_expire(readers, READERS_LIMIT_MS);
    const int result =
        sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
    if (result != SQLITE_OK) {
        translate_failure(db, "checkpointing", err);
        return translate_is_fatal(result) ? CHECKPOINT_FATAL : CHECKPOINT_FAILED;
    }
    if (copied < pages)
        return CHECKPOINT_PARTIAL;
    /* From now on snapshots read the database file alone; once the last of the others has ended,
     * the next write begins the log from its start. */
    reader_pool_expire(readers, READERS_LIMIT_MS);
    return CHECKPOINT_COMPLETE;
}

bool checkpoint_truncate(sqlite3 *db, struct error *err)
{
    if (sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
        return translate_failure(db, "checkpointing", err);
    return true;
}
