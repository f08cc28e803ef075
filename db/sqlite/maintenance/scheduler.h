/*
 * Schedules the writer's maintenance tasks: lease expiry, and the tasks that run in small steps
 * between batches. Each task has its own transaction, retry delay and log message, so a failing
 * task does not delay the others. After a step that left work behind, all tasks except lease expiry
 * wait for four times the duration of the step, so that client writes keep most of a busy writer's
 * time. Owned by the writer thread.
 */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_SCHEDULER_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_SCHEDULER_H

#include "db/sqlite/write/context.h"
#include "db/store/stats.h"

/* Times are monotonic, in µs. */
struct task_schedule {
    int64_t due_us;   /* 0: it has not run yet. Lease expiry also depends on ops->state */
    int64_t retry_us; /* delay after the last failure; 0: the last run succeeded */
    int64_t failures; /* consecutive failures */
    bool has_more;    /* the last run left work behind */
};

/* All zero: every task is due. */
struct maintenance {
    struct task_schedule tasks[STORE_TASKS];
    int64_t rest_until_us;
};

/* Returns the monotonic time at which the next task is due, in µs. */
int64_t maintenance_due_us(const struct maintenance *maintenance,
                           const struct write_operations *ops);

/* Whether a task left work behind. */
bool maintenance_has_more(const struct maintenance *maintenance);

/* Returns the task to run at `now_us` (monotonic); STORE_TASKS when none is due. */
enum store_task maintenance_next(const struct maintenance *maintenance,
                                 const struct write_operations *ops, int64_t now_us);

/* Executes one step of the task inside the open transaction. False: *err is a storage error, and
 * the transaction must be rolled back. */
MUST_USE bool maintenance_step(enum store_task task, struct write_operations *ops, bool *more,
                               struct error *err);

/* Schedules the next run. Call after the end of the task's transaction, which began at
 * `began_us`. */
void maintenance_succeeded(struct maintenance *maintenance, enum store_task task, int64_t began_us,
                           bool more);
void maintenance_failed(struct maintenance *maintenance, enum store_task task);

#endif
