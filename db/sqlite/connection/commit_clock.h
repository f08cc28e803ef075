/*
 * The writer's clock: the wall clock, except that it never goes back and never returns the same
 * microsecond twice, even across a restart after the system clock was set back. For this it
 * reserves time in the database in advance, in small steps, in the transaction that uses the time.
 * Owned by the writer thread, which restores `reserved_us` after a ROLLBACK.
 */
#ifndef SESSIOND_DB_SQLITE_CONNECTION_COMMIT_CLOCK_H
#define SESSIOND_DB_SQLITE_CONNECTION_COMMIT_CLOCK_H

#include "db/base/error.h"
#include "db/base/timestamp.h"

#include <sqlite3.h>
#include <stdint.h>

/* The latest time that a file may have. The clock continues from it, and a year is left after
 * it. */
#define CLOCK_LATEST_US (TIMESTAMP_MAX_US - INT64_C(365) * 86400 * 1000000)

struct clock {
    int64_t last_us;
    int64_t reserved_us; /* the value on disk: no later time may be acknowledged */
    sqlite3_stmt *reserve;
};

/* Reads the reserved time, and the newest time in the rows, in µs since 1970. */
MUST_USE bool clock_read(sqlite3 *db, int64_t *reserved_us, int64_t *newest_us, struct error *err);

/* Whether the clock can continue from both times; otherwise ERROR_INTERNAL: one of them is later
 * than CLOCK_LATEST_US. */
MUST_USE bool clock_check(int64_t reserved_us, int64_t newest_us, struct error *err);

/* Continues from the latest of: the wall clock, the reserved time, the newest session or event. The
 * legacy import reserves time up to the newest time in the file. ERROR_INTERNAL when the latest
 * time is later than CLOCK_LATEST_US. `db` is borrowed. */
MUST_USE bool clock_init(struct clock *clock, sqlite3 *db, struct error *err);

/* Returns the next time in µs since 1970, later than every earlier one. */
int64_t clock_next(struct clock *clock);

/* Advances the clock to `us` if it is behind: every later clock_next is later than `us`. */
void clock_advance_to(struct clock *clock, int64_t us);

/* Reserves more time, in the open transaction, when the clock has passed the reserved time or when
 * `force`. Call before COMMIT. */
MUST_USE bool clock_reserve(struct clock *clock, sqlite3 *db, bool force, struct error *err);

#endif
