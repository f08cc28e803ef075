/* Retries of requests, for the import commands. */
#ifndef SESSIOND_SERVICE_CLI_RETRY_H
#define SESSIOND_SERVICE_CLI_RETRY_H

#include "service/cli/http_client.h"

/* As http_client_send(). Retries while the status is 429 or 503, after the seconds in Retry-After,
 * at least 1 and at most 30 each time. Returns the 30th such response. */
MUST_USE bool command_retry_send(const struct config *config, const struct http_request *request,
                                 struct http_response *response, struct error *err);

#endif
