/*
 * The error type: a value without heap memory. Functions that can fail return bool, take `struct
 * error *err` last and are marked MUST_USE. On failure they set *err and change no other out
 * parameter.
 *
 * The kinds are independent of SQLite and HTTP: db/sqlite/connection/sqlite_error.c maps SQLite's
 * result codes to kinds, routes/core/problem.c maps kinds to HTTP statuses.
 */
#ifndef SESSIOND_DB_BASE_ERROR_H
#define SESSIOND_DB_BASE_ERROR_H

#include <stdbool.h>

#define MUST_USE __attribute__((warn_unused_result))

enum error_kind {
    ERROR_NONE = 0,

    /* The request is malformed or unsupported. Nothing was read or changed. */
    ERROR_MALFORMED_REQUEST, /* the request line, the target, or the layout of the header lines */
    ERROR_UNKNOWN_METHOD,    /* no path supports it */
    ERROR_UNKNOWN_VERSION,   /* of HTTP */
    ERROR_MALFORMED_JSON,
    ERROR_INVALID_QUERY,
    ERROR_INVALID_HEADER,
    ERROR_INVALID_PAYLOAD, /* well-formed JSON with a wrong shape */
    ERROR_UNSUPPORTED_TYPE,
    ERROR_LENGTH_REQUIRED,
    ERROR_TOO_LARGE,
    ERROR_TARGET_TOO_LONG,
    ERROR_HEADERS_TOO_LARGE,

    /* The client is not authorized. Nothing was read or changed. */
    ERROR_UNAUTHORIZED, /* no token, or an unknown one */
    ERROR_FORBIDDEN,    /* the scope of the token does not allow the request */
    ERROR_CROSS_ORIGIN, /* a page of another origin sent the request */
    ERROR_MISDIRECTED,  /* the Host header names another server */

    /* The request is valid; the stored state rejects it. Nothing was changed. */
    ERROR_NO_ROUTE,
    ERROR_NO_METHOD,
    ERROR_NOT_FOUND,
    ERROR_SESSION_EXISTS,
    ERROR_INVALID_TRANSITION,
    ERROR_STATUS_MISMATCH, /* the stored status is not the expected one */
    ERROR_PRECONDITION_FAILED,
    ERROR_LEASE_HELD,     /* another owner holds the lease, or no token was presented */
    ERROR_LEASE_LOST,     /* the presented token is not that of a held lease */
    ERROR_NO_LEASE,       /* there is no lease to release */
    ERROR_EVENTS_GONE,    /* the requested events have expired */
    ERROR_NO_SEARCH,      /* search is off */
    ERROR_ENTRY_CONFLICT, /* an entry with this uuid is stored with another text */
    ERROR_KEY_REUSED,     /* the Idempotency-Key was used for another request */

    /* The client may retry the request later. Nothing was changed. */
    ERROR_REQUEST_TIMEOUT, /* the request did not arrive in time */
    ERROR_CLIENT_LEFT,     /* the client closed its side of the connection before the end */
    ERROR_RATE_LIMITED,    /* the client exceeds its request rate */
    ERROR_CLIENT_LIMIT,    /* the client has reached a limit per client */
    ERROR_OVERLOADED,      /* the request bodies in progress use all the memory reserved for them */
    ERROR_QUEUE_FULL,
    ERROR_STOPPING,
    ERROR_STORAGE_FULL,
    ERROR_DATABASE_FULL, /* the configured limit on the size of the database */
    ERROR_NOT_READY,     /* a write would not reach the disk now */
    ERROR_STORAGE_BUSY,  /* another program holds the file's write lock */
    ERROR_READ_TIMEOUT,  /* the read exceeded its limit; it blocked the reset of the WAL */
    ERROR_BACKUP_RUNNING,
    ERROR_NO_ROOM, /* the disk has too little space for the requested operation */

    /* The service is at fault. */
    ERROR_INTERNAL,        /* nothing was changed */
    ERROR_OUTCOME_UNKNOWN, /* a COMMIT failed: the change may be on disk or not; the process ends */

    ERROR_KIND_COUNT
};

#define ERROR_MISSING_MAX 4

struct error {
    enum error_kind kind;
    unsigned missing_count;
    /* Members that the payload lacks; static strings. */
    const char *missing[ERROR_MISSING_MAX];
    bool is_public;   /* set by error_set_public() */
    char field[48];   /* JSON pointer, query parameter or header at fault; empty when none */
    char detail[480]; /* one sentence for the client: what is wrong and what would be right */
};

/* Sets *err with a printf-style detail. `field` may be NULL. Longer texts are truncated. Returns
 * false, so that a caller can `return error_set(…)`. Any thread. */
bool error_set(struct error *err, enum error_kind kind, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Like error_set(), for a detail that clients may see although errors of this kind usually have
 * messages of the storage or the operating system: it contains no path, SQL or text of SQLite. */
bool error_set_public(struct error *err, enum error_kind kind, const char *field,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
