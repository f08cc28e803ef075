/*
 * So many requests a second for each key, a second's worth of them at once: token buckets, in a
 * table whose size does not depend on how many keys there are. Any thread; the caller brings the
 * clock.
 */
#ifndef SESSIOND_SERVICE_LIMITS_RATE_LIMITER_H
#define SESSIOND_SERVICE_LIMITS_RATE_LIMITER_H

#include "db/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct rate_limiter;

/* `per_second` is at least 1. The caller frees it. */
struct rate_limiter *rate_limiter_new(int64_t per_second);
void rate_limiter_free(struct rate_limiter *rate);

/* Takes one of the key's, which client_key has made. False when there is none; *wait_us is then how
 * long until there is. */
MUST_USE bool rate_limiter_take(struct rate_limiter *rate, uint64_t key, int64_t now_us,
                                int64_t *wait_us);

#endif
