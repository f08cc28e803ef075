/* The state of retention from one step to the next. Owned by the writer thread. */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_STATE_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_STATE_H

#include "db/sqlite/maintenance/retention_query.h"

struct retention_tally {
    int64_t sessions[STORE_PURGE_REASONS];
    int64_t bytes;
};

struct retention_state {
    int64_t retain_us[STORE_PURGE_REASONS]; /* age limit of each reason; 0: disabled */
    struct retention_position places[STORE_PURGE_REASONS];
    int64_t began_us;             /* monotonic: when the task last restarted at the beginning */
    struct retention_tally total; /* deleted by the maintenance task, not logged yet */
    bool more;                    /* the last step stopped before the end */
};

#endif
