/*
 * What each client holds of the service at a time, and the most that it may hold. A client is a
 * token, or without one an address; see service/limits/client_key.h. Any thread.
 */
#ifndef SESSIOND_SERVICE_LIMITS_QUOTA_H
#define SESSIOND_SERVICE_LIMITS_QUOTA_H

#include "service/limits/memory_budget.h"

#include <stddef.h>

enum quota_kind {
    QUOTA_CONNECTIONS,
    QUOTA_STREAMS, /* responses that are made while they are sent, and long polls */
    QUOTA_JOBS,    /* requests that wait for the store */
    QUOTA_BYTES,   /* bodies and large responses */
    QUOTA_KINDS
};

struct quota_limits {
    int64_t most[QUOTA_KINDS];
};

struct connection_slot;

/* What one client holds. The budgets may be used while the quota is open. */
struct quota {
    struct memory_budget held[QUOTA_KINDS];

    /* Of service/limits/connection_slots.c: provisional connections of an address. */
    struct connection_slot *oldest;
    struct connection_slot *newest;

    /* Private. */
    struct quota *next;
    uint64_t key;
    size_t ref_count;
};

struct quotas;

struct quotas *quotas_new(void);

/* All quotas have been closed. `quotas` may be NULL. */
void quotas_free(struct quotas *quotas);

/* The quota of the client with this key. The first opening makes it, with the limits. */
struct quota *quota_open(struct quotas *quotas, uint64_t key, const struct quota_limits *limits);

/* The caller has given back all that it took since it opened the quota. `quota` may be NULL. */
void quota_close(struct quotas *quotas, struct quota *quota);

#endif
