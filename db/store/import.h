/*
 * STORE_IMPORT: brings back what was exported: sessions and entries with the ids, versions, times
 * and seqs that they had. All of a batch, in one transaction. What is there already is looked at:
 * the same is left as it is, so a batch that is sent twice changes nothing; something else is a
 * conflict, and all of that session is left alone. Plain values.
 */
#ifndef SESSIOND_DB_STORE_IMPORT_H
#define SESSIOND_DB_STORE_IMPORT_H

#include "db/store/session.h"

/* So far beyond now may a time lie that is taken, for clocks that differ: the writer's clock goes
 * on from it, and what is yet to come would be everybody's time. */
#define STORE_IMPORT_AHEAD_US (INT64_C(86400) * 1000000)

struct store_import_entry {
    struct slice stream;
    struct slice text;
    struct slice uuid; /* data NULL: none */
    int64_t seq;
    int64_t created_us;
};

/* A session, entries of one, or both. */
struct store_import_item {
    bool has_session;       /* false: it came in an earlier batch, and `session` has its id alone */
    struct session session; /* without seq, sums and lease, but for the lease's token */
    const struct store_import_entry *entries; /* of a stream in the order of their seq */
    size_t count;

    /* Out. */
    bool created;
    int64_t appended;     /* of its entries; the others were there */
    struct slice stream;  /* where the conflict is, in an entry; data NULL: in the session */
    int64_t seq;          /* of that entry */
    const char *conflict; /* in words; NULL: none */
};

struct store_import {
    struct store_import_item *items;
    size_t count;

    /* Whether two contexts say the same; quick, and no call back into the store. */
    bool (*same_context)(struct slice stored, struct slice sent);
};

#endif
