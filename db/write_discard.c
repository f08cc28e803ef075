#include "db/write_discard.h"

#include "db/entry_key.h"
#include "db/monotonic.h"

#define STEP_US 1000

static bool find_discarded(struct write_operations *ops, int64_t *number, struct error *err)
{
    bool ok;

    *number = 0;
    sqlite3_bind_int64(ops->statements.prepared[WRITE_DISCARDED_FIND], 1,
                       ops->copying_from == 0 ? INT64_MAX : ops->copying_from);
    if (!write_next_row(&ops->statements, WRITE_DISCARDED_FIND, "finding a discarded stream", &ok,
                        err))
        return ok;
    *number = sqlite3_column_int64(ops->statements.prepared[WRITE_DISCARDED_FIND], 0);
    write_reset(&ops->statements, WRITE_DISCARDED_FIND);
    return true;
}

/* Deletes one row of the stream; *deleted is false when there is none left. */
static bool delete_one(struct write_operations *ops, enum write_statement which, int64_t number,
                       bool *deleted, struct error *err)
{
    sqlite3_bind_int64(ops->statements.prepared[which], 1, number);
    if (!write_run(&ops->statements, which, "discarding entries", err))
        return false;
    *deleted = sqlite3_changes(ops->statements.db) > 0;
    return true;
}

/* Until the stream has nothing left, and is gone itself, or it is `until_us`. */
static bool discard(struct write_operations *ops, int64_t number, int64_t until_us,
                    struct error *err)
{
    static const enum write_statement order[] = {WRITE_DISCARD_ENTRY, WRITE_DISCARD_UUID,
                                                 WRITE_DISCARD_STREAM};
    bool deleted = false;

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i += deleted ? 0 : 1) {
        if (!delete_one(ops, order[i], number, &deleted, err))
            return false;
        if (monotonic_us() >= until_us)
            return true;
    }
    return true;
}

bool write_discard_sweep(struct write_operations *ops, bool *more, struct error *err)
{
    const int64_t until_us = monotonic_us() + STEP_US;
    int64_t number;

    do {
        if (!find_discarded(ops, &number, err) ||
            (number != 0 && !discard(ops, number, until_us, err)))
            return false;
    } while (number != 0 && monotonic_us() < until_us);
    *more = number != 0;
    return true;
}
