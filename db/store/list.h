/* The query and the result of a list of sessions. Plain values. */
#ifndef SESSIOND_DB_STORE_LIST_H
#define SESSIOND_DB_STORE_LIST_H

#include "db/store/session.h"

enum store_visit { STORE_VISIT_NEXT, STORE_VISIT_STOP };

/* Receives one row; its slices are valid during the call. STOP rejects the row and ends the
 * list. */
typedef enum store_visit (*store_row_fn)(void *arg, const struct session *session);

/* A list by thread_id and project_path ends a page after this many rows that match only one of the
 * two conditions. Reading them takes a few milliseconds. */
#define STORE_LIST_STEPS 2000

struct store_list_query {
    struct slice thread_id;    /* data NULL: any */
    struct slice project_path; /* data NULL: any */
    unsigned statuses;         /* bit 1 << status for each wanted status; 0: any */
    int64_t after;             /* seq of the last row of the previous page; 0: first page */
    int limit;                 /* rows, at least 1 */
    int steps;                 /* replaces STORE_LIST_STEPS; 0: STORE_LIST_STEPS */
    bool ascending;            /* oldest first */
    bool with_context;
};

struct store_page {
    int64_t last; /* where the page ended: pass it as `after` of the next page */
    bool more;    /* rows may follow; a page may have fewer than `limit` rows, or none */
};

#endif
