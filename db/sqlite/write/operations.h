/* The write operations, each in its own file. The contract is that of write_operations_apply
 * (dispatch.h). Writer thread, inside its open transaction. */
#ifndef SESSIOND_DB_SQLITE_WRITE_OPERATIONS_H
#define SESSIOND_DB_SQLITE_WRITE_OPERATIONS_H

#include "db/sqlite/write/context.h"

MUST_USE bool write_create(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_put(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_update(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_delete(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_lease(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_release(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_recover(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_relocate(struct write_operations *ops, struct store_job *job,
                             struct error *err);
MUST_USE bool write_append(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_fork(struct write_operations *ops, struct store_job *job, struct error *err);
MUST_USE bool write_import(struct write_operations *ops, struct store_job *job, struct error *err);

/* Deletes the session and writes the event. *session may be the job's copy; its slices stay
 * valid. */
MUST_USE bool write_delete_session(struct write_operations *ops, const struct session *session,
                                   struct error *err);

/* Inserts a new session and counts it in the statistics of the open transaction. */
MUST_USE bool write_insert_session(struct write_operations *ops, const struct session *session,
                                   struct error *err);

#endif
