#include "service/limits/memory_budget.h"

void memory_budget_init(struct memory_budget *memory_budget, uint64_t limit_bytes)
{
    memory_budget->limit_bytes = limit_bytes;
    atomic_init(&memory_budget->used_bytes, 0);
}

static bool has_room_for(const struct memory_budget *memory_budget, uint64_t used_bytes,
                         uint64_t held_bytes, uint64_t bytes)
{
    const uint64_t free_bytes =
        used_bytes < memory_budget->limit_bytes ? memory_budget->limit_bytes - used_bytes : 0;

    return used_bytes <= held_bytes || bytes <= free_bytes;
}

bool memory_budget_acquire(struct memory_budget *memory_budget, uint64_t held_bytes, uint64_t bytes)
{
    uint_least64_t used = atomic_load_explicit(&memory_budget->used_bytes, memory_order_relaxed);

    do {
        if (!has_room_for(memory_budget, used, held_bytes, bytes))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&memory_budget->used_bytes, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

bool memory_budget_has_room(const struct memory_budget *memory_budget, uint64_t bytes)
{
    return has_room_for(memory_budget, memory_budget_used(memory_budget), 0, bytes);
}

void memory_budget_charge(struct memory_budget *memory_budget, uint64_t bytes)
{
    atomic_fetch_add_explicit(&memory_budget->used_bytes, bytes, memory_order_relaxed);
}

void memory_budget_release(struct memory_budget *memory_budget, uint64_t bytes)
{
    atomic_fetch_sub_explicit(&memory_budget->used_bytes, bytes, memory_order_relaxed);
}

uint64_t memory_budget_used(const struct memory_budget *memory_budget)
{
    return atomic_load_explicit(&memory_budget->used_bytes, memory_order_relaxed);
}
