/*
 * What the writer remembers from one transaction to the next. A transaction changes these values
 * together with the rows that they describe: COMMIT keeps the changes, ROLLBACK takes them back
 * (write_operations_begin and write_operations_settle). A new value that a transaction changes
 * belongs here, so that no code path can forget to take it back. Writer thread.
 */
#ifndef SESSIOND_DB_WRITE_STATE_H
#define SESSIOND_DB_WRITE_STATE_H

#include "db/clock.h"
#include "db/database_size.h"
#include "db/purge.h"

struct write_state {
    struct clock clock;
    int64_t events;       /* how many are stored */
    bool leases_in_doubt; /* nobody could renew one: the deadlines mean nothing */
    int64_t lease_due_us; /* monotonic; no lease expires before it; INT64_MAX: none will */
    int64_t copying_from; /* streams of this number and above are being made; 0: none */
    struct purge purge;
    struct {
        int64_t created_us;
        int64_t seq;
    } imported; /* the session that was imported last: where to look for the next one's place */
    struct database_size size;
};

#endif
