/* The store's statistics. The writer thread writes them and any thread reads them with relaxed
 * atomics: a read may see one counter a moment before another. A commit is added to the sums before
 * it is added to a bucket. The number of commits is the sum of the buckets. */
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
    atomic_int_least64_t committed_us; /* monotonic time of the last commit of a change; 0: never */
};

/* The changes of one transaction to the counters; applied after the commit. */
struct stats_delta {
    int64_t sessions[SESSION_STATUS_COUNT];
    int64_t counts[STORE_COUNT_KINDS];
    int64_t newest_event; /* highest id that it wrote; 0: none */
    bool search_complete; /* everything stored is in the index */
};

/* Counts the stored sessions by status, using the index, and the events. Before other threads use
 * *stats. */
MUST_USE bool stats_init(struct stats *stats, sqlite3 *db, struct error *err);

/* Adds a committed batch: its number of jobs and the duration of its COMMIT. Writer thread. */
void stats_add_commit(struct stats *stats, size_t jobs, int64_t commit_us);

/* Adds the changes of a committed transaction. Writer thread. */
void stats_add_delta(struct stats *stats, const struct stats_delta *change);

/* Sets the current size of the database. Writer thread. */
void stats_set_size(struct stats *stats, const struct database_size *size);

/* Copies the statistics to *out. Any thread. */
void stats_read(const struct stats *stats, struct store_stats *out);

#endif
