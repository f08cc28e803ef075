/*
 * Idempotency keys: the key and the response are written in the transaction of the effect. Writer
 * thread, inside its open transaction.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_IDEMPOTENCY_H
#define SESSIOND_DB_SQLITE_WRITE_IDEMPOTENCY_H

#include "db/sqlite/write/context.h"

/* Looks up the job's key. *known: do not execute the job. Either the key has a response, which is
 * now in the job, or it belongs to another request, which rejects the job with ERROR_KEY_REUSED.
 * False: *err is a storage error. */
MUST_USE bool write_idempotency_find(struct write_operations *ops, struct store_job *job,
                                     bool *known, struct error *err);

/* Checks the database size limit before the job is executed. Rejects the job with
 * ERROR_DATABASE_FULL when its key cannot be stored. */
MUST_USE bool write_idempotency_admit(struct write_operations *ops, struct store_job *job,
                                      struct error *err);

/* Stores the response of the job. Do not store rejections: they change nothing, and their cause may
 * no longer exist at a retry. */
MUST_USE bool write_idempotency_store(struct write_operations *ops, struct store_job *job,
                                      struct error *err);

/* Removes some of the expired keys. *more: there may be others. */
MUST_USE bool write_idempotency_expire(struct write_operations *ops, bool *more, struct error *err);

#endif
