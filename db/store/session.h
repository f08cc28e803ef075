/* A session as all of the house sees it, and its lifecycle. Pure values; any thread. */
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

/* The name as stored and as sent: "CREATED", … */
const char *session_status_name(enum session_status status);

/* False, and `status` untouched, when `name` is none of the four. */
MUST_USE bool session_status_parse(struct slice name, enum session_status *status);

/* The lifecycle: whether a session may go from one status to another. same → same is allowed. */
bool session_may_become(enum session_status from, enum session_status to);

/* The owner who may write the session. `expires_us` is the wall clock's time at the begin of the
 * term plus the term; the lease itself expires by the monotonic clock. */
struct session_lease {
    struct slice owner; /* data NULL: nobody */
    int64_t token;      /* of this lease; of the last one when there is none; 0 before the first */
    int64_t ttl_ms;
    int64_t expires_us;
    int64_t left_us; /* time to expiry when the session was read */
};

struct session {
    struct slice id;
    struct slice project_path;
    struct slice thread_id;
    struct slice context; /* the client's own text; data is NULL in a list without contexts */
    enum session_status status;
    int64_t version;
    int64_t created_us;
    int64_t updated_us;
    int64_t recovered_us; /* when an owner was last found gone; 0: never */
    struct session_lease lease;
    int64_t context_bytes;
    struct slice parent_id; /* that it was forked from; data NULL: none */
    int64_t entry_count;    /* of its log */
    int64_t entry_bytes;
    int64_t seq; /* order of creation; what a list's cursor is made of */
};

#endif
