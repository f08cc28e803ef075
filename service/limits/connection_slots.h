/*
 * Which connections are open and whom they count against. A connection counts against its address
 * until a request on it is authorized by a token, and then against that token. So clients behind
 * one proxy are told apart by their tokens.
 *
 * A connection that has not been authorized yet is provisional. Where an address or the service has
 * too many connections, the oldest provisional one is ended for the new one, so that a client that
 * only holds connections open keeps no other out. A few connections are reserved for health checks.
 * Any thread.
 */
#ifndef SESSIOND_SERVICE_LIMITS_CONNECTION_SLOTS_H
#define SESSIOND_SERVICE_LIMITS_CONNECTION_SLOTS_H

#include "service/limits/quota.h"

struct connection_slots;
struct connection_slot;

struct connection_slots_options {
    int64_t max_connections; /* without those that are reserved */
    struct quota_limits of_address;
    struct quota_limits of_token;
};

struct connection_slots *connection_slots_new(const struct connection_slots_options *options);

/* All slots have been released. `slots` may be NULL. */
void connection_slots_free(struct connection_slots *slots);

/* A connection has begun; `descriptor` stays the caller's. Where its address has too many and none
 * of them is provisional, the new one is shut down. Never NULL. */
struct connection_slot *connection_slot_take(struct connection_slots *slots, int descriptor,
                                             uint64_t address_key);

/* The connection ends; its descriptor is still open. True when it was ended for another one. */
bool connection_slot_release(struct connection_slot *slot);

/* Between connection_slot_keep and connection_slot_rest: the request was authorized, so the
 * connection is not provisional any more. token_key is 0 without a token. False, and nothing has
 * changed, when the token has all the connections that it may have. */
MUST_USE bool connection_slot_authorize(struct connection_slot *slot, uint64_t token_key);

/* From connection_slot_keep, when a request has arrived, to connection_slot_rest, when the request
 * is over, a provisional connection is not ended for another one. False when it was ended before.
 */
MUST_USE bool connection_slot_keep(struct connection_slot *slot);
void connection_slot_rest(struct connection_slot *slot);

/* Whether the connection serves health checks only: there was no other place when it began, and
 * there is none now. */
MUST_USE bool connection_slot_is_reserved(const struct connection_slot *slot);

/* The quota of the token that was authorized last, or that of the address. */
struct quota *connection_slot_quota(const struct connection_slot *slot, bool of_token);

#endif
