/* A number of bytes that may be taken at once. Any thread. */
#ifndef SESSIOND_SERVICE_LIMITS_MEMORY_BUDGET_H
#define SESSIOND_SERVICE_LIMITS_MEMORY_BUDGET_H

#include "db/base/error.h"

#include <stdatomic.h>
#include <stdint.h>

struct budget {
    uint64_t limit_bytes;
    atomic_uint_least64_t used_bytes;
};

void budget_init(struct budget *budget, uint64_t limit_bytes);

/* Takes `bytes` more for a caller that holds `held_bytes` already. False, and nothing is taken,
 * when the limit would be exceeded. A caller that holds all that is taken is never refused: it
 * would be refused for ever. */
MUST_USE bool budget_take(struct budget *budget, uint64_t held_bytes, uint64_t bytes);

/* Whether budget_take would succeed now for a caller that holds nothing. */
MUST_USE bool budget_has_room(const struct budget *budget, uint64_t bytes);

/* Takes what is in memory already and cannot be refused. */
void budget_charge(struct budget *budget, uint64_t bytes);

/* Gives back what was taken or charged. */
void budget_give(struct budget *budget, uint64_t bytes);

uint64_t budget_used(const struct budget *budget);

#endif
