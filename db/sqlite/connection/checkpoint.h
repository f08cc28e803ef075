/*
 * The write-ahead log and its checkpoints. Only the writer thread makes them, on the connection
 * that writes: a checkpoint by any other connection can meet a commit and lose it in SQLite 3.7.0
 * to 3.51.2 (https://sqlite.org/wal.html, "The WAL-Reset Bug").
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_CHECKPOINT_H
#define SESSIOND_DB_SQLITE_CONNECTION_CHECKPOINT_H

#include "db/base/error.h"
#include "db/sqlite/connection/reader_pool.h"

enum checkpoint_result {
    CHECKPOINT_COMPLETE, /* the next write starts the log anew */
    CHECKPOINT_PARTIAL,  /* a reader held a part of it back; try again later */
    CHECKPOINT_FAILED,   /* `err` says why; the log keeps everything */
    CHECKPOINT_FATAL,    /* as FAILED, and the file may be damaged: end the process */
};

struct checkpointer {
    sqlite3 *db;
    struct reader_pool *readers;
    int64_t due_pages;           /* a log of so many is due for a checkpoint */
    int pages;                   /* the log's length */
    int checkpointed_pages;      /* its length at the last checkpoint; 0 once it started anew */
    int statvfs_pages;           /* its length when the disk was last looked at */
    bool wal_exceeds_free_space; /* then it was longer than what the disk had left */
    bool has_more;               /* commits since the last checkpoint */
};

/* `db` and `readers` are borrowed. The struct must not move from here on: SQLite tells it of each
 * commit. */
MUST_USE bool checkpointer_init(struct checkpointer *checkpointer, sqlite3 *db,
                                struct reader_pool *readers, int64_t due_pages, struct error *err);

/* Whether the log has grown so long that it is time for a checkpoint: as long as is due, or as what
 * the disk has left, since a longer one might find no room to be copied into the file. */
bool checkpointer_is_due(const struct checkpointer *checkpointer);

/* The log's bytes. */
int64_t checkpointer_log_bytes(const struct checkpointer *checkpointer);

/* Copies the log into the database file while reads go on, then makes the readers let go of it.
 * When that has failed for long, lists have to wait meanwhile. */
enum checkpoint_result checkpointer_run(struct checkpointer *checkpointer, struct error *err);

/* With no reader there: copies everything and empties the log. Never PARTIAL. */
enum checkpoint_result checkpointer_empty(struct checkpointer *checkpointer, struct error *err);

#endif
