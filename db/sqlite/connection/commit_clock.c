#include "db/sqlite/connection/commit_clock.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"

/* At most ten small UPDATEs a second. After a crash the clock is at most this far ahead of the wall
 * clock, in µs. */
#define RESERVE_AHEAD_US 100000

bool clock_read(sqlite3 *db, int64_t *reserved_us, int64_t *newest_us, struct error *err)
{
    return connection_integer(db, "SELECT reserved_us FROM sessiond_clock", reserved_us, err) &&
           connection_integer(
               db,
               "SELECT max(coalesce((SELECT max(seq) FROM sessions), 0),"
               " coalesce((SELECT max(id) FROM events), 0),"
               " coalesce((SELECT max(CAST(purged_id AS INTEGER)) FROM sessiond_events), 0),"
               " coalesce((SELECT max(created_us) FROM idempotency_keys), 0))",
               newest_us, err);
}

bool clock_check(int64_t reserved_us, int64_t newest_us, struct error *err)
{
    return (newest_us <= CLOCK_LATEST_US && reserved_us <= CLOCK_LATEST_US) ||
           error_set(err, ERROR_INTERNAL, NULL,
                     "the database is corrupt: a session, an event, an idempotency key or the "
                     "clock has a time in the year 9999 or later; restore a backup");
}

bool clock_init(struct clock *clock, sqlite3 *db, struct error *err)
{
    int64_t newest;

    *clock = (struct clock){0};
    if (!connection_prepare(db, "UPDATE sessiond_clock SET reserved_us = ?1", &clock->reserve,
                            err) ||
        !clock_read(db, &clock->reserved_us, &newest, err) ||
        !clock_check(clock->reserved_us, newest, err))
        return false;
    clock->last_us = clock->reserved_us > newest ? clock->reserved_us : newest;
    return true;
}

int64_t clock_next(struct clock *clock)
{
    const int64_t now = timestamp_now_us();

    clock->last_us = now > clock->last_us ? now : clock->last_us + 1;
    return clock->last_us;
}

void clock_advance_to(struct clock *clock, int64_t us)
{
    if (us > clock->last_us)
        clock->last_us = us;
}

bool clock_reserve(struct clock *clock, sqlite3 *db, bool force, struct error *err)
{
    if (clock->last_us <= clock->reserved_us && !force)
        return true;
    const int64_t until = clock->last_us + RESERVE_AHEAD_US;
    sqlite3_bind_int64(clock->reserve, 1, until);
    const int result = sqlite3_step(clock->reserve);
    if (result != SQLITE_DONE)
        sqlite_error_set(db, "reserving time", err);
    else
        clock->reserved_us = until;
    sqlite3_reset(clock->reserve);
    return result == SQLITE_DONE;
}
