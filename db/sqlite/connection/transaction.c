#include "db/sqlite/connection/transaction.h"

#include "db/base/monotonic.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"

bool transactions_init(struct transactions *transactions, sqlite3 *db, struct error *err)
{
    *transactions = (struct transactions){.db = db};
    return connection_prepare(db, "BEGIN IMMEDIATE", &transactions->begin, err) &&
           connection_prepare(db, "COMMIT", &transactions->commit, err);
}

static int step_once(sqlite3_stmt *stmt)
{
    const int result = sqlite3_step(stmt);

    sqlite3_reset(stmt);
    return result;
}

bool transaction_begin(struct transactions *transactions, struct error *err)
{
    if (transactions->has_failed)
        return error_set(err, ERROR_STOPPING, NULL,
                         "the storage failed; the service is shutting down");
    return step_once(transactions->begin) == SQLITE_DONE ||
           sqlite_error_set(transactions->db, "beginning a write transaction", err);
}

enum transaction_result transaction_commit(struct transactions *transactions, struct error *err)
{
    const int64_t began_us = monotonic_us();
    const int result = step_once(transactions->commit);

    if (result != SQLITE_DONE) {
        sqlite_error_set(transactions->db, "committing", err);
        return sqlite_error_is_harmless(result) ? transaction_roll_back(transactions)
                                                : TRANSACTION_UNKNOWN;
    }
    transactions->last_commit_us = monotonic_us() - began_us;
    return TRANSACTION_COMMITTED;
}

enum transaction_result transaction_roll_back(struct transactions *transactions)
{
    return connection_roll_back(transactions->db) ? TRANSACTION_ROLLED_BACK : TRANSACTION_UNKNOWN;
}
