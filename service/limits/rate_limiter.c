#include "service/limits/rate_limiter.h"

#include <pthread.h>
#include <stdlib.h>

#define SECOND_US INT64_C(1000000)
#define WAYS 8
#define SETS 512

/* When all that was taken has come back; in the past: all is there. */
struct bucket {
    uint64_t key;
    int64_t full_at_us;
};

struct rate_limiter {
    int64_t period_us; /* until one comes back */
    pthread_mutex_t lock;
    struct bucket buckets[SETS][WAYS];
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

/* The key's bucket, else the one of its set that has the least to forget. */
static struct bucket *find(struct rate_limiter *rate, uint64_t key)
{
    struct bucket *set = rate->buckets[key % SETS];
    struct bucket *found = &set[0];

    for (int i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].full_at_us < found->full_at_us)
            found = &set[i];
    }
    *found = (struct bucket){.key = key};
    return found;
}

bool rate_limiter_take(struct rate_limiter *rate, uint64_t key, int64_t now_us, int64_t *wait_us)
{
    pthread_mutex_lock(&rate->lock);
    struct bucket *bucket = find(rate, key);
    const int64_t begin_us = bucket->full_at_us > now_us ? bucket->full_at_us : now_us;
    const int64_t late_us = begin_us + rate->period_us - now_us - SECOND_US;
    const bool taken = late_us <= 0;
    if (taken)
        bucket->full_at_us = begin_us + rate->period_us;
    else
        *wait_us = late_us;
    pthread_mutex_unlock(&rate->lock);
    return taken;
}
