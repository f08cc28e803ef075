#include "db/sqlite/write/dispatch.h"

#include "db/base/monotonic.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/maintenance/retention.h"
#include "db/sqlite/write/consumer.h"
#include "db/sqlite/write/fork.h"
#include "db/sqlite/write/idempotency.h"
#include "db/sqlite/write/lease.h"
#include "db/sqlite/write/operations.h"
#include "db/sqlite/write/quota.h"

bool write_operations_init(struct write_operations *ops, sqlite3 *db, struct error *err)
{
    write_lease_invalidate(ops);
    return write_statements_init(&ops->statements, db, err) &&
           clock_init(&ops->state.clock, db, err) && write_quota_init(ops, err);
}

void write_operations_begin(struct write_operations *ops)
{
    ops->saved = ops->state;
    ops->change = (struct stats_delta){0};
    ops->skipped.count = 0;
    ops->changes_before = sqlite3_total_changes64(ops->statements.db);
}

/* Whether the open transaction has used the clock. After a rollback the clock may be ahead of its
 * reservation. A transaction that uses no time must not write a new reservation. */
static bool has_used_clock(const struct write_operations *ops)
{
    return ops->state.clock.last_us != ops->saved.clock.last_us;
}

bool write_operations_finish(struct write_operations *ops, struct error *err)
{
    struct search_index *search = &ops->search;

    if (!search_index_apply(search, err))
        return false;
    ops->change.counts[STORE_SEARCH_INDEXED] += search->applied;
    ops->state.events += ops->change.counts[STORE_EVENTS_WRITTEN];
    ops->state.events -= ops->change.counts[STORE_EVENTS_EXPIRED];
    ops->change.counts[STORE_SEARCH_REBUILDS] += search->rebuilds;
    ops->change.search_complete = search->text_of != NULL && !search->has_backlog;
    return !has_used_clock(ops) || clock_reserve(&ops->state.clock, ops->statements.db, false, err);
}

/* Restores the saved state except the clock, so that no time is returned twice. */
static void restore_state(struct write_operations *ops)
{
    const int64_t last_us_used = ops->state.clock.last_us;

    ops->state = ops->saved;
    clock_advance_to(&ops->state.clock, last_us_used);
}

void write_operations_end(struct write_operations *ops, bool committed)
{
    search_index_end(&ops->search, committed);
    if (!committed)
        restore_state(ops);
}

void write_operations_committed(struct write_operations *ops, int64_t now_us)
{
    ops->committed_us = now_us;
}

void write_operations_probe_failed(struct write_operations *ops, const struct error *err)
{
    ops->probe_failed_us = monotonic_us();
    ops->probe_error = *err;
}

bool write_operations_changed(const struct write_operations *ops)
{
    return sqlite3_total_changes64(ops->statements.db) != ops->changes_before;
}

static bool is_recent(int64_t time_us)
{
    return time_us != 0 && monotonic_us() - time_us < PROBE_INTERVAL_US;
}

/* Any client may request a probe, so a probe writes to the disk at most once a second. */
static bool run_probe(struct write_operations *ops, struct store_job *job, struct error *err)
{
    if (is_recent(ops->committed_us))
        return true;
    if (is_recent(ops->probe_failed_us)) {
        job->error = ops->probe_error;
        return true;
    }
    clock_next(&ops->state.clock); /* an UPDATE to the same value would write nothing */
    return clock_reserve(&ops->state.clock, ops->statements.db, true, err);
}

static bool dispatch_job(struct write_operations *ops, struct store_job *job, struct error *err)
{
    switch (job->operation) {
    case STORE_CREATE:
        return write_create(ops, job, err);
    case STORE_PUT:
        return write_put(ops, job, err);
    case STORE_UPDATE:
        return write_update(ops, job, err);
    case STORE_DELETE:
        return write_delete(ops, job, err);
    case STORE_LEASE:
        return write_lease(ops, job, err);
    case STORE_RELEASE:
        return write_release(ops, job, err);
    case STORE_RECOVER:
        return write_recover(ops, job, err);
    case STORE_RELOCATE:
        return write_relocate(ops, job, err);
    case STORE_CONSUMER_PUT:
        return write_consumer_put(ops, job, err);
    case STORE_CONSUMER_DELETE:
        return write_consumer_remove(ops, job, err);
    case STORE_APPEND:
        return write_append(ops, job, err);
    case STORE_FORK:
        return write_fork(ops, job, err);
    case STORE_IMPORT:
        return write_import(ops, job, err);
    case STORE_PROBE:
        return run_probe(ops, job, err);
    case STORE_PURGE:
        return write_purge(ops, job, err);
    case STORE_LIST:
    case STORE_EVENTS:
    case STORE_ENTRIES:
    case STORE_SEARCH:
    case STORE_RETENTION:
    case STORE_BACKUP:
        break;
    }
    return error_set(err, ERROR_INTERNAL, NULL, "the operation is not a write");
}

bool write_operations_is_deferred(const struct store_job *job)
{
    return write_fork_is_deferred(job) ||
           (job->existing.is_deferred && job->error.kind == ERROR_NONE);
}

bool write_operations_apply(struct write_operations *ops, struct store_job *job, struct error *err)
{
    bool is_known = false;

    if (job->idempotency.key.data == NULL)
        return dispatch_job(ops, job, err);
    if (!write_idempotency_find(ops, job, &is_known, err))
        return false;
    if (is_known)
        return true;
    if (!write_idempotency_admit(ops, job, err))
        return false;
    if (job->error.kind != ERROR_NONE)
        return true;
    return dispatch_job(ops, job, err) &&
           (job->error.kind != ERROR_NONE || write_operations_is_deferred(job) ||
            write_idempotency_store(ops, job, err));
}

bool write_operations_continue_fork(struct write_operations *ops, struct store_job *job,
                                    int64_t until_us, bool *ended, struct error *err)
{
    const bool is_copied = write_fork_is_copied(job);

    if (!write_quota_admit(ops, job, 1, err))
        return false;
    if (job->error.kind != ERROR_NONE) {
        *ended = true;
        return true;
    }
    if (!(is_copied ? write_operations_apply(ops, job, err)
                    : write_fork_copy(ops, job, until_us, err)))
        return false;
    *ended = is_copied || job->error.kind != ERROR_NONE;
    return true;
}
