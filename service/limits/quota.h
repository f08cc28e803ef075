/*
 * Quotas: the resources that a client uses at a time, and their limits. A client is a token or,
 * without a token, an address; see service/limits/client_key.h. Any thread.
 */
#ifndef SESSIOND_SERVICE_LIMITS_QUOTA_H
#define SESSIOND_SERVICE_LIMITS_QUOTA_H

#include "service/limits/memory_budget.h"

#include <stddef.h>

enum quota_kind {
    QUOTA_CONNECTIONS,
    QUOTA_STREAMS, /* streaming responses and long polls */
    QUOTA_JOBS,    /* requests that wait for the store */
    QUOTA_BYTES,   /* request bodies and large responses */
    QUOTA_KINDS
};

struct quota_limits {
    int64_t most[QUOTA_KINDS];
};

struct connection_slot;

/* Resources of one client. The budgets are valid while the quota is open. */
struct quota {
    struct memory_budget held[QUOTA_KINDS];

    /* Used by service/limits/connection_slots.c: provisional connections of an address. */
    struct connection_slot *oldest;
    struct connection_slot *newest;

    /* Private. */
    struct quota *next;
    uint64_t key;
    size_t ref_count;
};

struct quotas;

/* Creates an empty table. The caller frees it with quotas_free(). */
struct quotas *quotas_new(void);

/* Frees the quotas. All of them must have been closed. `quotas` may be NULL. */
void quotas_free(struct quotas *quotas);

/* Opens the quota of the client with this key. The first call for a key creates it with `limits`.
 * The caller closes it with quota_close(). */
struct quota *quota_open(struct quotas *quotas, uint64_t key, const struct quota_limits *limits);

/* Closes the quota, and frees it with the last reference. The caller has released everything that
 * it acquired from it. `quota` may be NULL. */
void quota_close(struct quotas *quotas, struct quota *quota);

#endif
