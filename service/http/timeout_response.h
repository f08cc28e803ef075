/* The answer to a request that has not wholly arrived: written to the socket as it is, since
 * libmicrohttpd answers only what is there. Pure, but for the clock of its Date. */
#ifndef SESSIOND_SERVICE_HTTP_TIMEOUT_RESPONSE_H
#define SESSIOND_SERVICE_HTTP_TIMEOUT_RESPONSE_H

#include "routes/core/exchange.h"

/* Appends the response of the exchange, from the status line on, with `Connection: close`. */
void early_response(struct buffer *out, const struct exchange *ex);

/* Appends a whole response: 408 with a problem (RFC 9110 §15.5.9). `path` is empty when not even
 * the request's first line has arrived. */
void timeout_response(struct buffer *out, struct slice path, const char *request_id,
                      int64_t timeout_ms);

#endif
