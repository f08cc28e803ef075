/* A number of bytes that may be taken at once. Any thread. */
#ifndef SESSIOND_SERVICE_LIMITS_MEMORY_BUDGET_H
#define SESSIOND_SERVICE_LIMITS_MEMORY_BUDGET_H

#include "db/base/error.h"

#include <stdatomic.h>
#include <stdint.h>

struct memory_budget {
    uint64_t limit_bytes;
    atomic_uint_least64_t used_bytes;
};

void memory_budget_init(struct memory_budget *memory_budget, uint64_t limit_bytes);

/* Takes `bytes` more for a caller that holds `held_bytes` already. False, and nothing is taken,
 * when the limit would be exceeded. A caller that holds all that is taken is never refused: it
 * would be refused for ever. */
MUST_USE bool memory_budget_take(struct memory_budget *memory_budget, uint64_t held_bytes,
                                 uint64_t bytes);

/* Whether memory_budget_take would succeed now for a caller that holds nothing. */
MUST_USE bool memory_budget_has_room(const struct memory_budget *memory_budget, uint64_t bytes);

/* Takes what is in memory already and cannot be refused. */
void memory_budget_charge(struct memory_budget *memory_budget, uint64_t bytes);

/* Gives back what was taken or charged. */
void memory_budget_give(struct memory_budget *memory_budget, uint64_t bytes);

uint64_t memory_budget_used(const struct memory_budget *memory_budget);

#endif
