/*
 * Checkpoints of the write-ahead log. Only the writer thread makes them, on the connection that
 * writes: a checkpoint by any other connection can meet a commit and lose it in SQLite 3.7.0 to
 * 3.51.2 (https://sqlite.org/wal.html, "The WAL-Reset Bug").
 */
#ifndef SESSIOND_DB_CHECKPOINT_H
#define SESSIOND_DB_CHECKPOINT_H

#include "db/error.h"
#include "db/reader_pool.h"

enum checkpoint_result {
    CHECKPOINT_COMPLETE, /* the next write starts the log anew */
    CHECKPOINT_PARTIAL,  /* a reader held a part of it back; try again later */
    CHECKPOINT_FAILED,   /* `err` says why; the log keeps everything */
    CHECKPOINT_FATAL,    /* as FAILED, and the file may be damaged: end the process */
};

/* Copies the log into the database file while reads go on, then makes the readers let go of it. */
enum checkpoint_result checkpoint_run(sqlite3 *db, struct reader_pool *readers, struct error *err);

/* With no reader there: copies everything and empties the log. */
MUST_USE bool checkpoint_truncate(sqlite3 *db, struct error *err);

#endif
