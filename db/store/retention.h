/* Retention: which sessions are deleted by themselves, and the jobs STORE_PURGE and
 * STORE_RETENTION. Plain values. */
#ifndef SESSIOND_DB_STORE_RETENTION_H
#define SESSIOND_DB_STORE_RETENTION_H

#include "db/base/uuid.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_RETENTION_SHOWN 10

/* Why a session goes. One that is leased never does, nor one that is CREATED or ACTIVE. */
enum store_purge_reason {
    STORE_PURGE_TERMINATED, /* it is TERMINATED, and its last change is old enough */
    STORE_PURGE_IDLE,       /* it is PAUSED, and so is what was last changed or appended */
    STORE_PURGE_REASONS
};

/* Where a page of a purge begins. All zero: the first page. */
struct store_purge_position {
    enum store_purge_reason reason;
    int64_t place_us;
    int64_t place_seq;
};

/* STORE_PURGE: deletes a bounded number of sessions, the longest unchanged first. STORE_RETENTION:
 * a page of those that would be deleted, from `from` to `next`. */
struct store_purge {
    struct store_purge_position from;

    /* Out. */
    struct store_purge_position next;
    int64_t sessions[STORE_PURGE_REASONS]; /* PURGE */
    int64_t bytes;                         /* PURGE: of their texts */
    bool more;                             /* there may be others left */
};

/* STORE_RETENTION: what a purge would delete for one reason. */
struct store_retention_of {
    int64_t after_us; /* 0: nothing is deleted for this reason */
    int64_t sessions;
    int64_t bytes;                              /* of their texts */
    int64_t oldest_us;                          /* last change of the first; 0: there is none */
    char ids[STORE_RETENTION_SHOWN][UUID_SIZE]; /* the first */
    int shown;
    bool more; /* others, behind this page, were not counted */
};

struct store_retention {
    struct store_retention_of of[STORE_PURGE_REASONS];
};

#endif
