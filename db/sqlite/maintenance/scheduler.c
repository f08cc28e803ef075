#include "db/sqlite/maintenance/scheduler.h"

#include "db/base/monotonic.h"
#include "db/sqlite/maintenance/entry_gc.h"
#include "db/sqlite/maintenance/retention.h"
#include "db/sqlite/maintenance/vacuum.h"
#include "db/sqlite/write/event.h"
#include "db/sqlite/write/idempotency.h"
#include "db/sqlite/write/lease.h"

/* Delay after the first failure, in µs. Each further failure doubles it up to the task's
 * maximum. */
#define RETRY_US INT64_C(1000000)

/* After a step that left work behind, the tasks wait for the step's duration times this factor. */
#define REST_FACTOR 4

struct task {
    const char *name;
    int64_t every_us; /* interval when no work is left */
    int64_t max_retry_us;
    bool (*step)(struct write_operations *ops, bool *more, struct error *err);
};

static bool expire_leases(struct write_operations *ops, bool *more, struct error *err)
{
    const bool ok = write_lease_expire(ops, err);

    *more = ops->state.leases_stale; /* otherwise ops->state has the time of the next expiry */
    return ok;
}

static bool index_backlog(struct write_operations *ops, bool *more, struct error *err)
{
    return search_index_process_backlog(&ops->search, &ops->skipped, more, err);
}

/* The retry delay of lease expiry stays short: the task is cheap, and clients wait for it. */
static const struct task tasks[STORE_TASKS] = {
    [STORE_TASK_LEASE_EXPIRY] = {"lease_expiry", 0, INT64_C(2000000), expire_leases},
    [STORE_TASK_KEYS] = {"idempotency_keys", INT64_C(60000000), INT64_C(60000000),
                         write_idempotency_expire},
    [STORE_TASK_EVENTS] = {"events", INT64_C(10000000), INT64_C(60000000), write_event_expire},
    [STORE_TASK_ENTRIES] = {"orphaned_entries", INT64_C(5000000), INT64_C(60000000), entry_gc_step},
    [STORE_TASK_SEARCH] = {"search_index", INT64_C(1000000), INT64_C(60000000), index_backlog},
    [STORE_TASK_RETENTION] = {"retention", INT64_C(10000000), INT64_C(60000000), retention_step},
    [STORE_TASK_VACUUM] = {"vacuum", INT64_C(1000000), INT64_C(60000000), vacuum_step},
};

const char *store_task_name(enum store_task task)
{
    return tasks[task].name;
}

static int64_t max_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t task_due_us(const struct maintenance *maintenance,
                           const struct write_operations *ops, enum store_task task)
{
    const int64_t due_us = maintenance->tasks[task].due_us;

    if (task == STORE_TASK_LEASE_EXPIRY)
        return max_of(due_us, ops->state.lease_due_us);
    return due_us == 0 ? 0 : max_of(due_us, maintenance->rest_until_us);
}

int64_t maintenance_due_us(const struct maintenance *maintenance,
                           const struct write_operations *ops)
{
    int64_t due_us = INT64_MAX;

    for (int i = 0; i < STORE_TASKS; i++) {
        const int64_t task_us = task_due_us(maintenance, ops, (enum store_task)i);
        due_us = task_us < due_us ? task_us : due_us;
    }
    return due_us;
}

bool maintenance_has_more(const struct maintenance *maintenance)
{
    for (int i = 0; i < STORE_TASKS; i++) {
        if (maintenance->tasks[i].has_more)
            return true;
    }
    return false;
}

/* Lease expiry first, then the task that has been overdue for longest. */
enum store_task maintenance_next(const struct maintenance *maintenance,
                                 const struct write_operations *ops, int64_t now_us)
{
    enum store_task next = STORE_TASKS;
    int64_t due_us = now_us;

    if (task_due_us(maintenance, ops, STORE_TASK_LEASE_EXPIRY) <= now_us)
        return STORE_TASK_LEASE_EXPIRY;
    for (int i = 0; i < STORE_TASKS; i++) {
        const int64_t own_us = maintenance->tasks[i].due_us;
        if (task_due_us(maintenance, ops, (enum store_task)i) <= now_us && own_us <= due_us) {
            next = (enum store_task)i;
            due_us = own_us;
        }
    }
    return next;
}

bool maintenance_step(enum store_task task, struct write_operations *ops, bool *more,
                      struct error *err)
{
    *more = false;
    return tasks[task].step(ops, more, err);
}

void maintenance_succeeded(struct maintenance *maintenance, enum store_task task, int64_t began_us,
                           bool more)
{
    const int64_t now_us = monotonic_us();
    const int64_t rest_us = more ? REST_FACTOR * (now_us - began_us) : tasks[task].every_us;

    maintenance->tasks[task] =
        (struct task_schedule){.due_us = now_us + rest_us + 1, .has_more = more};
    if (more)
        maintenance->rest_until_us = now_us + rest_us;
}

void maintenance_failed(struct maintenance *maintenance, enum store_task task)
{
    struct task_schedule *schedule = &maintenance->tasks[task];
    const int64_t retry_us = schedule->retry_us == 0 ? RETRY_US : 2 * schedule->retry_us;
    const int64_t max_us = tasks[task].max_retry_us;

    schedule->retry_us = retry_us < max_us ? retry_us : max_us;
    schedule->due_us = monotonic_us() + schedule->retry_us;
    schedule->failures++;
    schedule->has_more = false;
}
