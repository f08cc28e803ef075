/* The writes of readers' places: see db/store/events.h. The contract is write_operations_apply's.
 * Owned by the writer thread. */
#ifndef SESSIOND_DB_SQLITE_WRITE_CONSUMER_H
#define SESSIOND_DB_SQLITE_WRITE_CONSUMER_H

#include "db/sqlite/write/context.h"

/* Makes the consumer, or gives it another place. */
MUST_USE bool write_consumer_put(struct write_operations *ops, struct store_job *job,
                                 struct error *err);

MUST_USE bool write_consumer_remove(struct write_operations *ops, struct store_job *job,
                                    struct error *err);

#endif
