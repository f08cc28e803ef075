/* One configuration option, and the parser of its value. Pure. */
#ifndef SESSIOND_SERVICE_APP_CONFIG_OPTION_H
#define SESSIOND_SERVICE_APP_CONFIG_OPTION_H

#include "db/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_SIZE, /* number of bytes */
    OPTION_MODE,
    OPTION_SWITCH,
    OPTION_MILLISECONDS, /* duration, stored in this unit */
    OPTION_SECONDS
};

struct option {
    const char *flag;     /* without the leading dashes */
    const char *variable; /* name of the environment variable */
    enum option_kind kind;
    size_t offset;        /* of the member in the struct that receives the value */
    const char *fallback; /* default; NULL: none */
    /* `least` to `most`: range of numbers, sizes and durations, in the stored unit */
    int64_t least;
    int64_t most;
    const char *help;
};

/* Parses `value` and stores it in `values`, the struct that `option->offset` refers to. Text values
 * are borrowed. `source` is the flag or variable that has the value; error messages name it. */
MUST_USE bool option_set(void *values, const struct option *option, const char *source,
                         const char *value, struct error *err);

/* Whether a variable whose name begins with SESSIOND_ belongs to another program: ./dev, the
 * Compose file, the tests, or Docker and Kubernetes, which set variables for a service of this
 * name. */
bool option_is_foreign_variable(const char *name);

#endif
