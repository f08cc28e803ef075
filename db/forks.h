/*
 * The forks that take longer than a batch should: one after the other, each a turn at a time
 * between two batches, in transactions of their own. While others write, a turn is followed by as
 * long a rest. Owned by the writer thread, except `refused`.
 */
#ifndef SESSIOND_DB_FORKS_H
#define SESSIOND_DB_FORKS_H

#include "db/store.h"

#include <stdatomic.h>

struct forks {
    struct store_job *first; /* NULL: none is under way */
    struct store_job *last;
    int64_t due_us; /* monotonic: the next turn */
    atomic_bool refused;
};

/* Takes those that are deferred out of a batch that was committed: *count becomes less. Returns the
 * others. */
struct store_job *forks_take(struct forks *forks, struct store_job *jobs, size_t *count);

/* Takes out the one that is under way. */
struct store_job *forks_pop(struct forks *forks);

/* After a turn from `began_us` to `now_us`. */
void forks_rest(struct forks *forks, int64_t began_us, int64_t now_us, bool others_write);

/* Any thread: from now on they are answered ERROR_STOPPING, those under way included. */
void forks_refuse(struct forks *forks);

#endif
