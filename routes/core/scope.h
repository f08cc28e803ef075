/* What a request may do: each scope includes the ones before it. Pure. */
#ifndef SESSIOND_ROUTES_CORE_SCOPE_H
#define SESSIOND_ROUTES_CORE_SCOPE_H

#include "db/base/slice.h"

enum scope {
    SCOPE_UNKNOWN, /* of a route that does not exist: any token will do, none will not */
    SCOPE_OPEN,    /* no token is needed */
    SCOPE_READ,
    SCOPE_WRITE,
    SCOPE_ADMIN,
};

/* As it stands in a token file and in WWW-Authenticate; "" for the two that no token has. */
const char *scope_name(enum scope scope);

/* The scope of a token that has this name; SCOPE_UNKNOWN when there is none. */
enum scope scope_from(struct slice name);

#endif
