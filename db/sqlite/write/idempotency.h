/*
 * Requests that are carried out once: the Idempotency-Key and the answer are written in the
 * transaction of the effect. Writer thread, inside its open transaction.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_IDEMPOTENCY_H
#define SESSIOND_DB_SQLITE_WRITE_IDEMPOTENCY_H

#include "db/sqlite/write/context.h"

/* Looks the job's key up. *known: the job is not to be run, since the key has an answer (which is
 * put into the job) or belongs to another request (which refuses it). */
MUST_USE bool write_idempotency_find(struct write_operations *ops, struct store_job *job,
                                     bool *known, struct error *err);

/* Before the job is run: whether its key may be stored, or the job is refused with
 * ERROR_DATABASE_FULL. */
MUST_USE bool write_idempotency_admit(struct write_operations *ops, struct store_job *job,
                                      struct error *err);

/* Remembers what the job answered. Not for a job that was refused: it changed nothing, and what
 * refused it may have gone when it is sent again. */
MUST_USE bool write_idempotency_store(struct write_operations *ops, struct store_job *job,
                                      struct error *err);

/* Forgets some of the keys that are too old. *more: there may be others left. */
MUST_USE bool write_idempotency_expire(struct write_operations *ops, bool *more, struct error *err);

#endif
