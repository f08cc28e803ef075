/*
 * Connection limits. A connection counts against the quota of its address until one of its requests
 * is authorized by a token, and against the quota of that token afterwards. So tokens distinguish
 * clients behind one proxy.
 *
 * A connection is provisional until its first request is authorized. When an address or the service
 * exceeds its limit, the oldest provisional connection is evicted in favor of the new one, so that
 * a client that only holds connections open cannot block others. Some connections are reserved for
 * health checks. Any thread.
 */
#ifndef SESSIOND_SERVICE_LIMITS_CONNECTION_SLOTS_H
#define SESSIOND_SERVICE_LIMITS_CONNECTION_SLOTS_H

#include "service/limits/quota.h"

struct connection_slots;
struct connection_slot;

struct connection_slots_options {
    int64_t max_connections; /* excluding the reserved connections */
    struct quota_limits of_address;
    struct quota_limits of_token;
};

/* Creates the slots. Copies `options`. The caller frees the result with connection_slots_free(). */
struct connection_slots *connection_slots_new(const struct connection_slots_options *options);

/* Frees the slots. All of them must have been released. `slots` may be NULL. */
void connection_slots_free(struct connection_slots *slots);

/* Registers a new connection; the caller still owns `descriptor`. Shuts the new connection down
 * when its address has reached the limit and has no provisional connection. Never returns NULL. */
struct connection_slot *connection_slot_acquire(struct connection_slots *slots, int descriptor,
                                                uint64_t address_key);

/* Unregisters a connection and frees the slot. Call it before the descriptor is closed. Returns
 * true when the connection was evicted. */
bool connection_slot_release(struct connection_slot *slot);

/* Marks the connection as authorized, so it is no longer provisional. Call it between
 * connection_slot_begin_request() and connection_slot_end_request(). `token_key` is 0 without a
 * token. Returns false, and changes nothing, when the token has reached its connection limit. */
MUST_USE bool connection_slot_authorize(struct connection_slot *slot, uint64_t token_key);

/* connection_slot_begin_request() protects a provisional connection from eviction when a request
 * arrives; connection_slot_end_request() ends that when the request is complete.
 * connection_slot_begin_request() returns false when the connection was evicted before. */
MUST_USE bool connection_slot_begin_request(struct connection_slot *slot);
void connection_slot_end_request(struct connection_slot *slot);

/* Whether the connection may only serve health checks: all other connections were in use when it
 * began, and are in use now. */
MUST_USE bool connection_slot_is_reserved(const struct connection_slot *slot);

/* Returns the quota of the last authorized token, or of the address. Borrowed until the slot is
 * released. */
struct quota *connection_slot_quota(const struct connection_slot *slot, bool of_token);

#endif
