#include "db/base/monotonic.h"
#include "db/sqlite/write/lease.h"
#include "db/sqlite/writer/writer_internal.h"

#include <stdio.h>

/* The writer looks for due tasks once a second at least. After a longer gap than this the process
 * was suspended, or the disk blocked it. */
#define AWAY_US INT64_C(3000000)

static void notice(struct writer *writer, enum store_severity severity, const char *event,
                   const char *detail)
{
    writer->observer.notice(writer->observer.arg, severity, event, detail);
}

/* Whether the writer did not run for so long that owners may have failed to renew leases. */
static bool was_away(struct writer *writer, int64_t now_us)
{
    const int64_t away_us = now_us - writer->last_turn_us;
    char detail[96];

    writer->last_turn_us = now_us;
    if (away_us <= AWAY_US)
        return false;
    snprintf(detail, sizeof(detail),
             "the writer did not run for %.1f s: each lease begins a new term",
             (double)away_us / 1e6);
    notice(writer, STORE_WARNING, "writer_stalled", detail);
    return true;
}

/* Only the first failure of a run is logged. */
static void log_failure(struct writer *writer, enum store_task task, const struct error *err)
{
    const struct task_schedule *schedule = &writer->house.tasks[task];
    char detail[sizeof(err->detail) + 64];

    atomic_fetch_add(&writer->figures->task_failures[task], 1);
    if (schedule->failures > 1)
        return;
    snprintf(detail, sizeof(detail), "%s: %s; the next attempt is in %lld s", store_task_name(task),
             err->detail, (long long)(schedule->retry_us / 1000000));
    notice(writer, STORE_WARNING, "maintenance_failed", detail);
}

static void log_recovery(struct writer *writer, enum store_task task, int64_t failures)
{
    char detail[96];

    if (failures == 0)
        return;
    snprintf(detail, sizeof(detail), "%s: succeeded; failed attempts before: %lld",
             store_task_name(task), (long long)failures);
    notice(writer, STORE_INFO, "maintenance_recovered", detail);
}

/* Runs one step of the task in a transaction of its own. */
static enum outcome run_task(struct writer *writer, enum store_task task, struct error *err)
{
    struct write_operations *ops = &writer->operations;
    const int64_t failures = writer->house.tasks[task].failures;
    const int64_t began_us = monotonic_us();
    enum outcome outcome = OUTCOME_NOT_BEGUN;
    bool more = false;

    if (transaction_begin(&writer->transactions, err)) {
        write_operations_begin(ops);
        const bool ok = housekeeping_step(task, ops, &more, err);
        outcome = writer_end(writer, ok, 0, err);
    }
    if (outcome == OUTCOME_COMMITTED || outcome == OUTCOME_INDEX_REBUILT) {
        more = more || outcome == OUTCOME_INDEX_REBUILT; /* the step is run again soon */
        housekeeping_succeeded(&writer->house, task, began_us, more);
        log_recovery(writer, task, failures);
    } else if (outcome != OUTCOME_UNKNOWN) {
        housekeeping_failed(&writer->house, task);
        log_failure(writer, task, err);
    }
    return outcome;
}

bool writer_start_terms(struct writer *writer, struct error *err)
{
    enum outcome outcome = OUTCOME_COMMITTED;

    while (writer->operations.state.leases_in_doubt && outcome == OUTCOME_COMMITTED)
        outcome = run_task(writer, STORE_TASK_LEASE_EXPIRY, err);
    return outcome != OUTCOME_UNKNOWN;
}

bool writer_maintain(struct writer *writer, struct error *err)
{
    const struct write_operations *ops = &writer->operations;
    const int64_t now_us = monotonic_us();
    enum store_task task;

    if (was_away(writer, now_us))
        write_lease_doubt(&writer->operations);
    while ((task = housekeeping_next(&writer->house, ops, now_us)) != STORE_TASKS) {
        if (run_task(writer, task, err) == OUTCOME_UNKNOWN)
            return false;
    }
    writer_tell_purge(writer);
    return true;
}
