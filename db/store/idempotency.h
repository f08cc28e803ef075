/* Requests that are carried out once, however often they are sent. Plain values. */
#ifndef SESSIOND_DB_STORE_IDEMPOTENCY_H
#define SESSIOND_DB_STORE_IDEMPOTENCY_H

#include "db/base/slice.h"

#include <stdbool.h>

#define STORE_DIGEST_BYTES 32

struct store_job;

/* Puts what the job answered into words, in the write transaction: pure, quick, and no call back
 * into the store. The answer is the submitter's and is read before `done`. */
typedef struct slice (*store_response_fn)(struct store_job *job);

/* A request that is carried out once, however often it is sent: its key, and what its answer was,
 * are written in the same transaction as its effect. */
struct store_idempotency {
    struct slice key;                         /* data NULL: an ordinary job */
    unsigned char digest[STORE_DIGEST_BYTES]; /* of the request */
    store_response_fn answer;

    /* Out. */
    bool replayed;     /* nothing was carried out; `kept` is the first answer */
    struct slice kept; /* in the job's memory */
};

#endif
