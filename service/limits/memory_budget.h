/* A counter with a limit, in bytes or other units. Lock-free; any thread. */
#ifndef SESSIOND_SERVICE_LIMITS_MEMORY_BUDGET_H
#define SESSIOND_SERVICE_LIMITS_MEMORY_BUDGET_H

#include "db/base/error.h"

#include <stdatomic.h>
#include <stdint.h>

struct memory_budget {
    uint64_t limit_bytes;
    atomic_uint_least64_t used_bytes;
};

/* Initializes an unused budget. */
void memory_budget_init(struct memory_budget *memory_budget, uint64_t limit_bytes);

/* Acquires `bytes` more for a caller that already holds `held_bytes`. Returns false, and changes
 * nothing, when the limit would be exceeded. A caller that holds everything in use always succeeds;
 * otherwise it could never succeed. */
MUST_USE bool memory_budget_acquire(struct memory_budget *memory_budget, uint64_t held_bytes,
                                    uint64_t bytes);

/* Whether memory_budget_acquire() would succeed now for a caller that holds nothing. Acquires
 * nothing. */
MUST_USE bool memory_budget_has_room(const struct memory_budget *memory_budget, uint64_t bytes);

/* Acquires `bytes` regardless of the limit, for memory that is already in use. */
void memory_budget_charge(struct memory_budget *memory_budget, uint64_t bytes);

/* Releases bytes that were acquired with memory_budget_acquire() or memory_budget_charge(). */
void memory_budget_release(struct memory_budget *memory_budget, uint64_t bytes);

/* Returns how much is in use; it may exceed the limit after memory_budget_charge(). */
uint64_t memory_budget_used(const struct memory_budget *memory_budget);

#endif
