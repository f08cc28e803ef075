/*
 * STORE_FORK: creates a session from the state of another one at one instant: its context and all
 * of its entries, or a first part of them. The job's id is the parent's. project_path and thread_id
 * default to the parent's when their data is NULL. On success job->session is the new session. The
 * new session becomes visible when it is complete. A long log is copied in parts, between other
 * writes. Errors: ERROR_NOT_FOUND, also when the parent is deleted during the fork;
 * ERROR_INVALID_PAYLOAD with the field /at_seq.
 */
#ifndef SESSIOND_DB_STORE_FORK_H
#define SESSIOND_DB_STORE_FORK_H

#include "db/base/slice.h"
#include "db/base/uuid.h"

struct fork_plan;

struct store_fork {
    struct slice stream; /* the stream that at_seq belongs to */
    /* Copy this stream up to at_seq, and the others up to the time of that entry. False: copy
     * all. */
    bool has_at_seq;
    int64_t at_seq;

    /* Private to the store. */
    char id[UUID_SIZE];     /* of the new session */
    struct fork_plan *plan; /* NULL: the fork has not begun */
};

#endif
