/*
 * What every operation of the writer works with: its statements, its state, the changes of the open
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
    struct write_state state; /* of the open transaction, or of the last one that committed */
    struct write_state saved; /* as the open transaction found it */
    session_context_fix fix_context;
    struct search_index search;
    int64_t key_ttl_us;          /* how long an Idempotency-Key is remembered */
    int64_t event_retention_us;  /* how long an event is kept */
    int64_t max_events;          /* how many are */
    int64_t max_consumers;       /* limit of those stored */
    int64_t max_streams;         /* limit of those of one session */
    struct stats_delta change;   /* by the open transaction */
    struct skipped_rows skipped; /* by the open transaction */
    int64_t changes_before;      /* rows that were changed before the open transaction began */
    int64_t committed_us;        /* when a change was last committed, monotonic; 0: never */
    int64_t probe_failed_us;     /* when a probe last failed, monotonic; 0: never */
    struct error probe_error;    /* of that one */
};

/* Finds the job's session and keeps it in job->session. A job whose session is missing is refused,
 * and *found is false; one that there is no room for is refused, and *found is true. */
MUST_USE bool write_find(struct write_operations *ops, struct store_job *job, bool with_context,
                         bool *found, struct error *err);

/* The same for a session of another id than the job's. */
MUST_USE bool write_find_by_id(struct write_operations *ops, struct store_job *job, const char *id,
                               bool with_context, bool *found, struct error *err);

/* Counts a session's change of status. */
void write_count_status(struct write_operations *ops, enum session_status from,
                        enum session_status to);

#endif
