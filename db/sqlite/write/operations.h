/* Each write, in its own file. The contract is that of write_operations_apply (dispatch.h). */
#ifndef SESSIOND_DB_SQLITE_WRITE_OPERATIONS_H
#define SESSIOND_DB_SQLITE_WRITE_OPERATIONS_H

#include "db/sqlite/write/context.h"

MUST_USE bool write_create(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_put(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_update(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_remove(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_lease(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_release(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_recover(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_relocate(struct write_operations *ops, struct store_job *job,
                             struct error *err);
MUST_USE bool write_append(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_fork(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_import(struct write_operations *ops, struct store_job *job, struct error *err);

/* Deletes a session that was found. What the caller has of it stays readable. */
MUST_USE bool write_delete_session(struct write_operations *ops, const struct session *session,
                                   struct error *err);

/* Writes a session that is not there, as a row, and counts it. */
MUST_USE bool write_insert(struct write_operations *ops, const struct session *session,
                           struct error *err);

#endif
