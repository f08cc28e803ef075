/*
 * What the writer remembers from one transaction to the next. A transaction changes these values
 * together with the rows that they describe: COMMIT keeps the changes, ROLLBACK restores the values
 * (write_operations_begin and write_operations_end). A new value that a transaction changes
 * belongs here, so that no code path can forget to restore it. Writer thread.
 */
#ifndef SESSIOND_DB_SQLITE_WRITE_STATE_H
#define SESSIOND_DB_SQLITE_WRITE_STATE_H

#include "db/sqlite/connection/commit_clock.h"
#include "db/sqlite/maintenance/retention_state.h"
#include "db/sqlite/write/database_size.h"

/* The place of a lease in the order of expiry. */
struct lease_place {
    int64_t deadline_us;
    int64_t session_seq;
};

struct write_state {
    struct clock clock;
    int64_t events;                     /* how many are stored */
    bool leases_stale;                  /* not all leases have their new term yet */
    struct lease_place lease_restarted; /* while in doubt: leases behind it have theirs */
    int64_t lease_due_us; /* monotonic; no lease expires before it; INT64_MAX: none will */
    struct lease_place lease_skipped; /* leases up to here have ended or cannot be read */
    int64_t pair_changes;             /* relocations and imports: an older session may match anew */
    int64_t copying_from;             /* streams of this number and above are being made; 0: none */
    struct retention_state purge;
    struct {
        int64_t created_us;
        int64_t seq;
    } imported; /* the session that was imported last: where to look for the next one's place */
    struct database_size size;
};

#endif
