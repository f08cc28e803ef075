/*
 * What each write does inside the writer's open transaction. Owned by the writer thread.
 * An operation runs at most one statement that changes anything, and SQLite undoes a statement
 * that fails: so a job that fails has changed nothing.
 */
#ifndef SESSIOND_DB_WRITE_OPERATIONS_H
#define SESSIOND_DB_WRITE_OPERATIONS_H

#include "db/clock.h"
#include "db/session_row.h"
#include "db/store.h"

enum write_statement {
    WRITE_INSERT,
    WRITE_FIND,
    WRITE_FIND_WITH_CONTEXT,
    WRITE_STATUS,
    WRITE_CONTEXT,
    WRITE_STATUS_AND_CONTEXT,
    WRITE_REMOVE,
    WRITE_STATEMENT_COUNT
};

struct write_operations {
    sqlite3 *db;
    sqlite3_stmt *statements[WRITE_STATEMENT_COUNT];
    struct clock clock;
    session_adopter adopt;
    int64_t sessions[SESSION_STATUS_COUNT]; /* how the open transaction changes the counts */
};

/* `db` is borrowed; its statements are finalised when it is closed. */
MUST_USE bool write_operations_init(struct write_operations *ops, sqlite3 *db,
                                    session_adopter adopt, struct error *err);

/* Runs one job. True: its answer is in the job, be it success or an error that concerns the job
 * alone. False: `err` is a failure of the storage, and the transaction must be rolled back. */
MUST_USE bool write_operations_apply(struct write_operations *ops, struct store_job *job,
                                     struct error *err);

#endif
