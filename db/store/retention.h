/* Retention: which sessions the store deletes when they expire, and the jobs STORE_PURGE and
 * STORE_RETENTION. Plain values. */
#ifndef SESSIOND_DB_STORE_RETENTION_H
#define SESSIOND_DB_STORE_RETENTION_H

#include "db/base/uuid.h"

#include <stdbool.h>
#include <stdint.h>

/* Limit of the ids in struct store_retention_of. */
#define STORE_RETENTION_SHOWN 10

/* Why a session expires. A session that is leased, CREATED or ACTIVE never expires. */
enum store_purge_reason {
    STORE_PURGE_TERMINATED, /* it is TERMINATED, and its last change is old enough */
    STORE_PURGE_IDLE, /* it is PAUSED, and its last change and its last append are old enough */
    STORE_PURGE_REASONS
};

/* Where a page of a purge begins. All zero: the first page. */
struct store_purge_position {
    enum store_purge_reason reason;
    int64_t place_us;
    int64_t place_seq;
};

/* STORE_PURGE: deletes a bounded number of sessions, those unchanged for longest first.
 * STORE_RETENTION: reads a page of the sessions that would be deleted, from `from` to `next`. */
struct store_purge {
    struct store_purge_position from;

    /* Out. */
    struct store_purge_position next;
    int64_t sessions[STORE_PURGE_REASONS]; /* PURGE */
    int64_t bytes;                         /* PURGE: of the deleted texts */
    bool more;                             /* further sessions may be left */
};

/* STORE_RETENTION: what a purge would delete for one reason. */
struct store_retention_of {
    int64_t after_us; /* 0: this reason is disabled */
    int64_t sessions;
    int64_t bytes;     /* of the texts */
    int64_t oldest_us; /* last change of the oldest session; 0: there is none */
    char ids[STORE_RETENTION_SHOWN][UUID_SIZE]; /* the oldest sessions */
    int shown;
    bool more; /* further sessions follow this page and are not counted */
};

struct store_retention {
    struct store_retention_of of[STORE_PURGE_REASONS];
};

#endif
