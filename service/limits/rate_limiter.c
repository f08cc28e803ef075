#include "service/limits/rate_limiter.h"

#include <pthread.h>
#include <stdlib.h>

#define SECOND_US INT64_C(1000000)
#define BUCKETS_PER_SET 8
#define SET_COUNT 512

/* `full_at_us` is the time at which the bucket is full again. A bucket whose time has passed is
 * full. */
struct bucket {
    uint64_t key;
    int64_t full_at_us;
};

struct rate_limiter {
    int64_t period_us; /* time until one token is refilled */
    pthread_mutex_t lock;
    struct bucket buckets[SET_COUNT][BUCKETS_PER_SET];
};

struct rate_limiter *rate_limiter_new(int64_t per_second)
{
    struct rate_limiter *rate = calloc(1, sizeof(*rate));

    if (rate == NULL)
        abort();
    rate->period_us = SECOND_US / per_second;
    pthread_mutex_init(&rate->lock, NULL);
    return rate;
}

void rate_limiter_free(struct rate_limiter *rate)
{
    if (rate == NULL)
        return;
    pthread_mutex_destroy(&rate->lock);
    free(rate);
}

/* Returns the bucket of the key. Otherwise evicts the fullest bucket of the set, whose loss matters
 * least. */
static struct bucket *find_bucket(struct rate_limiter *rate, uint64_t key)
{
    struct bucket *set = rate->buckets[key % SET_COUNT];
    struct bucket *found = &set[0];

    for (int i = 0; i < BUCKETS_PER_SET; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].full_at_us < found->full_at_us)
            found = &set[i];
    }
    *found = (struct bucket){.key = key};
    return found;
}

bool rate_limiter_acquire(struct rate_limiter *rate, uint64_t key, int64_t now_us, int64_t *wait_us)
{
    pthread_mutex_lock(&rate->lock);
    struct bucket *bucket = find_bucket(rate, key);
    const int64_t start_us = bucket->full_at_us > now_us ? bucket->full_at_us : now_us;
    const int64_t excess_us = start_us + rate->period_us - now_us - SECOND_US;
    const bool is_allowed = excess_us <= 0;
    if (is_allowed)
        bucket->full_at_us = start_us + rate->period_us;
    else
        *wait_us = excess_us;
    pthread_mutex_unlock(&rate->lock);
    return is_allowed;
}
