/* STORE_CREATE with or_existing: progress of the search for an existing session. Private to the
 * store. */
#ifndef SESSIOND_DB_STORE_EXISTING_H
#define SESSIOND_DB_STORE_EXISTING_H

#include <stdbool.h>
#include <stdint.h>

/* One pass searches from the newest session down to `floor`. */
struct store_existing {
    int64_t after;   /* where the search continues; 0: at the newest session */
    int64_t newest;  /* where this pass began */
    int64_t floor;   /* where this pass ends: an earlier pass has covered the rest */
    int64_t changes; /* pair_changes of struct write_state when the search began */
    bool is_deferred;
};

#endif
