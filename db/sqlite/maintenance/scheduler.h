/*
 * The schedule of the writer's maintenance tasks: lease expiry and the tasks that run a little at a
 * time between batches. Each task has a transaction, a retry delay and a log line of its own, so a
 * task that fails does not hold up the others. After a step that left work behind, all tasks
 * except lease expiry rest for four times as long as the step took, so that client writes keep most
 * of a busy writer's time. Writer thread.
 */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_SCHEDULER_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_SCHEDULER_H

#include "db/sqlite/write/context.h"
#include "db/store/stats.h"

/* Times are monotonic. */
struct task_schedule {
    int64_t due_us;   /* 0: it has not run yet. Lease expiry waits for ops->state, too */
    int64_t retry_us; /* the delay after the last failure; 0: the last run succeeded */
    int64_t failures; /* in a row */
    bool has_more;    /* the last run left work behind */
};

/* All zero: every task is due. */
struct maintenance {
    struct task_schedule tasks[STORE_TASKS];
    int64_t rest_until_us;
};

/* When the next task is due. */
int64_t maintenance_due_us(const struct maintenance *house, const struct write_operations *ops);

/* Whether a task left work behind. */
bool maintenance_has_more(const struct maintenance *house);

/* The task to run at `now_us`; STORE_TASKS when none is due. */
enum store_task maintenance_next(const struct maintenance *house,
                                 const struct write_operations *ops, int64_t now_us);

/* Runs one step of the task inside the open transaction. False: `err` is a failure of the storage,
 * and the transaction must be rolled back. */
MUST_USE bool maintenance_step(enum store_task task, struct write_operations *ops, bool *more,
                               struct error *err);

/* After the task's transaction, which began at `began_us`: schedules the next run. */
void maintenance_succeeded(struct maintenance *house, enum store_task task, int64_t began_us,
                           bool more);
void maintenance_failed(struct maintenance *house, enum store_task task);

#endif
