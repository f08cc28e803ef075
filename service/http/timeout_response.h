/* Responses to requests that have not fully arrived. They are written directly to the socket,
 * because libmicrohttpd responds only to complete requests. Pure, except for the clock of the Date
 * header. */
#ifndef SESSIOND_SERVICE_HTTP_TIMEOUT_RESPONSE_H
#define SESSIOND_SERVICE_HTTP_TIMEOUT_RESPONSE_H

#include "routes/core/exchange.h"

/* Appends the complete response of the exchange, with `Connection: close`. HEAD gets no body. */
void early_response(struct buffer *out, const struct exchange *ex);

/* Appends a complete 408 response with a problem (RFC 9110 §15.5.9). `path` is empty when the
 * request line has not arrived. */
void timeout_response(struct buffer *out, struct slice path, const char *request_id,
                      int64_t timeout_ms);

#endif
