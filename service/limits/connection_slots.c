#include "service/limits/connection_slots.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

struct connection_slots {
    struct connection_slots_options options;
    struct quotas *quotas;
    atomic_int_least64_t open;
    pthread_mutex_t lock;
    struct connection_slot *oldest; /* evictable slots, oldest first; with the lock */
    struct connection_slot *newest;
};

struct connection_slot {
    struct connection_slots *slots;
    int descriptor;
    struct quota *address;

    /* Only the thread of the connection. */
    bool is_reserved;
    bool is_authorized;
    struct quota *token; /* NULL: no token so far */

    /* With the lock. */
    struct quota *charged_quota; /* quota that pays for the connection; NULL: evicted */
    bool is_evictable;           /* in the lists of provisional connections */
    struct connection_slot *older;
    struct connection_slot *newer;
    struct connection_slot *older_of_address;
    struct connection_slot *newer_of_address;
};

struct connection_slots *connection_slots_new(const struct connection_slots_options *options)
{
    struct connection_slots *slots = calloc(1, sizeof(*slots));

    if (slots == NULL)
        abort();
    slots->options = *options;
    slots->quotas = quotas_new();
    pthread_mutex_init(&slots->lock, NULL);
    return slots;
}

void connection_slots_free(struct connection_slots *slots)
{
    if (slots == NULL)
        return;
    quotas_free(slots->quotas);
    pthread_mutex_destroy(&slots->lock);
    free(slots);
}

static void append_evictable_locked(struct connection_slot *slot)
{
    struct connection_slots *slots = slot->slots;
    struct quota *address = slot->address;

    slot->is_evictable = true;
    slot->newer = NULL;
    slot->older = slots->newest;
    *(slots->newest == NULL ? &slots->oldest : &slots->newest->newer) = slot;
    slots->newest = slot;

    slot->newer_of_address = NULL;
    slot->older_of_address = address->newest;
    *(address->newest == NULL ? &address->oldest : &address->newest->newer_of_address) = slot;
    address->newest = slot;
}

static void remove_evictable_locked(struct connection_slot *slot)
{
    struct connection_slots *slots = slot->slots;
    struct quota *address = slot->address;

    if (!slot->is_evictable)
        return;
    slot->is_evictable = false;
    *(slot->older == NULL ? &slots->oldest : &slot->older->newer) = slot->newer;
    *(slot->newer == NULL ? &slots->newest : &slot->newer->older) = slot->older;

    struct connection_slot *older = slot->older_of_address;
    struct connection_slot *newer = slot->newer_of_address;
    *(older == NULL ? &address->oldest : &older->newer_of_address) = newer;
    *(newer == NULL ? &address->newest : &newer->older_of_address) = older;
}

/* Shuts the connection down. Its HTTP thread then closes the descriptor. */
static void evict_locked(struct connection_slot *slot)
{
    remove_evictable_locked(slot);
    if (slot->charged_quota != NULL) {
        memory_budget_release(&slot->charged_quota->held[QUOTA_CONNECTIONS], 1);
        atomic_fetch_sub(&slot->slots->open, 1);
    }
    slot->charged_quota = NULL;
    shutdown(slot->descriptor, SHUT_RDWR);
}

static bool acquire_locked(struct connection_slot *slot)
{
    struct connection_slots *slots = slot->slots;
    struct memory_budget *held = &slot->address->held[QUOTA_CONNECTIONS];

    if (!memory_budget_acquire(held, 0, 1)) {
        if (slot->address->oldest == NULL)
            return false;
        evict_locked(slot->address->oldest);
        memory_budget_charge(held, 1);
    }
    slot->charged_quota = slot->address;
    if (atomic_fetch_add(&slots->open, 1) < slots->options.max_connections)
        return true;
    if (slots->oldest != NULL)
        evict_locked(slots->oldest);
    else
        slot->is_reserved = true;
    return true;
}

struct connection_slot *connection_slot_acquire(struct connection_slots *slots, int descriptor,
                                                uint64_t address_key)
{
    struct connection_slot *slot = calloc(1, sizeof(*slot));

    if (slot == NULL)
        abort();
    slot->slots = slots;
    slot->descriptor = descriptor;
    slot->address = quota_open(slots->quotas, address_key, &slots->options.of_address);
    pthread_mutex_lock(&slots->lock);
    if (acquire_locked(slot))
        append_evictable_locked(slot);
    else
        evict_locked(slot);
    pthread_mutex_unlock(&slots->lock);
    return slot;
}

bool connection_slot_release(struct connection_slot *slot)
{
    struct connection_slots *slots = slot->slots;

    pthread_mutex_lock(&slots->lock);
    remove_evictable_locked(slot);
    const bool was_evicted = slot->charged_quota == NULL;
    if (!was_evicted) {
        memory_budget_release(&slot->charged_quota->held[QUOTA_CONNECTIONS], 1);
        atomic_fetch_sub(&slots->open, 1);
    }
    pthread_mutex_unlock(&slots->lock);
    quota_close(slots->quotas, slot->token);
    quota_close(slots->quotas, slot->address);
    free(slot);
    return was_evicted;
}

/* Returns false when the token has reached its connection limit. */
static bool charge_token(struct connection_slot *slot, struct quota *token)
{
    bool charged = true;

    pthread_mutex_lock(&slot->slots->lock);
    if (slot->charged_quota != NULL) {
        charged = memory_budget_acquire(&token->held[QUOTA_CONNECTIONS], 0, 1);
        if (charged) {
            memory_budget_release(&slot->charged_quota->held[QUOTA_CONNECTIONS], 1);
            slot->charged_quota = token;
        }
    }
    pthread_mutex_unlock(&slot->slots->lock);
    return charged;
}

static bool switch_token(struct connection_slot *slot, uint64_t token_key)
{
    struct connection_slots *slots = slot->slots;

    if (token_key == 0 || (slot->token != NULL && slot->token->key == token_key))
        return true;
    struct quota *token = quota_open(slots->quotas, token_key, &slots->options.of_token);
    if (!charge_token(slot, token)) {
        quota_close(slots->quotas, token);
        return false;
    }
    quota_close(slots->quotas, slot->token);
    slot->token = token;
    return true;
}

bool connection_slot_authorize(struct connection_slot *slot, uint64_t token_key)
{
    if (!switch_token(slot, token_key))
        return false;
    slot->is_authorized = true;
    return true;
}

bool connection_slot_begin_request(struct connection_slot *slot)
{
    if (slot->is_authorized)
        return true;
    pthread_mutex_lock(&slot->slots->lock);
    remove_evictable_locked(slot);
    const bool was_evicted = slot->charged_quota == NULL;
    pthread_mutex_unlock(&slot->slots->lock);
    return !was_evicted;
}

void connection_slot_end_request(struct connection_slot *slot)
{
    if (slot->is_authorized)
        return;
    pthread_mutex_lock(&slot->slots->lock);
    if (!slot->is_evictable && slot->charged_quota != NULL)
        append_evictable_locked(slot);
    pthread_mutex_unlock(&slot->slots->lock);
}

bool connection_slot_is_reserved(const struct connection_slot *slot)
{
    return slot->is_reserved &&
           atomic_load(&slot->slots->open) > slot->slots->options.max_connections;
}

struct quota *connection_slot_quota(const struct connection_slot *slot, bool of_token)
{
    return of_token ? slot->token : slot->address;
}
