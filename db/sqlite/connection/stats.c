#include "db/sqlite/connection/stats.h"

#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"

const int64_t store_batch_bounds[STORE_BATCH_BUCKETS] = {1, 2, 4, 8, 16, 32, 64, 128, 256};
const int64_t store_commit_bounds_us[STORE_COMMIT_BUCKETS] = {
    50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 500000, 2500000};

static bool count_events(struct stats *stats, sqlite3 *db, struct error *err)
{
    int64_t count;
    int64_t newest;

    if (!connection_integer(db, "SELECT count(*) FROM events", &count, err) ||
        !connection_integer(db,
                            "SELECT max(purged_id, coalesce((SELECT max(id) FROM events), 0))"
                            " FROM sessiond_events",
                            &newest, err))
        return false;
    stats->events = count;
    stats->newest_event = newest;
    return true;
}

static bool count_sessions(struct stats *stats, sqlite3 *db, struct error *err)
{
    sqlite3_stmt *stmt;
    enum session_status status;
    int result;

    if (!connection_prepare(db, "SELECT status, count(*) FROM sessions GROUP BY status", &stmt,
                            err))
        return false;
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (session_status_parse(column_text(stmt, 0), &status))
            stats->sessions[status] = sqlite3_column_int64(stmt, 1);
    }
    if (result != SQLITE_DONE)
        sqlite_error_set(db, "counting sessions", err);
    sqlite3_finalize(stmt);
    return result == SQLITE_DONE;
}

bool stats_init(struct stats *stats, sqlite3 *db, struct error *err)
{
    *stats = (struct stats){0};
    return count_sessions(stats, db, err) && count_events(stats, db, err);
}

static void add_to_counter(atomic_int_least64_t *counter, int64_t amount)
{
    atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static size_t find_bucket(const int64_t *bounds, size_t count, int64_t value)
{
    size_t i = 0;

    while (i < count && value > bounds[i])
        i++;
    return i;
}

void stats_add_commit(struct stats *stats, size_t jobs, int64_t commit_us)
{
    const size_t batch = find_bucket(store_batch_bounds, STORE_BATCH_BUCKETS, (int64_t)jobs);
    const size_t commit = find_bucket(store_commit_bounds_us, STORE_COMMIT_BUCKETS, commit_us);

    add_to_counter(&stats->batch_jobs, (int64_t)jobs);
    add_to_counter(&stats->commit_us, commit_us);
    atomic_fetch_add_explicit(&stats->batch_buckets[batch], 1, memory_order_release);
    atomic_fetch_add_explicit(&stats->commit_buckets[commit], 1, memory_order_release);
}

void stats_add_delta(struct stats *stats, const struct stats_delta *change)
{
    for (int i = 0; i < SESSION_STATUS_COUNT; i++) {
        if (change->sessions[i] != 0)
            add_to_counter(&stats->sessions[i], change->sessions[i]);
    }
    for (int i = 0; i < STORE_COUNT_KINDS; i++) {
        if (change->counts[i] != 0)
            add_to_counter(&stats->counts[i], change->counts[i]);
    }
    add_to_counter(&stats->events,
                   change->counts[STORE_EVENTS_WRITTEN] - change->counts[STORE_EVENTS_EXPIRED]);
    atomic_store_explicit(&stats->search_complete, change->search_complete, memory_order_relaxed);
    if (change->newest_event != 0)
        atomic_store(&stats->newest_event, change->newest_event);
}

void stats_set_size(struct stats *stats, const struct database_size *size)
{
    atomic_store(&stats->database_bytes, size->used_bytes);
    atomic_store(&stats->free_bytes, size->free_pages * size->page_bytes);
    atomic_store(&stats->max_database_bytes, size->max_bytes);
    atomic_store(&stats->nearly_full, size->nearly_full);
}

static int64_t load_counter(const atomic_int_least64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void stats_read(const struct stats *stats, struct store_stats *out)
{
    for (int i = 0; i < SESSION_STATUS_COUNT; i++)
        out->sessions[i] = load_counter(&stats->sessions[i]);
    for (int i = 0; i < STORE_COUNT_KINDS; i++)
        out->counts[i] = load_counter(&stats->counts[i]);
    for (int i = 0; i < STORE_TASKS; i++)
        out->task_failures[i] = load_counter(&stats->task_failures[i]);
    for (int i = 0; i <= STORE_BATCH_BUCKETS; i++)
        out->batch_buckets[i] =
            atomic_load_explicit(&stats->batch_buckets[i], memory_order_acquire);
    for (int i = 0; i <= STORE_COMMIT_BUCKETS; i++)
        out->commit_buckets[i] =
            atomic_load_explicit(&stats->commit_buckets[i], memory_order_acquire);
    out->events = load_counter(&stats->events);
    out->search_complete = atomic_load_explicit(&stats->search_complete, memory_order_relaxed);
    out->newest_event = load_counter(&stats->newest_event);
    out->database_bytes = load_counter(&stats->database_bytes);
    out->free_bytes = load_counter(&stats->free_bytes);
    out->max_database_bytes = load_counter(&stats->max_database_bytes);
    out->nearly_full = atomic_load(&stats->nearly_full);
    out->wal_bytes = load_counter(&stats->wal_bytes);
    out->checkpoints_complete = load_counter(&stats->checkpoints[CHECKPOINT_COMPLETE]);
    out->checkpoints_partial = load_counter(&stats->checkpoints[CHECKPOINT_PARTIAL]);
    out->checkpoints_failed = load_counter(&stats->checkpoints[CHECKPOINT_FAILED]) +
                              load_counter(&stats->checkpoints[CHECKPOINT_FATAL]);
    out->batch_jobs = load_counter(&stats->batch_jobs);
    out->commit_us = load_counter(&stats->commit_us);
}
