/*
 * What the writer does by itself between batches: it ends the leases whose time is over, and does
 * its chores, each a little at a time. A chore with more left to do goes on after four times as
 * long as its last step took, so that of a busy writer's time the writes keep most. Writer thread.
 */
#ifndef SESSIOND_DB_HOUSEKEEPING_H
#define SESSIOND_DB_HOUSEKEEPING_H

#include "db/write_operations.h"

enum housekeeping_chore {
    HOUSEKEEPING_FORGET_KEYS,
    HOUSEKEEPING_SWEEP_EVENTS,
    HOUSEKEEPING_DISCARD_ENTRIES,
    HOUSEKEEPING_INDEX,
    HOUSEKEEPING_PURGE,
    HOUSEKEEPING_VACUUM,
    HOUSEKEEPING_CHORES
};

/* All zero: every chore is due. Times are monotonic. */
struct housekeeping {
    int64_t due_us[HOUSEKEEPING_CHORES];
    bool more[HOUSEKEEPING_CHORES]; /* was left to do after the last step */
};

/* When something is next to be done. */
int64_t housekeeping_due_us(const struct housekeeping *house, const struct write_operations *ops);

/* Whether a chore was left with more to do. */
bool housekeeping_has_more(const struct housekeeping *house);

/* Does what is due, inside the open transaction. False: `err` is a failure of the storage, and the
 * transaction must be rolled back. */
MUST_USE bool housekeeping_do(struct housekeeping *house, struct write_operations *ops,
                              int64_t now_us, struct error *err);

/* After COMMIT or ROLLBACK of what began at `began_us`: says when to go on, or to try again. */
void housekeeping_settle(struct housekeeping *house, struct write_operations *ops, int64_t began_us,
                         bool committed);

#endif
