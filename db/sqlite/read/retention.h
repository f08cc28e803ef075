/* What retention would delete, on a reader. */
#ifndef SESSIOND_DB_SQLITE_READ_RETENTION_H
#define SESSIOND_DB_SQLITE_READ_RETENTION_H

#include "db/sqlite/connection/reader_pool.h"
#include "db/store/retention.h"

/* Reads 10,000 sessions at most, including those that are not counted, from purge->from on, one
 * reason after the other. Sets purge->next and purge->more. `retain_us` has the ages of the
 * reasons. */
MUST_USE bool read_retention(struct reader *reader, const int64_t retain_us[STORE_PURGE_REASONS],
                             struct store_purge *purge, struct store_retention *out,
                             struct error *err);

#endif
