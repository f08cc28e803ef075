/*
 * What tells a program of this machine from a page that a browser shows: the names that a request
 * gives its server and its source. Pure.
 */
#ifndef SESSIOND_SERVICE_AUTH_ORIGIN_H
#define SESSIOND_SERVICE_AUTH_ORIGIN_H

#include "db/base/slice.h"

/* The host of HOST, HOST:PORT, [IPV6] or [IPV6]:PORT, without brackets (RFC 3986 §3.2). Empty when
 * it is none of these. */
struct slice origin_host(struct slice authority);

/* Whether an authority names this machine and can name no other: localhost, 127.0.0.0/8, [::1]
 * (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3), with or without a port. */
bool origin_is_loopback(struct slice authority);

/* Whether an Origin (RFC 6454 §7) is that of the authority which the request was sent to. */
bool origin_is_same(struct slice origin, struct slice authority);

#endif
