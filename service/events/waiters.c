#include "service/events/waiters.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS 4096

/* One turn of the wheel is 134 s; what is due later is passed over until its turn comes. */
#define SLOTS 2048

struct feed_waiters {
    uint64_t seed; /* clients choose ids of sessions, and must not choose buckets */
    size_t count;
    int64_t turned_us; /* where a slot begins: everything before was looked at */
    struct feed_waiter *soon;
    struct feed_waiter *any;
    struct feed_waiter *sessions[BUCKETS];
    struct feed_waiter *slots[SLOTS];
};

struct feed_waiters *feed_waiters_new(void)
{
    struct feed_waiters *all = calloc(1, sizeof(*all));

    if (all == NULL || getrandom(&all->seed, sizeof(all->seed), 0) != sizeof(all->seed))
        abort();
    return all;
}

void feed_waiters_free(struct feed_waiters *all)
{
    free(all);
}

size_t feed_waiters_count(const struct feed_waiters *all)
{
    return all->count;
}

bool feed_waiters_any_soon(const struct feed_waiters *all)
{
    return all->soon != NULL;
}

/* FNV-1a from a secret start, and the finalizer of SplitMix64. */
static struct feed_waiter **bucket_of(struct feed_waiters *all, const char *session_id)
{
    uint64_t hash = all->seed;

    for (const char *at = session_id; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return &all->sessions[(hash ^ (hash >> 31)) % BUCKETS];
}

static size_t place_of(int64_t time_us)
{
    return (size_t)(time_us / FEED_WAITERS_SLOT_US % SLOTS);
}

static int64_t slot_begin_us(int64_t time_us)
{
    return time_us - time_us % FEED_WAITERS_SLOT_US;
}

static void link_place(struct feed_waiter **list, struct feed_waiter *waiter)
{
    waiter->place = (struct feed_link){.after = *list, .list = list};
    if (*list != NULL)
        (*list)->place.before = waiter;
    *list = waiter;
}

static void unlink_place(struct feed_waiter *waiter)
{
    const struct feed_link link = waiter->place;

    if (link.before != NULL)
        link.before->place.after = link.after;
    else
        *link.list = link.after;
    if (link.after != NULL)
        link.after->place.before = link.before;
}

static void link_timer(struct feed_waiter **list, struct feed_waiter *waiter)
{
    waiter->timer = (struct feed_link){.after = *list, .list = list};
    if (*list != NULL)
        (*list)->timer.before = waiter;
    *list = waiter;
}

static void unlink_timer(struct feed_waiter *waiter)
{
    const struct feed_link link = waiter->timer;

    if (link.before != NULL)
        link.before->timer.after = link.after;
    else
        *link.list = link.after;
    if (link.after != NULL)
        link.after->timer.before = link.before;
}

void feed_waiters_add(struct feed_waiters *all, struct feed_waiter *waiter)
{
    struct feed_waiter **place = &all->any;

    if (waiter->soon)
        place = &all->soon;
    else if (waiter->session_id != NULL)
        place = bucket_of(all, waiter->session_id);
    link_place(place, waiter);
    /* What is due already must not wait for a whole turn of the wheel. */
    const int64_t due_us =
        waiter->deadline_us > all->turned_us ? waiter->deadline_us : all->turned_us;
    link_timer(&all->slots[place_of(due_us)], waiter);
    all->count++;
}

static void take(struct feed_waiters *all, struct feed_waiter *waiter, enum feed_reason reason,
                 struct feed_waiter **woken)
{
    unlink_place(waiter);
    unlink_timer(waiter);
    all->count--;
    waiter->reason = reason;
    waiter->next = *woken;
    *woken = waiter;
}

void feed_waiters_take_session(struct feed_waiters *all, const char *session_id, int64_t event_id,
                               struct feed_waiter **woken)
{
    struct feed_waiter *waiter = *bucket_of(all, session_id);

    while (waiter != NULL) {
        struct feed_waiter *after = waiter->place.after;
        if (waiter->seen < event_id && strcmp(waiter->session_id, session_id) == 0) {
            waiter->seen = event_id - 1;
            take(all, waiter, FEED_EVENT, woken);
        }
        waiter = after;
    }
}

void feed_waiters_take_any(struct feed_waiters *all, int64_t newest, struct feed_waiter **woken)
{
    struct feed_waiter *waiter = all->any;

    while (waiter != NULL) {
        struct feed_waiter *after = waiter->place.after;
        if (waiter->seen < newest)
            take(all, waiter, FEED_EVENT, woken);
        waiter = after;
    }
}

void feed_waiters_take_soon(struct feed_waiters *all, struct feed_waiter **woken)
{
    while (all->soon != NULL)
        take(all, all->soon, FEED_EVENT, woken);
}

void feed_waiters_take_due(struct feed_waiters *all, int64_t now_us, struct feed_waiter **woken)
{
    const int64_t turn_us = (int64_t)SLOTS * FEED_WAITERS_SLOT_US;
    int64_t slot_us = all->turned_us;

    if (now_us - slot_us > turn_us)
        slot_us = slot_begin_us(now_us - turn_us);
    /* The slot of this moment may still get somebody who is due in it. */
    for (; slot_us + FEED_WAITERS_SLOT_US <= now_us; slot_us += FEED_WAITERS_SLOT_US) {
        struct feed_waiter *waiter = all->slots[place_of(slot_us)];
        while (waiter != NULL) {
            struct feed_waiter *after = waiter->timer.after;
            if (waiter->deadline_us <= now_us)
                take(all, waiter, FEED_TIME, woken);
            waiter = after;
        }
    }
    all->turned_us = slot_us;
}

void feed_waiters_take_all(struct feed_waiters *all, enum feed_reason reason,
                           struct feed_waiter **woken)
{
    for (size_t i = 0; i < SLOTS; i++) {
        while (all->slots[i] != NULL)
            take(all, all->slots[i], reason, woken);
    }
}

int64_t feed_waiters_next_due_us(const struct feed_waiters *all, int64_t now_us)
{
    int64_t slot_us = all->turned_us;

    for (int i = 0; all->count > 0 && i < SLOTS; i++, slot_us += FEED_WAITERS_SLOT_US) {
        const int64_t end_us = slot_us + FEED_WAITERS_SLOT_US;
        if (all->slots[place_of(slot_us)] != NULL)
            return end_us > now_us ? end_us : now_us;
    }
    return INT64_MAX;
}
