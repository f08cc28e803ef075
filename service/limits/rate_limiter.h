/*
 * Rate limiter: a token bucket for each key, with a rate of `per_second` and a burst of one second.
 * The table has a fixed size, independent of the number of keys. Any thread; the caller passes the
 * time.
 */
#ifndef SESSIOND_SERVICE_LIMITS_RATE_LIMITER_H
#define SESSIOND_SERVICE_LIMITS_RATE_LIMITER_H

#include "db/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct rate_limiter;

/* Creates a rate limiter; `per_second` is at least 1. The caller frees it with
 * rate_limiter_free(). */
struct rate_limiter *rate_limiter_new(int64_t per_second);

/* `rate` may be NULL. */
void rate_limiter_free(struct rate_limiter *rate);

/* Takes one request from the bucket of `key`, a client key. `now_us` is monotonic. Returns false
 * when the bucket is empty; *wait_us is then the time until the next request is allowed. */
MUST_USE bool rate_limiter_acquire(struct rate_limiter *rate, uint64_t key, int64_t now_us,
                                   int64_t *wait_us);

#endif
