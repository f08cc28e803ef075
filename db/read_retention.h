/* What retention would delete, on a reader. */
#ifndef SESSIOND_DB_READ_RETENTION_H
#define SESSIOND_DB_READ_RETENTION_H

#include "db/reader_pool.h"
#include "db/store_retention.h"

/* Counts, for each reason, up to a hundred thousand sessions. `retain_us` has the ages of the
 * reasons. */
MUST_USE bool read_retention(struct reader *reader, const int64_t retain_us[STORE_PURGE_REASONS],
                             struct store_retention *out, struct error *err);

#endif
