/* The Accept header (RFC 9110 §12.5.1), for routes that have another form than JSON. */
#ifndef SESSIOND_ROUTES_ACCEPT_H
#define SESSIOND_ROUTES_ACCEPT_H

#include "db/slice.h"

/* Whether the media type is asked for by its name, and application/json not rather. A header that
 * is not understood asks for nothing: then the answer is JSON. */
bool accept_asks_for(struct slice accept, const char *type);

#endif
