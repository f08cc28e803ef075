/*
 * The one error type: a value, no heap. Functions that can fail return bool,
 * take `struct error *err` last and are marked MUST_USE. On failure `err` is
 * set and no other out parameter has been touched.
 *
 * The kinds are neutral words: db/sqlite/connection/sqlite_error.c makes them from SQLite's result
 * codes, routes/core/problem.c makes HTTP statuses from them.
 */
#ifndef SESSIOND_DB_BASE_ERROR_H
#define SESSIOND_DB_BASE_ERROR_H

#include <stdbool.h>

#define MUST_USE __attribute__((warn_unused_result))

enum error_kind {
    ERROR_NONE = 0,

    /* The request cannot be understood. Nothing was read or changed. */
    ERROR_MALFORMED_REQUEST, /* the request line, the target, or how the lines are laid out */
    ERROR_UNKNOWN_METHOD,    /* no path has it */
    ERROR_UNKNOWN_VERSION,   /* of HTTP */
    ERROR_MALFORMED_JSON,
    ERROR_INVALID_QUERY,
    ERROR_INVALID_HEADER,
    ERROR_INVALID_PAYLOAD, /* well-formed, but of the wrong shape */
    ERROR_UNSUPPORTED_TYPE,
    ERROR_LENGTH_REQUIRED,
    ERROR_TOO_LARGE,
    ERROR_TARGET_TOO_LONG,
    ERROR_HEADERS_TOO_LARGE,

    /* Who asks may not, or not so. Nothing was read or changed. */
    ERROR_UNAUTHORIZED, /* no token, or one that is not known */
    ERROR_FORBIDDEN,    /* the token does not allow it */
    ERROR_CROSS_ORIGIN, /* a page of another origin asks */
    ERROR_MISDIRECTED,  /* the request names a server that this one is not */

    /* The request is understood; what is stored does not allow it. Nothing was changed. */
    ERROR_NO_ROUTE,
    ERROR_NO_METHOD,
    ERROR_NOT_FOUND,
    ERROR_SESSION_EXISTS,
    ERROR_INVALID_TRANSITION,
    ERROR_STATUS_MISMATCH, /* the status is not the one that was expected */
    ERROR_PRECONDITION_FAILED,
    ERROR_LEASE_HELD,     /* by somebody, and no token was presented, or it is another owner's */
    ERROR_LEASE_LOST,     /* the token presented is not that of a lease that is held */
    ERROR_NO_LEASE,       /* to release */
    ERROR_EVENTS_GONE,    /* events that were asked for are not kept any more */
    ERROR_NO_SEARCH,      /* it is off */
    ERROR_ENTRY_CONFLICT, /* an entry of that uuid is there, with another text */
    ERROR_KEY_REUSED,     /* the Idempotency-Key belongs to another request */

    /* The request may be sent again later. Nothing was changed. */
    ERROR_REQUEST_TIMEOUT, /* the request did not arrive in time */
    ERROR_CLIENT_LEFT,     /* the client ended its side of the connection before the end */
    ERROR_RATE_LIMITED,    /* the client sends more requests a second than it may */
    ERROR_CLIENT_LIMIT,    /* the client has reached a limit of its own */
    ERROR_OVERLOADED,      /* the bodies under way take all the memory that is for them */
    ERROR_QUEUE_FULL,
    ERROR_STOPPING,
    ERROR_STORAGE_FULL,
    ERROR_DATABASE_FULL, /* the limit on its size, not the disk */
    ERROR_NOT_READY,     /* a write would not reach the disk now */
    ERROR_STORAGE_BUSY,  /* another program holds the file's write lock */
    ERROR_READ_TIMEOUT,  /* the read took too long; it kept the log from starting anew */
    ERROR_BACKUP_RUNNING,
    ERROR_NO_ROOM, /* what was asked for would fill the disk */

    /* The service is at fault. */
    ERROR_INTERNAL,        /* nothing was changed */
    ERROR_OUTCOME_UNKNOWN, /* a COMMIT failed: the change may be on disk or not; the process ends */

    ERROR_KIND_COUNT
};

#define ERROR_MISSING_MAX 4

struct error {
    enum error_kind kind;
    unsigned missing_count;
    const char
        *missing[ERROR_MISSING_MAX]; /* members that a payload lacks; names with static storage */
    char field[48];   /* JSON pointer, query parameter or header at fault; empty when none */
    char detail[480]; /* one sentence for the client: what is wrong and what would be right */
};

/* Sets *err. `field` may be NULL. Longer texts are cut. Returns false, so that
 * a caller can `return error_set(…)`. */
bool error_set(struct error *err, enum error_kind kind, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
