/*
 * STORE_RECOVER and STORE_RELOCATE: change one page of sessions in one transaction. If sessions may
 * be left, the next page begins at `next`. Plain values.
 */
#ifndef SESSIOND_DB_STORE_BULK_H
#define SESSIOND_DB_STORE_BULK_H

#include "db/store/session.h"

/* Limit of the sessions of a page. Changing this many takes about 20 ms. */
#define STORE_BULK_MAX 1000

/* Where a page begins. All zero: the first page. */
struct store_bulk_position {
    int64_t began_us;           /* time of the first page: the common recovered_at */
    int64_t seq;                /* of the last session that was examined */
    enum session_status status; /* RELOCATE: status of that session */
    struct slice path;          /* RELOCATE: project_path of that session before the move */
};

struct store_bulk {
    int limit; /* sessions, up to STORE_BULK_MAX; 0: STORE_BULK_MAX */
    /* ERROR_INVALID_QUERY when no earlier page can have returned it. */
    struct store_bulk_position place;
    struct slice destination; /* RELOCATE: the target folder */
    size_t max_path_bytes;    /* RELOCATE */
    bool dry_run;             /* RELOCATE */

    /* Out. */
    struct session *changed; /* id, project_path; oldest first */
    size_t changed_count;
    bool more; /* sessions may be left, even when this page changed none */
    struct store_bulk_position next;
};

#endif
