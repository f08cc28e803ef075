/*
 * The writer's state from one transaction to the next. A transaction changes these values together
 * with the rows that they describe: COMMIT keeps the changes, ROLLBACK restores the values
 * (write_operations_begin and write_operations_end). A new value that a transaction changes belongs
 * here, so that no code path can forget to restore it. Owned by the writer thread.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_STATE_H
#define SESSIOND_DB_SQLITE_WRITE_STATE_H

#include "db/sqlite/connection/commit_clock.h"
#include "db/sqlite/maintenance/retention_state.h"
#include "db/sqlite/write/database_size.h"

/* The position of a lease in the order of expiry. */
struct lease_position {
    int64_t deadline_us;
    int64_t session_seq;
};

struct write_state {
    struct clock clock;
    int64_t events;    /* number of stored events */
    bool leases_stale; /* some leases have no new term yet */
    /* while stale: leases after this position have their new term */
    struct lease_position lease_restarted;
    int64_t lease_due_us; /* monotonic; no lease expires earlier; INT64_MAX: there is none */
    /* leases up to this position have expired or are unreadable */
    struct lease_position lease_skipped;
    int64_t pair_changes; /* relocations and imports; an older session may match after one */
    int64_t copying_from; /* a fork is writing the streams with this id and above; 0: none */
    struct retention_state purge;
    struct {
        int64_t created_us;
        int64_t seq;
    } imported; /* the last imported session: where the search for the next free seq begins */
    struct database_size size;
};

#endif
