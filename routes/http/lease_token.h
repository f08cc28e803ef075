/* The Lease-Token header: what a lease's holder proves itself with. */
#ifndef SESSIOND_ROUTES_HTTP_LEASE_TOKEN_H
#define SESSIOND_ROUTES_HTTP_LEASE_TOKEN_H

#include "routes/core/exchange.h"

/* Reads the header into the job's fence; one that is absent presents nothing. ERROR_INVALID_HEADER
 * for anything but one number in decimal digits. */
MUST_USE bool lease_token_read(struct exchange *ex, struct error *err);

#endif
