#include "db/store/session.h"

static const char *const status_names[SESSION_STATUS_COUNT] = {
    [SESSION_CREATED] = "CREATED",
    [SESSION_ACTIVE] = "ACTIVE",
    [SESSION_PAUSED] = "PAUSED",
    [SESSION_TERMINATED] = "TERMINATED",
};

const char *session_status_name(enum session_status status)
{
    return status_names[status];
}

bool session_status_parse(struct slice name, enum session_status *status)
{
    for (unsigned i = 0; i < SESSION_STATUS_COUNT; i++) {
        if (slice_is(name, status_names[i])) {
            *status = (enum session_status)i;
            return true;
        }
    }
    return false;
}

bool session_may_become(enum session_status from, enum session_status to)
{
    static const bool allowed[SESSION_STATUS_COUNT][SESSION_STATUS_COUNT] = {
        [SESSION_CREATED] = {[SESSION_ACTIVE] = true, [SESSION_TERMINATED] = true},
        [SESSION_ACTIVE] = {[SESSION_PAUSED] = true, [SESSION_TERMINATED] = true},
        [SESSION_PAUSED] = {[SESSION_ACTIVE] = true, [SESSION_TERMINATED] = true},
    };

    return from == to || allowed[from][to];
}
