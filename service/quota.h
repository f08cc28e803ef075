/*
 * What each client holds of the service at a time, and the most that it may hold. A client is a
 * token, or without one an address; see service/client_key.h. Any thread.
 */
#ifndef SESSIOND_SERVICE_QUOTA_H
#define SESSIOND_SERVICE_QUOTA_H

#include "service/budget.h"

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

/* Of one client. Its budgets may be used while it is open. */
struct quota {
    struct budget held[QUOTA_KINDS];

    /* Of service/connection_slots.c: provisional connections of an address. */
    struct connection_slot *oldest;
    struct connection_slot *newest;

    /* Private. */
    struct quota *next;
    uint64_t key;
    size_t openings;
};

struct quotas;

struct quotas *quotas_new(void);

/* No quota is open any more. NULL is nothing to free. */
void quotas_free(struct quotas *quotas);

/* The quota of the client with this key. The first opening makes it, with the limits. */
struct quota *quota_open(struct quotas *quotas, uint64_t key, const struct quota_limits *limits);

/* Whatever was taken in the time of this opening has been given back. NULL is nothing to close. */
void quota_close(struct quotas *quotas, struct quota *quota);

#endif
