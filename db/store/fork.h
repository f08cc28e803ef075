/*
 * STORE_FORK: a new session with what another one has at one instant: its context and its log, or
 * the log's beginning. The job's id is the parent's; project_path and thread_id are the parent's
 * where their data is NULL. On success job->session is the new one, which nobody saw before it was
 * whole. What is long is copied a little at a time, between other writes.
 * ERROR_NOT_FOUND also when the parent is deleted meanwhile; ERROR_INVALID_PAYLOAD, /at_seq.
 */
#ifndef SESSIOND_DB_STORE_FORK_H
#define SESSIOND_DB_STORE_FORK_H

#include "db/base/slice.h"
#include "db/base/uuid.h"

struct fork_plan;

struct store_fork {
    struct slice stream; /* the one that at_seq is of */
    bool has_at_seq;     /* that stream up to at_seq, others up to that entry's time; else all */
    int64_t at_seq;

    /* The store's own. */
    char id[UUID_SIZE];     /* of the new session */
    struct fork_plan *plan; /* NULL: not begun */
};

#endif
