/* What retention remembers from one step to the next. Writer thread. */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_STATE_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_RETENTION_STATE_H

#include "db/sqlite/maintenance/retention_query.h"

struct retention_tally {
    int64_t sessions[STORE_PURGE_REASONS];
    int64_t bytes;
};

struct retention_state {
    int64_t retain_us[STORE_PURGE_REASONS]; /* 0: for ever */
    struct retention_position places[STORE_PURGE_REASONS];
    int64_t began_us;             /* monotonic: when the places were last at the beginning */
    struct retention_tally total; /* deleted by the maintenance task, not logged yet */
    bool more;                    /* the last step did not come to the end */
};

#endif
