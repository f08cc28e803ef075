/*
 * What each write does inside the writer's open transaction. Owned by the writer thread.
 *
 * A batch that is rolled back runs again job by job: an operation never changes what came in with
 * a job.
 *
 * A job that is refused has changed nothing: what is stored is looked at before the first statement
 * that changes anything. When a statement fails, the whole transaction is rolled back, never a part
 * of it (a savepoint): after an error of the storage, what is left of a transaction is not known.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_DISPATCH_H
#define SESSIOND_DB_SQLITE_WRITE_DISPATCH_H

#include "db/sqlite/connection/session_row.h"
#include "db/sqlite/connection/stats.h"
#include "db/sqlite/maintenance/skipped_rows.h"
#include "db/sqlite/search/index.h"
#include "db/sqlite/write/state.h"
#include "db/sqlite/write/statements.h"
#include "db/store.h"

/* A probe writes only when no change was committed within this time. The error of a failed probe is
 * repeated for this time. */
#define PROBE_INTERVAL_US INT64_C(1000000)

struct write_operations {
    struct write_statements statements;
    struct write_state state; /* of the open transaction, or of the last one that committed */
    struct write_state saved; /* as the open transaction found it */
    session_adopter adopt;
    struct search_index search;
    int64_t key_ttl_us;           /* how long an Idempotency-Key is remembered */
    int64_t keep_events_us;       /* how long an event is kept */
    int64_t max_events;           /* how many are */
    int64_t max_consumers;        /* limit of those stored */
    int64_t max_streams;          /* limit of those of one session */
    struct figures_change change; /* by the open transaction */
    struct skipped_rows skipped;  /* by the open transaction */
    int64_t changes_before;       /* rows that were changed before the open transaction began */
    int64_t committed_us;         /* when a change was last committed, monotonic; 0: never */
    int64_t probe_failed_us;      /* when a probe last failed, monotonic; 0: never */
    struct error probe_error;     /* of that one */
};

/* `db` is borrowed; its statements are finalised when it is closed. What is set up
 * to be kept, and for how long, has been set by the caller. */
MUST_USE bool write_operations_init(struct write_operations *ops, sqlite3 *db, struct error *err);

/* Call first in every transaction: saves the state. */
void write_operations_begin(struct write_operations *ops);

/* Last in every transaction: what was changed becomes what can be found. */
MUST_USE bool write_operations_finish(struct write_operations *ops, struct error *err);

/* Call after COMMIT, or between a failure and ROLLBACK. Not committed: restores the saved state. */
void write_operations_settle(struct write_operations *ops, bool committed);

/* A change was committed at this time; a probe alone in its transaction failed. */
void write_operations_committed(struct write_operations *ops, int64_t now_us);
void write_operations_probe_failed(struct write_operations *ops, const struct error *err);

/* Whether the open transaction has changed anything. */
bool write_operations_changed(const struct write_operations *ops);

/* Runs one job. True: its answer is in the job, be it success or an error that concerns the job
 * alone. False: `err` is a failure of the storage, and the transaction must be rolled back. */
MUST_USE bool write_operations_apply(struct write_operations *ops, struct store_job *job,
                                     struct error *err);

/* Whether a job that has run needs more turns, and must not be answered yet. */
bool write_operations_is_deferred(const struct store_job *job);

/* Each operation, in its own file; the contract is write_operations_apply's. */
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

/* Finds the job's session and keeps it in job->session. A job whose session is missing is refused,
 * and *found is false; one that there is no room for is refused, and *found is true. */
MUST_USE bool write_find(struct write_operations *ops, struct store_job *job, bool with_context,
                         bool *found, struct error *err);

/* The same for a session of another id than the job's. */
MUST_USE bool write_find_by_id(struct write_operations *ops, struct store_job *job, const char *id,
                               bool with_context, bool *found, struct error *err);

/* Deletes a session that was found. What the caller has of it stays readable. */
MUST_USE bool write_delete_session(struct write_operations *ops, const struct session *session,
                                   struct error *err);

/* Writes a session that is not there, as a row, and counts it. */
MUST_USE bool write_insert(struct write_operations *ops, const struct session *session,
                           struct error *err);

/* Counts a session's change of status. */
void write_count_status(struct write_operations *ops, enum session_status from,
                        enum session_status to);

#endif
