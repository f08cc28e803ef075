/*
 * How large the database is, and whether it may grow: its pages without the free ones, which is
 * what is stored, not how long the file is. Writer thread, inside its open transaction.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_QUOTA_H
#define SESSIOND_DB_SQLITE_WRITE_QUOTA_H

#include "db/sqlite/write/context.h"

MUST_USE bool write_quota_init(struct write_operations *ops, struct error *err);

/* Before COMMIT: what the database will have. */
MUST_USE bool write_quota_measure(struct write_operations *ops, struct error *err);

/* Before anything is changed: whether so many more bytes may be stored. A job for which there is no
 * room is refused with ERROR_DATABASE_FULL, which job->error shows. What does not grow is always
 * admitted. */
MUST_USE bool write_quota_admit(struct write_operations *ops, struct store_job *job,
                                int64_t growth_bytes, struct error *err);

/* After COMMIT: whether the database has become nearly full, or has room again; then puts it into
 * words, once. */
bool write_quota_describe(struct database_size *size, char *text, size_t text_size);

#endif
