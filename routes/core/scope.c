#include "routes/core/scope.h"

static const char *const names[] = {
    [SCOPE_UNKNOWN] = "",    [SCOPE_OPEN] = "",       [SCOPE_READ] = "read",
    [SCOPE_WRITE] = "write", [SCOPE_ADMIN] = "admin",
};

const char *scope_name(enum scope scope)
{
    return names[scope];
}

enum scope scope_parse(struct slice name)
{
    for (unsigned i = SCOPE_READ; i <= SCOPE_ADMIN; i++) {
        if (slice_is(name, names[i]))
            return (enum scope)i;
    }
    return SCOPE_UNKNOWN;
}
