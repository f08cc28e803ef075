/* What a list of sessions asks, and how its rows come back. Plain values. */
#ifndef SESSIOND_DB_STORE_LIST_H
#define SESSIOND_DB_STORE_LIST_H

#include "db/store/session.h"

enum store_visit { STORE_VISIT_NEXT, STORE_VISIT_STOP };

/* Gets one row; its slices are valid during the call. STOP refuses the row and ends the list. */
typedef enum store_visit (*store_row_fn)(void *arg, const struct session *session);

/* A list by thread_id and project_path ends a page after this many rows that match only one of
 * them, which takes a few milliseconds. */
#define STORE_LIST_STEPS 2000

struct store_list_query {
    struct slice thread_id;    /* data NULL: any */
    struct slice project_path; /* data NULL: any */
    unsigned statuses;         /* bit 1 << status for each that is wanted; 0: any */
    int64_t after;             /* the seq of the last row of the page before; 0: first page */
    int limit;                 /* rows, at least 1 */
    int steps;                 /* in place of STORE_LIST_STEPS; 0: that */
    bool ascending;            /* oldest first */
    bool with_context;
};

struct store_page {
    int64_t last; /* how far the page got: the next one's `after` */
    bool more;    /* rows may be left behind it; the page may have fewer than `limit`, or none */
};

#endif
