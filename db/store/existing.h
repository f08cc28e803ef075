/* STORE_CREATE with or_existing: how far the store has looked for the session. The store's own. */
#ifndef SESSIOND_DB_STORE_EXISTING_H
#define SESSIOND_DB_STORE_EXISTING_H

#include <stdbool.h>
#include <stdint.h>

/* A pass goes from the newest session on down to `floor`. */
struct store_existing {
    int64_t after;   /* where the search goes on; 0: at the newest */
    int64_t newest;  /* where this pass began */
    int64_t floor;   /* where it ends: an earlier pass has covered the rest */
    int64_t changes; /* pair_changes of struct write_state when the search began */
    bool is_deferred;
};

#endif
