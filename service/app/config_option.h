/* An option of the configuration, and how the text of its value is read. */
#ifndef SESSIOND_SERVICE_APP_CONFIG_OPTION_H
#define SESSIOND_SERVICE_APP_CONFIG_OPTION_H

#include "service/app/config.h"

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
    size_t offset;        /* in struct config */
    const char *fallback; /* NULL: none */
    int64_t least;        /* numbers, sizes and durations, in the unit that is kept */
    int64_t most;
    const char *help;
};

/* Stores a value. `source` is the flag or variable that has it, for the error. */
MUST_USE bool option_set(struct config *config, const struct option *option, const char *source,
                         const char *value, struct error *err);

/* Adds what the service logs as a warning when it starts. */
void option_remark(struct config *config, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Variables of ./dev, the Compose file and the tests, and those that Docker and Kubernetes set for
 * a service of this name. */
bool option_is_foreign_variable(const char *name);

#endif
