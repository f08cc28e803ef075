/*
 * Client key: a number that identifies the client of a request for limits and shares. Requests with
 * the same token have the same key; without a token, requests from the same address. The key is not
 * a proof of identity. Any thread.
 */
#ifndef SESSIOND_SERVICE_LIMITS_CLIENT_KEY_H
#define SESSIOND_SERVICE_LIMITS_CLIENT_KEY_H

#include <stddef.h>
#include <stdint.h>

struct sockaddr;

/* Returns a random seed, so that a client cannot choose bytes that give the key of another
 * client. */
uint64_t client_key_seed(void);

/* Returns the key of the token with this name. Never 0. */
uint64_t client_key_of_token(uint64_t seed, const char *name);

/* Returns 0 for a socket without IP address, such as a Unix domain socket. An IPv6 address counts
 * as its /64 network, since one host can use all addresses in it. An IPv4-mapped IPv6 address
 * counts as the IPv4 address. */
uint64_t client_key_of_address(uint64_t seed, const struct sockaddr *address);

#endif
