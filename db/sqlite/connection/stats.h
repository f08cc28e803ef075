/* The store's counters: written by the writer thread, read by anyone. Relaxed atomics: a scrape
 * may see one counter a moment before another; but a commit is in its sums before it is in a
 * bucket. How many there were is the sum of the buckets. */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_STATS_H
#define SESSIOND_DB_SQLITE_CONNECTION_STATS_H

#include "db/sqlite/connection/checkpoint.h"
#include "db/sqlite/write/database_size.h"
#include "db/store/stats.h"

#include <stdatomic.h>

struct stats {
    atomic_int_least64_t sessions[SESSION_STATUS_COUNT];
    atomic_int_least64_t counts[STORE_COUNT_KINDS];
    atomic_int_least64_t task_failures[STORE_TASKS];
    atomic_int_least64_t events;
    atomic_int_least64_t newest_event;
    atomic_bool search_complete;
    atomic_int_least64_t database_bytes;
    atomic_int_least64_t free_bytes;
    atomic_int_least64_t max_database_bytes;
    atomic_bool nearly_full;
    atomic_int_least64_t wal_bytes;
    atomic_int_least64_t checkpoints[CHECKPOINT_FATAL + 1];
    atomic_int_least64_t batch_buckets[STORE_BATCH_BUCKETS + 1];
    atomic_int_least64_t batch_jobs;
    atomic_int_least64_t commit_buckets[STORE_COMMIT_BUCKETS + 1];
    atomic_int_least64_t commit_us;
    atomic_int_least64_t committed_us; /* when a change was last committed, monotonic; 0: never */
};

/* How one transaction changes the counters, once it is committed. */
struct stats_delta {
    int64_t sessions[SESSION_STATUS_COUNT];
    int64_t counts[STORE_COUNT_KINDS];
    int64_t newest_event; /* that it wrote; 0: none */
    bool search_complete; /* all that is stored is in the index */
};

/* Counts the sessions by status, out of the index, and the events. */
MUST_USE bool stats_init(struct stats *stats, sqlite3 *db, struct error *err);

/* A batch of jobs was committed. */
void stats_add_commit(struct stats *stats, size_t jobs, int64_t commit_us);

/* So was what it, or the writer by itself, changed. */
void stats_add_delta(struct stats *stats, const struct stats_delta *change);

/* The size that the database has now. */
void stats_set_size(struct stats *stats, const struct database_size *size);

void stats_read(const struct stats *stats, struct store_stats *out);

#endif
