/* Stored rows that a transaction could not read and left alone: a row that cannot be read must not
 * keep a task from the others. Logged when the transaction has committed. */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_SKIPPED_ROWS_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_SKIPPED_ROWS_H

#include "db/base/error.h"

#include <stdint.h>

struct skipped_rows {
    int64_t count;
    struct error first;
};

/* `why` names the row. */
static inline void skipped_rows_add(struct skipped_rows *skipped, const struct error *why)
{
    if (skipped->count++ == 0)
        skipped->first = *why;
}

#endif
