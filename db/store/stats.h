/* What the store counts, for /metrics. */
#ifndef SESSIOND_DB_STORE_STATS_H
#define SESSIOND_DB_STORE_STATS_H

#include "db/store.h"

#define STORE_BATCH_BUCKETS 9
#define STORE_COMMIT_BUCKETS 12

/* Upper bounds of the histograms' buckets; what lies above the last counts as +Inf. */
extern const int64_t store_batch_bounds[STORE_BATCH_BUCKETS];      /* jobs */
extern const int64_t store_commit_bounds_us[STORE_COMMIT_BUCKETS]; /* µs */

/* What happened since the process started. */
enum store_count {
    STORE_LEASES_GRANTED,
    STORE_LEASES_STOLEN,
    STORE_LEASES_EXPIRED,
    STORE_WRITES_FENCED,
    STORE_SESSIONS_RECOVERED, /* by expiry or on request */
    STORE_REPLAYS,            /* of a keyed request's first answer */
    STORE_EVENTS_WRITTEN,
    STORE_EVENTS_EXPIRED, /* for their age or number */
    STORE_ENTRIES_APPENDED,
    STORE_ENTRIES_DUPLICATE,
    STORE_ENTRIES_BYTES, /* of those appended */
    STORE_FORKS,
    STORE_SESSIONS_IMPORTED, /* those that were there already are not counted */
    STORE_ENTRIES_IMPORTED,
    STORE_SEARCH_INDEXED,
    STORE_SEARCH_REBUILDS,   /* of a corrupt index */
    STORE_PURGED_TERMINATED, /* sessions, by retention */
    STORE_PURGED_IDLE,
    STORE_QUOTA_REJECTED, /* for want of room in the database */
    STORE_COUNT_KINDS
};

/* The maintenance tasks of the store. */
enum store_task {
    STORE_TASK_LEASE_EXPIRY,
    STORE_TASK_KEYS,    /* removes idempotency keys for their age */
    STORE_TASK_EVENTS,  /* removes events for their age or number */
    STORE_TASK_ENTRIES, /* collects the entries of deleted sessions */
    STORE_TASK_SEARCH,  /* indexes the backlog of the search index */
    STORE_TASK_RETENTION,
    STORE_TASK_VACUUM, /* gives free pages back */
    STORE_TASKS
};

/* The value of the label `task`. */
const char *store_task_name(enum store_task task);

struct store_stats {
    int64_t sessions[SESSION_STATUS_COUNT];
    int64_t counts[STORE_COUNT_KINDS];
    int64_t task_failures[STORE_TASKS];
    int64_t events;       /* that are kept */
    int64_t newest_event; /* its id, kept or not; 0: there never was one */
    bool search_complete; /* false without search */
    int64_t queue_depth;
    int64_t database_bytes;     /* of pages that are used */
    int64_t free_bytes;         /* of pages that are not */
    int64_t max_database_bytes; /* 0: no limit */
    bool nearly_full;
    int64_t wal_bytes; /* in use: 0 after a checkpoint, while the file keeps its length */
    int64_t checkpoints_complete;
    int64_t checkpoints_partial;
    int64_t checkpoints_failed;
    int64_t batch_buckets[STORE_BATCH_BUCKETS + 1]; /* not cumulative */
    int64_t batch_jobs;                             /* sum over all batches */
    int64_t commit_buckets[STORE_COMMIT_BUCKETS + 1];
    int64_t commit_us;
};

/* A snapshot for /metrics: cheap, no lock held for long, no table read. Any thread. */
void store_stats(struct store *store, struct store_stats *out);

#endif
