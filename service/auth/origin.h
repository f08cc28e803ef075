/*
 * Detects requests that web pages make, by the Host and Origin headers (CSRF and DNS rebinding).
 * Pure.
 */
#ifndef SESSIOND_SERVICE_AUTH_ORIGIN_H
#define SESSIOND_SERVICE_AUTH_ORIGIN_H

#include "db/base/slice.h"

/* Returns the host of HOST, HOST:PORT, [IPV6] or [IPV6]:PORT, without brackets (RFC 3986 §3.2).
 * Empty when the text has another form. */
struct slice origin_host(struct slice authority);

/* Whether an authority is a loopback name or address: localhost, 127.0.0.0/8, [::1] (RFC 6761 §6.3,
 * RFC 1122 §3.2.1.3, RFC 4291 §2.5.3), with or without a port. */
bool origin_is_loopback(struct slice authority);

/* Whether the Origin (RFC 6454 §7) of a request equals the authority that the request was sent
 * to. */
bool origin_is_same(struct slice origin, struct slice authority);

#endif
