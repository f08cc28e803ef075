/* What holds for every response, whatever the database holds. */
#ifndef SESSIOND_TESTS_RESPONSE_CHECK_H
#define SESSIOND_TESTS_RESPONSE_CHECK_H

#include "tests/fuzz/route_client.h"

/* Ends the process unless the client's last response has a status, headers of printable ASCII, and
 * a body that its content type promises. A stored text that is no JSON goes into a response as it
 * is, so only an export's body is looked at when not all of them are. */
void response_check(const struct route_client *client, int status, bool texts_are_json);

#endif
