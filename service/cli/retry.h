/* Requests of the import commands, repeated while the response is 429 or 503. */
#ifndef SESSIOND_SERVICE_CLI_RETRY_H
#define SESSIOND_SERVICE_CLI_RETRY_H

#include "service/cli/http_client.h"

/* As http_client_send(). Sends the request again while the response is 429 or 503, after as many
 * seconds as its Retry-After says, at most 30 each time; the 30th such response is the result. */
MUST_USE bool command_retry_send(const struct config *config, const struct http_request *request,
                                 struct http_response *response, struct error *err);

#endif
