/*
 * STORE_IMPORT: restores exported sessions and entries with their ids, versions, times and seqs. A
 * batch is one transaction. Identical data is left unchanged, so importing a batch twice changes
 * nothing. Different data is a conflict, and no change is made to that session. Plain values.
 */
#ifndef SESSIOND_DB_STORE_IMPORT_H
#define SESSIOND_DB_STORE_IMPORT_H

#include "db/store/session.h"

/* An import rejects times more than 24 hours in the future; the tolerance is for clocks that
 * differ. The writer's clock advances to the newest imported time, so all later writes would have a
 * future time. */
#define STORE_IMPORT_MAX_FUTURE_US (INT64_C(86400) * 1000000)

struct store_import_entry {
    struct slice stream;
    struct slice text;
    struct slice uuid; /* data NULL: none */
    int64_t seq;
    int64_t created_us;
};

/* A session, entries of a session, or both. */
struct store_import_item {
    bool has_session; /* false: an earlier batch had the session, and only session.id is set */
    struct session session; /* seq, counts and lease are unset, except lease.token */
    const struct store_import_entry *entries; /* the entries of a stream are in the order of seq */
    size_t count;

    /* Out. */
    bool created;
    int64_t appended;     /* number of appended entries; the others existed already */
    struct slice stream;  /* of the conflicting entry; data NULL: the session conflicts */
    int64_t seq;          /* of that entry */
    const char *conflict; /* static description; NULL: no conflict */
};

struct store_import {
    struct store_import_item *items;
    size_t count;

    /* Whether two contexts are equal as JSON values. Must be pure and fast, and must not call the
     * store. */
    bool (*same_context)(struct slice stored, struct slice sent);
};

#endif
