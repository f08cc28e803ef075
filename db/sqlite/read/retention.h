/* Reads what retention would delete (dry run), on a leased reader. The thread that leases the
 * reader. */
#ifndef SESSIOND_DB_SQLITE_READ_RETENTION_H
#define SESSIOND_DB_SQLITE_READ_RETENTION_H

#include "db/sqlite/connection/reader_pool.h"
#include "db/store/retention.h"

/* Reads at most 10,000 sessions, including those that retention keeps, from purge->from on, one
 * reason after the other. Sets purge->next and purge->more. `retain_us` has the age limit of each
 * reason in µs; 0: disabled. Errors: those of read_list. */
MUST_USE bool read_retention(struct reader *reader, const int64_t retain_us[STORE_PURGE_REASONS],
                             struct store_purge *purge, struct store_retention *out,
                             struct error *err);

#endif
