/* The scopes of routes and tokens (RFC 6750). Each scope includes the ones before it. Pure
 * functions, any thread; they return static values and cannot fail. */
#ifndef SESSIOND_ROUTES_CORE_SCOPE_H
#define SESSIOND_ROUTES_CORE_SCOPE_H

#include "db/base/slice.h"

enum scope {
    SCOPE_UNKNOWN, /* unknown route: any valid token passes, a request without one does not */
    SCOPE_OPEN,    /* the route requires no token */
    SCOPE_READ,
    SCOPE_WRITE,
    SCOPE_ADMIN,
};

/* The name as in token files and WWW-Authenticate; "" for SCOPE_UNKNOWN and SCOPE_OPEN, which no
 * token has. */
const char *scope_name(enum scope scope);

/* The token scope of this name; SCOPE_UNKNOWN when no token scope has the name. */
enum scope scope_parse(struct slice name);

#endif
