/* The session as all layers see it, and its lifecycle. Pure values; any thread. */
#ifndef SESSIOND_DB_STORE_SESSION_H
#define SESSIOND_DB_STORE_SESSION_H

#include "db/base/error.h"
#include "db/base/slice.h"

#include <stdint.h>

enum session_status {
    SESSION_CREATED,
    SESSION_ACTIVE,
    SESSION_PAUSED,
    SESSION_TERMINATED,
    SESSION_STATUS_COUNT
};

/* The name as stored and as sent: "CREATED", … Static string. */
const char *session_status_name(enum session_status status);

/* Parses a status name. False when the name is unknown; `status` is then unchanged. */
MUST_USE bool session_status_parse(struct slice name, enum session_status *status);

/* The lifecycle: whether the transition is allowed. A transition to the same status is allowed. */
bool session_may_become(enum session_status from, enum session_status to);

/* The lease of a session. `expires_us` is the wall-clock time at which the term began plus the
 * term. The lease itself expires by the monotonic clock. */
struct session_lease {
    struct slice owner; /* data NULL: no lease is held */
    int64_t token; /* of this lease, or of the last one when none is held; 0: there never was one */
    int64_t ttl_ms;
    int64_t expires_us;
    int64_t left_us; /* time to expiry when the session was read */
};

struct session {
    struct slice id;
    struct slice project_path;
    struct slice thread_id;
    struct slice context; /* the client's text, unchanged; data NULL in a list without contexts */
    enum session_status status;
    int64_t version;
    int64_t created_us;
    int64_t updated_us;
    int64_t recovered_us; /* when the session was last recovered; 0: never */
    struct session_lease lease;
    int64_t context_bytes;
    struct slice parent_id; /* the session it was forked from; data NULL: none */
    int64_t entry_count;    /* over all its streams */
    int64_t entry_bytes;
    int64_t seq; /* creation key, in the order of creation; a list's cursor uses it */
};

#endif
