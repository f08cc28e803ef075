/* Idempotency keys: a retry replays the first response and has no further effect. Plain values. */
#ifndef SESSIOND_DB_STORE_IDEMPOTENCY_H
#define SESSIOND_DB_STORE_IDEMPOTENCY_H

#include "db/base/slice.h"

#include <stdbool.h>

#define STORE_DIGEST_BYTES 32

struct store_job;

/* Serializes the job's result into a response, in the write transaction. Must be pure and fast, and
 * must not call the store. The submitter owns the returned text. The store reads it before it calls
 * `done`. */
typedef struct slice (*store_response_fn)(struct store_job *job);

/* The idempotency key of a job. The key and the response are written in the same transaction as the
 * effect of the job. */
struct store_idempotency {
    struct slice key;                         /* data NULL: an ordinary job */
    unsigned char digest[STORE_DIGEST_BYTES]; /* of the request */
    store_response_fn answer;

    /* Out. */
    bool replayed;     /* nothing was executed; `kept` is the first response */
    struct slice kept; /* in the job's arena */
};

#endif
