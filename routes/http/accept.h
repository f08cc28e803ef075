/* What a client would like to get (RFC 9110 §12.5.1). */
#ifndef SESSIOND_ROUTES_HTTP_ACCEPT_H
#define SESSIOND_ROUTES_HTTP_ACCEPT_H

#include "db/base/error.h"
#include "db/base/slice.h"

/* Whether the value of an Accept header names this media type, and does not refuse it by a weight
 * of 0. Wildcards name none: whoever takes anything gets what is usual. No header, no name. */
bool accept_names(struct slice accept, const char *type);

#endif
