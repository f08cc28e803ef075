/*
 * The writer's transactions: begun, ended, and what became of them. Owned by the writer thread.
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_TRANSACTION_H
#define SESSIOND_DB_SQLITE_CONNECTION_TRANSACTION_H

#include "db/base/error.h"

#include <sqlite3.h>
#include <stdint.h>

enum transaction_result {
    TRANSACTION_COMMITTED,
    TRANSACTION_ROLLED_BACK,   /* nothing was changed; `err` says why */
    TRANSACTION_INDEX_REBUILT, /* nothing was changed, since the search index was corrupt; it has
                                * been replaced, and the same transaction can be run again */
    TRANSACTION_NOT_BEGUN,     /* nothing was changed; another transaction would fail now, too */
    TRANSACTION_UNKNOWN,       /* a restart shows whether it was committed */
};

struct transactions {
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    int64_t last_commit_us; /* how long the last COMMIT took */
    bool has_failed;        /* the storage failed: no transaction begins any more */
};

/* `db` is borrowed; the statements are finalised when it is closed. */
MUST_USE bool transactions_init(struct transactions *transactions, sqlite3 *db, struct error *err);

/* Takes the write lock, which another program may hold. ERROR_STOPPING once has_failed is set. */
MUST_USE bool transaction_begin(struct transactions *transactions, struct error *err);

enum transaction_result transaction_commit(struct transactions *transactions, struct error *err);
enum transaction_result transaction_roll_back(struct transactions *transactions);

#endif
