#include "service/limits/memory_budget.h"

void budget_init(struct budget *budget, uint64_t limit_bytes)
{
    budget->limit_bytes = limit_bytes;
    atomic_init(&budget->used_bytes, 0);
}

static bool fits(const struct budget *budget, uint64_t used_bytes, uint64_t held_bytes,
                 uint64_t bytes)
{
    const uint64_t left_bytes =
        used_bytes < budget->limit_bytes ? budget->limit_bytes - used_bytes : 0;

    return used_bytes <= held_bytes || bytes <= left_bytes;
}

bool budget_take(struct budget *budget, uint64_t held_bytes, uint64_t bytes)
{
    uint_least64_t used = atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);

    do {
        if (!fits(budget, used, held_bytes, bytes))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&budget->used_bytes, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

bool budget_has_room(const struct budget *budget, uint64_t bytes)
{
    return fits(budget, budget_used(budget), 0, bytes);
}

void budget_charge(struct budget *budget, uint64_t bytes)
{
    atomic_fetch_add_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
}

void budget_give(struct budget *budget, uint64_t bytes)
{
    atomic_fetch_sub_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
}

uint64_t budget_used(const struct budget *budget)
{
    return atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);
}
