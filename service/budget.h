/* So many bytes at once and no more. Any thread. */
#ifndef SESSIOND_SERVICE_BUDGET_H
#define SESSIOND_SERVICE_BUDGET_H

#include "db/error.h"

#include <stdatomic.h>
#include <stdint.h>

struct budget {
    uint64_t limit_bytes;
    atomic_uint_least64_t used_bytes;
};

void budget_init(struct budget *budget, uint64_t limit_bytes);

/* False, and nothing is taken, where it would go beyond the limit. What comes while nothing is
 * taken is never refused, or it would be for ever. */
MUST_USE bool budget_take(struct budget *budget, uint64_t bytes);

/* The same for what is there already and cannot be refused. */
void budget_charge(struct budget *budget, uint64_t bytes);

/* Gives back what was taken or charged. */
void budget_give(struct budget *budget, uint64_t bytes);

uint64_t budget_used(const struct budget *budget);

#endif
