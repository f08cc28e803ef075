/*
 * Which client a request comes from, as a number: requests of one token, or without one of one
 * address, have the same. It tells clients apart for limits and shares; it proves nothing.
 */
#ifndef SESSIOND_SERVICE_LIMITS_CLIENT_KEY_H
#define SESSIOND_SERVICE_LIMITS_CLIENT_KEY_H

#include <stddef.h>
#include <stdint.h>

struct sockaddr;

/* A random seed, so that no client can choose bytes whose key is that of another one. */
uint64_t client_key_seed(void);

uint64_t client_key_of_token(uint64_t seed, const char *name);

/* 0 for what has no IP address: a Unix domain socket. Of IPv6 the /64 network counts, since a
 * host can take any address in it; an IPv4 address in IPv6 form counts as that IPv4 address. */
uint64_t client_key_of_address(uint64_t seed, const struct sockaddr *address);

#endif
