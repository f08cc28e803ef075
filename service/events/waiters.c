#include "service/events/waiters.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKET_COUNT 4096

/* The wheel covers 134 s. Later deadlines stay in their slot for several rotations. */
#define SLOT_COUNT 2048

struct waiters {
    uint64_t seed; /* random: clients choose session ids and must not be able to choose buckets */
    size_t count;
    int64_t wheel_start_us; /* start of a slot; all slots before it were expired */
    struct waiter *soon;
    struct waiter *any;
    struct waiter *sessions[BUCKET_COUNT];
    struct waiter *slots[SLOT_COUNT];
};

struct waiters *waiters_new(void)
{
    struct waiters *all = calloc(1, sizeof(*all));

    if (all == NULL || getrandom(&all->seed, sizeof(all->seed), 0) != sizeof(all->seed))
        abort();
    return all;
}

void waiters_free(struct waiters *all)
{
    free(all);
}

size_t waiters_count(const struct waiters *all)
{
    return all->count;
}

bool waiters_has_yielded(const struct waiters *all)
{
    return all->soon != NULL;
}

/* FNV-1a with a secret initial value, then the finalizer of SplitMix64. */
static struct waiter **bucket_of(struct waiters *all, const char *session_id)
{
    uint64_t hash = all->seed;

    for (const char *at = session_id; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return &all->sessions[(hash ^ (hash >> 31)) % BUCKET_COUNT];
}

static size_t slot_of(int64_t time_us)
{
    return (size_t)(time_us / WAITERS_SLOT_US % SLOT_COUNT);
}

static int64_t slot_begin_us(int64_t time_us)
{
    return time_us - time_us % WAITERS_SLOT_US;
}

static void link_place(struct waiter **list, struct waiter *waiter)
{
    waiter->place = (struct waiter_link){.after = *list, .list = list};
    if (*list != NULL)
        (*list)->place.before = waiter;
    *list = waiter;
}

static void unlink_place(struct waiter *waiter)
{
    const struct waiter_link link = waiter->place;

    if (link.before != NULL)
        link.before->place.after = link.after;
    else
        *link.list = link.after;
    if (link.after != NULL)
        link.after->place.before = link.before;
}

static void link_timer(struct waiter **list, struct waiter *waiter)
{
    waiter->timer = (struct waiter_link){.after = *list, .list = list};
    if (*list != NULL)
        (*list)->timer.before = waiter;
    *list = waiter;
}

static void unlink_timer(struct waiter *waiter)
{
    const struct waiter_link link = waiter->timer;

    if (link.before != NULL)
        link.before->timer.after = link.after;
    else
        *link.list = link.after;
    if (link.after != NULL)
        link.after->timer.before = link.before;
}

void waiters_add(struct waiters *all, struct waiter *waiter)
{
    struct waiter **place = &all->any;

    if (waiter->soon)
        place = &all->soon;
    else if (waiter->session_id != NULL)
        place = bucket_of(all, waiter->session_id);
    link_place(place, waiter);
    /* A deadline in the past must not wait for a full rotation of the wheel. */
    const int64_t due_us =
        waiter->deadline_us > all->wheel_start_us ? waiter->deadline_us : all->wheel_start_us;
    link_timer(&all->slots[slot_of(due_us)], waiter);
    all->count++;
}

static void remove_waiter(struct waiters *all, struct waiter *waiter, enum wake_reason reason,
                          struct waiter **woken)
{
    unlink_place(waiter);
    unlink_timer(waiter);
    all->count--;
    waiter->reason = reason;
    waiter->next = *woken;
    *woken = waiter;
}

void waiters_remove_session(struct waiters *all, const char *session_id, int64_t event_id,
                            struct waiter **woken)
{
    struct waiter *waiter = *bucket_of(all, session_id);

    while (waiter != NULL) {
        struct waiter *after = waiter->place.after;
        if (waiter->seen < event_id && strcmp(waiter->session_id, session_id) == 0) {
            waiter->seen = event_id - 1;
            remove_waiter(all, waiter, WAKE_EVENT, woken);
        }
        waiter = after;
    }
}

void waiters_remove_any(struct waiters *all, int64_t newest, struct waiter **woken)
{
    struct waiter *waiter = all->any;

    while (waiter != NULL) {
        struct waiter *after = waiter->place.after;
        if (waiter->seen < newest)
            remove_waiter(all, waiter, WAKE_EVENT, woken);
        waiter = after;
    }
}

void waiters_remove_soon(struct waiters *all, struct waiter **woken)
{
    while (all->soon != NULL)
        remove_waiter(all, all->soon, WAKE_EVENT, woken);
}

void waiters_remove_due(struct waiters *all, int64_t now_us, struct waiter **woken)
{
    const int64_t rotation_us = (int64_t)SLOT_COUNT * WAITERS_SLOT_US;
    int64_t slot_us = all->wheel_start_us;

    if (now_us - slot_us > rotation_us)
        slot_us = slot_begin_us(now_us - rotation_us);
    /* Skips the current slot, since waiters may still be added to it. */
    for (; slot_us + WAITERS_SLOT_US <= now_us; slot_us += WAITERS_SLOT_US) {
        struct waiter *waiter = all->slots[slot_of(slot_us)];
        while (waiter != NULL) {
            struct waiter *after = waiter->timer.after;
            if (waiter->deadline_us <= now_us)
                remove_waiter(all, waiter, WAKE_TIME, woken);
            waiter = after;
        }
    }
    all->wheel_start_us = slot_us;
}

void waiters_remove_all(struct waiters *all, enum wake_reason reason, struct waiter **woken)
{
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        while (all->slots[i] != NULL)
            remove_waiter(all, all->slots[i], reason, woken);
    }
}

int64_t waiters_next_due_us(const struct waiters *all, int64_t now_us)
{
    int64_t slot_us = all->wheel_start_us;

    for (int i = 0; all->count > 0 && i < SLOT_COUNT; i++, slot_us += WAITERS_SLOT_US) {
        const int64_t end_us = slot_us + WAITERS_SLOT_US;
        if (all->slots[slot_of(slot_us)] != NULL)
            return end_us > now_us ? end_us : now_us;
    }
    return INT64_MAX;
}
