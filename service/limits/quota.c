#include "service/limits/quota.h"

#include <pthread.h>
#include <stdlib.h>

#define BUCKET_COUNT 4096

struct quotas {
    pthread_mutex_t lock;
    struct quota *buckets[BUCKET_COUNT];
};

struct quotas *quotas_new(void)
{
    struct quotas *quotas = calloc(1, sizeof(*quotas));

    if (quotas == NULL)
        abort();
    pthread_mutex_init(&quotas->lock, NULL);
    return quotas;
}

void quotas_free(struct quotas *quotas)
{
    if (quotas == NULL)
        return;
    pthread_mutex_destroy(&quotas->lock);
    free(quotas);
}

static struct quota *new_quota(uint64_t key, const struct quota_limits *limits)
{
    struct quota *quota = calloc(1, sizeof(*quota));

    if (quota == NULL)
        abort();
    quota->key = key;
    for (int i = 0; i < QUOTA_KINDS; i++)
        memory_budget_init(&quota->held[i], (uint64_t)limits->most[i]);
    return quota;
}

/* Returns the link to the quota of this key, or the last link of the bucket, which is NULL. The key
 * is already a hash. */
static struct quota **find_link(struct quotas *quotas, uint64_t key)
{
    struct quota **link = &quotas->buckets[key % BUCKET_COUNT];

    while (*link != NULL && (*link)->key != key)
        link = &(*link)->next;
    return link;
}

struct quota *quota_open(struct quotas *quotas, uint64_t key, const struct quota_limits *limits)
{
    pthread_mutex_lock(&quotas->lock);
    struct quota *quota = *find_link(quotas, key);
    if (quota == NULL) {
        quota = new_quota(key, limits);
        quota->next = quotas->buckets[key % BUCKET_COUNT];
        quotas->buckets[key % BUCKET_COUNT] = quota;
    }
    quota->ref_count++;
    pthread_mutex_unlock(&quotas->lock);
    return quota;
}

void quota_close(struct quotas *quotas, struct quota *quota)
{
    if (quota == NULL)
        return;
    pthread_mutex_lock(&quotas->lock);
    if (--quota->ref_count == 0) {
        *find_link(quotas, quota->key) = quota->next;
        free(quota);
    }
    pthread_mutex_unlock(&quotas->lock);
}
