#include "db/housekeeping.h"

#include "db/monotonic.h"
#include "db/vacuum.h"
#include "db/write_discard.h"
#include "db/write_event.h"
#include "db/write_lease.h"
#include "db/write_once.h"
#include "db/write_purge.h"

/* When what failed is tried again. */
#define RETRY_US INT64_C(1000000)

/* A chore that has more to do rests so many times as long as its step took. */
#define REST_FACTOR 4

struct chore {
    int64_t every_us; /* when nothing was left to do */
    bool (*step)(struct write_operations *ops, bool *more, struct error *err);
};

/* For what is to be found: what was not indexed at once. */
static bool catch_up(struct write_operations *ops, bool *more, struct error *err)
{
    return search_index_catch_up(&ops->search, more, err);
}

static const struct chore chores[HOUSEKEEPING_CHORES] = {
    [HOUSEKEEPING_FORGET_KEYS] = {INT64_C(60000000), write_once_sweep},
    [HOUSEKEEPING_SWEEP_EVENTS] = {INT64_C(10000000), write_event_sweep},
    [HOUSEKEEPING_DISCARD_ENTRIES] = {INT64_C(5000000), write_discard_sweep},
    [HOUSEKEEPING_INDEX] = {INT64_C(1000000), catch_up},
    [HOUSEKEEPING_PURGE] = {INT64_C(10000000), write_purge_step},
    [HOUSEKEEPING_VACUUM] = {INT64_C(1000000), vacuum_step},
};

int64_t housekeeping_due_us(const struct housekeeping *house, const struct write_operations *ops)
{
    int64_t due_us = ops->state.lease_due_us;

    for (int i = 0; i < HOUSEKEEPING_CHORES; i++) {
        if (house->due_us[i] < due_us)
            due_us = house->due_us[i];
    }
    return due_us;
}

bool housekeeping_has_more(const struct housekeeping *house)
{
    for (int i = 0; i < HOUSEKEEPING_CHORES; i++) {
        if (house->more[i])
            return true;
    }
    return false;
}

bool housekeeping_do(struct housekeeping *house, struct write_operations *ops, int64_t now_us,
                     struct error *err)
{
    if (now_us >= ops->state.lease_due_us && !write_lease_expire(ops, err))
        return false;
    for (int i = 0; i < HOUSEKEEPING_CHORES; i++) {
        if (now_us < house->due_us[i])
            continue;
        house->more[i] = false;
        if (!chores[i].step(ops, &house->more[i], err))
            return false;
    }
    return true;
}

void housekeeping_settle(struct housekeeping *house, struct write_operations *ops, int64_t began_us,
                         bool committed)
{
    const int64_t now_us = monotonic_us();
    const int64_t rest_us = REST_FACTOR * (now_us - began_us);

    if (!committed && began_us >= ops->state.lease_due_us)
        ops->state.lease_due_us = now_us + RETRY_US;
    for (int i = 0; i < HOUSEKEEPING_CHORES; i++) {
        if (began_us < house->due_us[i])
            continue;
        if (!committed)
            house->due_us[i] = now_us + RETRY_US;
        else
            house->due_us[i] = now_us + (house->more[i] ? rest_us : chores[i].every_us);
    }
}
