/*
 * The size of the database, and the limit on it. The size is the pages without the free pages: what
 * is stored, not the length of the file. Writer thread, inside its open transaction.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_QUOTA_H
#define SESSIOND_DB_SQLITE_WRITE_QUOTA_H

#include "db/sqlite/write/context.h"

/* Reads the page size and the vacuum mode, and measures the database. */
MUST_USE bool write_quota_init(struct write_operations *ops, struct error *err);

/* Updates ops->state.size to the size that the database has after the commit. Call before
 * COMMIT. */
MUST_USE bool write_quota_measure(struct write_operations *ops, struct error *err);

/* Checks whether growth_bytes more bytes may be stored. Call before any change. Rejects the job
 * with ERROR_DATABASE_FULL in job->error when the limit would be exceeded. A write that does not
 * grow the database is always admitted. False: *err is a storage error. */
MUST_USE bool write_quota_admit(struct write_operations *ops, struct store_job *job,
                                int64_t growth_bytes, struct error *err);

/* Whether the database has become nearly full, or has recovered, since the last call; then
 * describes it in `text`. Call after COMMIT. */
bool write_quota_describe(struct database_size *size, char *text, size_t text_size);

#endif
