/* Stored rows that a transaction could not read and did not change: an unreadable row must not
 * prevent a task from processing the others. Logged after the commit. Owned by the writer
 * thread. */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_SKIPPED_ROWS_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_SKIPPED_ROWS_H

#include "db/base/error.h"

#include <stdint.h>

struct skipped_rows {
    int64_t count;
    struct error first;
};

/* Counts a row and stores the first error. `why` names the row. */
static inline void skipped_rows_add(struct skipped_rows *skipped, const struct error *why)
{
    if (skipped->count++ == 0)
        skipped->first = *why;
}

#endif
