/* The Accept header (RFC 9110 §12.5.1). Pure function, any thread. */
#ifndef SESSIOND_ROUTES_HTTP_ACCEPT_H
#define SESSIOND_ROUTES_HTTP_ACCEPT_H

#include "db/base/error.h"
#include "db/base/slice.h"

/* Whether the value of an Accept header lists this media type by name with a weight above 0.
 * Wildcards do not count: a client that accepts anything gets the default representation. False
 * when `accept` has no data: no header. */
bool accept_includes(struct slice accept, const char *type);

#endif
