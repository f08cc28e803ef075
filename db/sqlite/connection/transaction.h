/*
 * The writer's transactions: begin, commit, roll back and the result. Owned by the writer thread.
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_TRANSACTION_H
#define SESSIOND_DB_SQLITE_CONNECTION_TRANSACTION_H

#include "db/base/error.h"

#include <sqlite3.h>
#include <stdint.h>

enum transaction_result {
    TRANSACTION_COMMITTED,
    TRANSACTION_ROLLED_BACK, /* nothing was changed; see `err` */
    /* nothing was changed, because the search index was corrupt; it has been rebuilt and the
     * transaction can be retried */
    TRANSACTION_INDEX_REBUILT,
    TRANSACTION_NOT_BEGUN, /* nothing was changed; another transaction would also fail now */
    TRANSACTION_UNKNOWN,   /* unknown until a restart whether it was committed */
};

struct transactions {
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    int64_t last_commit_us; /* duration of the last COMMIT */
    bool has_failed;        /* the storage failed: transaction_begin fails from now on */
};

/* `db` is borrowed; closing it finalizes the statements. */
MUST_USE bool transactions_init(struct transactions *transactions, sqlite3 *db, struct error *err);

/* Begins a transaction with the write lock, which another program may hold (ERROR_STORAGE_BUSY).
 * ERROR_STOPPING when has_failed is set. */
MUST_USE bool transaction_begin(struct transactions *transactions, struct error *err);

/* Commits and sets last_commit_us. COMMITTED, ROLLED_BACK, or UNKNOWN with *err set. */
enum transaction_result transaction_commit(struct transactions *transactions, struct error *err);
/* Rolls back. ROLLED_BACK, or UNKNOWN when SQLite keeps the transaction open. */
enum transaction_result transaction_roll_back(struct transactions *transactions);

#endif
