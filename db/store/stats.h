/* Storage counters and gauges for GET /metrics. Plain values. */
#ifndef SESSIOND_DB_STORE_STATS_H
#define SESSIOND_DB_STORE_STATS_H

#include "db/store.h"

#define STORE_BATCH_BUCKETS 9
#define STORE_COMMIT_BUCKETS 12

/* Upper bounds of the histograms' buckets. Higher values count as +Inf. */
extern const int64_t store_batch_bounds[STORE_BATCH_BUCKETS];      /* jobs */
extern const int64_t store_commit_bounds_us[STORE_COMMIT_BUCKETS]; /* µs */

/* Counters since the process started. */
enum store_count {
    STORE_LEASES_GRANTED,
    STORE_LEASES_STOLEN,
    STORE_LEASES_EXPIRED,
    STORE_WRITES_FENCED,
    STORE_SESSIONS_RECOVERED, /* by expiry or on request */
    STORE_REPLAYS,            /* replayed responses to an idempotency key */
    STORE_EVENTS_WRITTEN,
    STORE_EVENTS_EXPIRED, /* removed because of their age or number */
    STORE_ENTRIES_APPENDED,
    STORE_ENTRIES_DUPLICATE,
    STORE_ENTRIES_BYTES, /* of the appended entries */
    STORE_FORKS,
    STORE_SESSIONS_IMPORTED, /* without those that existed already */
    STORE_ENTRIES_IMPORTED,
    STORE_SEARCH_INDEXED,
    STORE_SEARCH_REBUILDS,   /* of a corrupt index */
    STORE_PURGED_TERMINATED, /* sessions deleted by retention */
    STORE_PURGED_IDLE,
    STORE_QUOTA_REJECTED, /* writes rejected because of the limit on the database size */
    STORE_COUNT_KINDS
};

/* The maintenance tasks of the store. */
enum store_task {
    STORE_TASK_LEASE_EXPIRY,
    STORE_TASK_KEYS,    /* expires idempotency keys */
    STORE_TASK_EVENTS,  /* expires events by age and number */
    STORE_TASK_ENTRIES, /* collects the entries of deleted sessions */
    STORE_TASK_SEARCH,  /* indexes the search backlog */
    STORE_TASK_RETENTION,
    STORE_TASK_VACUUM, /* returns free pages to the file system */
    STORE_TASKS
};

/* The value of the metric label `task`. Static string. Any thread. */
const char *store_task_name(enum store_task task);

struct store_stats {
    int64_t sessions[SESSION_STATUS_COUNT];
    int64_t counts[STORE_COUNT_KINDS];
    int64_t task_failures[STORE_TASKS];
    int64_t events;       /* kept events */
    int64_t newest_event; /* highest event id ever assigned; 0: no event was ever written */
    bool search_complete; /* the index has no backlog; false when search is off */
    int64_t queue_depth;
    int64_t database_bytes;     /* of used pages */
    int64_t free_bytes;         /* of free pages */
    int64_t max_database_bytes; /* 0: no limit */
    bool nearly_full;
    int64_t wal_bytes; /* in use: 0 after a checkpoint, although the file keeps its length */
    int64_t checkpoints_complete;
    int64_t checkpoints_partial;
    int64_t checkpoints_failed;
    int64_t batch_buckets[STORE_BATCH_BUCKETS + 1]; /* not cumulative */
    int64_t batch_jobs;                             /* sum over all batches */
    int64_t commit_buckets[STORE_COMMIT_BUCKETS + 1];
    int64_t commit_us;
};

/* Copies all statistics into *out. Cheap: holds no lock for long and reads no table. Any thread. */
void store_stats(struct store *store, struct store_stats *out);

#endif
