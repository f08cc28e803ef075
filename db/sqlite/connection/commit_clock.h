/*
 * The writer's clock: the wall clock, except that it never goes back and never gives the same
 * microsecond twice, not even over a restart with the system clock set back. For that it reserves
 * time ahead in the database, a little at a time, in the transaction that uses it.
 * Owned by the writer thread, which restores `reserved_us` after a ROLLBACK.
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_COMMIT_CLOCK_H
#define SESSIOND_DB_SQLITE_CONNECTION_COMMIT_CLOCK_H

#include "db/base/error.h"
#include "db/base/timestamp.h"

#include <sqlite3.h>
#include <stdint.h>

/* The latest time that a file may hold. The clock continues from it, and a year is left after it.
 */
#define CLOCK_LATEST_US (TIMESTAMP_MAX_US - INT64_C(365) * 86400 * 1000000)

struct clock {
    int64_t last_us;
    int64_t reserved_us; /* what is on disk: no later time may be acknowledged */
    sqlite3_stmt *reserve;
};

/* What is reserved in the database, and the newest time that was given as far as its rows show. */
MUST_USE bool clock_read(sqlite3 *db, int64_t *reserved_us, int64_t *newest_us, struct error *err);

/* Whether the clock can go on from both: ERROR_INTERNAL beyond CLOCK_LATEST_US. */
MUST_USE bool clock_check(int64_t reserved_us, int64_t newest_us, struct error *err);

/* Continues from whatever is latest: the wall clock, what was reserved (adoption reserves up to the
 * newest time that it finds), or the newest session or event. ERROR_INTERNAL: that is later than
 * CLOCK_LATEST_US. */
MUST_USE bool clock_init(struct clock *clock, sqlite3 *db, struct error *err);

/* The next time, later than every one before. */
int64_t clock_next(struct clock *clock);

/* Goes on from `us`, if it has not come so far: every next time is later than it. */
void clock_advance_to(struct clock *clock, int64_t us);

/* Before COMMIT: reserves more when the times handed out need it, or when `force`. */
MUST_USE bool clock_reserve(struct clock *clock, sqlite3 *db, bool force, struct error *err);

#endif
