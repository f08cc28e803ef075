/* An option of the configuration, and how the text of its value is read. Pure. */
#ifndef SESSIOND_SERVICE_APP_CONFIG_OPTION_H
#define SESSIOND_SERVICE_APP_CONFIG_OPTION_H

#include "db/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_SIZE, /* a number of bytes */
    OPTION_MODE,
    OPTION_SWITCH,
    OPTION_MILLISECONDS, /* a duration, kept in this unit */
    OPTION_SECONDS
};

struct option {
    const char *flag;     /* without the dashes */
    const char *variable; /* of the environment */
    enum option_kind kind;
    size_t offset;        /* of the member in the struct that is filled */
    const char *fallback; /* NULL: none */
    int64_t least;        /* numbers, sizes and durations, in the unit that is kept */
    int64_t most;
    const char *help;
};

/* Stores a value in `values`, the struct that is filled. `source` is the flag or variable that has
 * it, for the error. */
MUST_USE bool option_set(void *values, const struct option *option, const char *source,
                         const char *value, struct error *err);

/* Variables of ./dev, the Compose file and the tests, and those that Docker and Kubernetes set for
 * a service of this name. */
bool option_is_foreign_variable(const char *name);

#endif
