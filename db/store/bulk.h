/*
 * STORE_RECOVER and STORE_RELOCATE: a page of sessions that are changed in one transaction. Where
 * more are left, the next page begins at `next`. Plain values.
 */
#ifndef SESSIOND_DB_STORE_BULK_H
#define SESSIOND_DB_STORE_BULK_H

#include "db/store/session.h"

/* Limit of the sessions of a page. To change as many takes about 20 ms. */
#define STORE_BULK_MAX 1000

/* Where a page begins. The zero value is the first page. */
struct store_bulk_position {
    int64_t began_us;           /* the first page's time, which is the common recovered_at */
    int64_t seq;                /* of the last session that was looked at */
    enum session_status status; /* RELOCATE: its status */
    struct slice path;          /* RELOCATE: its project_path before the move */
};

struct store_bulk {
    int limit; /* sessions, up to STORE_BULK_MAX; 0: that */
    struct store_bulk_position
        place;                /* ERROR_INVALID_QUERY when it cannot be one of an earlier page */
    struct slice destination; /* RELOCATE: the folder to move to */
    size_t max_path_bytes;    /* RELOCATE */
    bool dry_run;             /* RELOCATE */

    /* Out. */
    struct session *changed; /* id, project_path; oldest first */
    size_t changed_count;
    bool more; /* sessions may be left, even when this page changed none */
    struct store_bulk_position next;
};

#endif
