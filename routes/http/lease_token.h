/* The Lease-Token header: the fencing token that a lease's owner presents. HTTP thread. */
#ifndef SESSIOND_ROUTES_HTTP_LEASE_TOKEN_H
#define SESSIOND_ROUTES_HTTP_LEASE_TOKEN_H

#include "routes/core/exchange.h"

/* Parses the header into the job's fence, which is not set when the header is absent.
 * ERROR_INVALID_HEADER unless the value is a decimal number above 0 of at most 18 digits. */
MUST_USE bool lease_token_read(struct exchange *ex, struct error *err);

#endif
