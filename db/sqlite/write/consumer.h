/* Writes consumer offsets: see db/store/events.h. The contract is that of write_operations_apply.
 * Writer thread. */
#ifndef SESSIOND_DB_SQLITE_WRITE_CONSUMER_H
#define SESSIOND_DB_SQLITE_WRITE_CONSUMER_H

#include "db/sqlite/write/context.h"

/* Creates the consumer, or sets its offset. Sets job->created and updated_us. */
MUST_USE bool write_consumer_put(struct write_operations *ops, struct store_job *job,
                                 struct error *err);

/* Deletes the consumer. ERROR_NOT_FOUND in the job when it does not exist. */
MUST_USE bool write_consumer_remove(struct write_operations *ops, struct store_job *job,
                                    struct error *err);

#endif
