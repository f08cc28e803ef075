/*
 * The context of the writer's operations: the statements, the state, and the changes of the open
 * transaction. Owned by the writer thread.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_CONTEXT_H
#define SESSIOND_DB_SQLITE_WRITE_CONTEXT_H

#include "db/sqlite/connection/session_row.h"
#include "db/sqlite/connection/stats.h"
#include "db/sqlite/maintenance/skipped_rows.h"
#include "db/sqlite/search/index.h"
#include "db/sqlite/write/state.h"
#include "db/sqlite/write/statements.h"
#include "db/store.h"

struct write_operations {
    struct write_statements statements;
    struct write_state state; /* of the open transaction, or of the last committed one */
    struct write_state saved; /* copy from the begin of the open transaction */
    session_context_fix fix_context;
    struct search_index search;
    int64_t key_ttl_us;          /* how long an idempotency key is kept */
    int64_t event_retention_us;  /* how long an event is kept */
    int64_t max_events;          /* limit of the kept events */
    int64_t max_consumers;       /* limit of the stored consumers */
    int64_t max_streams;         /* limit of the streams of a session */
    struct stats_delta change;   /* of the open transaction */
    struct skipped_rows skipped; /* of the open transaction */
    int64_t changes_before;      /* rows that were changed before the open transaction began */
    int64_t committed_us;        /* monotonic time of the last commit of a change; 0: never */
    int64_t probe_failed_us;     /* monotonic time of the last failed probe; 0: never */
    struct error probe_error;    /* of the last failed probe */
};

/* Reads the job's session into job->session, with copies in the job's arena. If the session does
 * not exist, *found is false and the job's error ERROR_NOT_FOUND. If the client's memory limit
 * rejects the copy, *found is true and the job has an error. False, with *err set, when the
 * database fails. */
MUST_USE bool write_find(struct write_operations *ops, struct store_job *job, bool with_context,
                         bool *found, struct error *err);

/* The same for the session `id`. */
MUST_USE bool write_find_by_id(struct write_operations *ops, struct store_job *job, const char *id,
                               bool with_context, bool *found, struct error *err);

/* Counts a session's transition in the statistics of the open transaction. */
void write_count_status(struct write_operations *ops, enum session_status from,
                        enum session_status to);

#endif
