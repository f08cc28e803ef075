/*
 * The write-ahead log (WAL) and its checkpoints. Only the writer thread checkpoints, on the
 * connection that writes: a checkpoint by another connection can collide with a commit and lose it
 * in SQLite 3.7.0 to 3.51.2 (https://sqlite.org/wal.html, "The WAL-Reset Bug"). Owned by the writer
 * thread.
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_CHECKPOINT_H
#define SESSIOND_DB_SQLITE_CONNECTION_CHECKPOINT_H

#include "db/base/error.h"
#include "db/sqlite/connection/reader_pool.h"

enum checkpoint_result {
    CHECKPOINT_COMPLETE, /* the next write restarts the WAL */
    CHECKPOINT_PARTIAL,  /* an open read snapshot blocks part of the WAL; retry later */
    CHECKPOINT_FAILED,   /* see `err`; the WAL keeps everything */
    CHECKPOINT_FATAL,    /* as FAILED, and the file may be damaged: end the process */
};

struct checkpointer {
    sqlite3 *db;
    struct reader_pool *readers;
    int64_t due_pages;           /* WAL length at which a checkpoint is due */
    int pages;                   /* length of the WAL */
    int checkpointed_pages;      /* WAL length at the last checkpoint; 0 after the WAL restarted */
    int statvfs_pages;           /* WAL length at the last statvfs */
    bool wal_exceeds_free_space; /* result of the last statvfs */
    bool has_more;               /* commits since the last checkpoint */
};

/* `db` and `readers` are borrowed. The struct must not move afterwards: SQLite calls its commit
 * hook with a pointer to it. */
MUST_USE bool checkpointer_init(struct checkpointer *checkpointer, sqlite3 *db,
                                struct reader_pool *readers, int64_t due_pages, struct error *err);

/* Whether the WAL is so long that a checkpoint is due: as long as `due_pages`, or as the free space
 * of the disk, since the disk may have too little space to copy a longer WAL into the file. */
bool checkpointer_is_due(const struct checkpointer *checkpointer);

/* Bytes of the WAL that are in use. */
int64_t checkpointer_log_bytes(const struct checkpointer *checkpointer);

/* Copies the WAL into the database file while reads continue, then ends the read snapshots that use
 * the WAL. If earlier checkpoints failed for a long time, lists are blocked during the call. */
enum checkpoint_result checkpointer_run(struct checkpointer *checkpointer, struct error *err);

/* Copies the whole WAL and truncates it. No reader may be open. Never returns
 * CHECKPOINT_PARTIAL. */
enum checkpoint_result checkpointer_truncate(struct checkpointer *checkpointer, struct error *err);

#endif
