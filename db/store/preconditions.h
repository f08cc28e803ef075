/* The versions that a condition names (RFC 9110 §13.1). The writer compares in the transaction of
 * the change. Plain values. */
#ifndef SESSIOND_DB_STORE_PRECONDITIONS_H
#define SESSIOND_DB_STORE_PRECONDITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many versions as one condition may name. */
#define STORE_MATCH_MAX 32

struct store_match {
    bool present;
    bool any; /* `*` */
    size_t count;
    int64_t versions[STORE_MATCH_MAX];
};

static inline bool store_match_names(const struct store_match *match, int64_t version)
{
    for (size_t i = 0; i < match->count; i++) {
        if (match->versions[i] == version)
            return true;
    }
    return match->any;
}

/* The fencing token that a write presents. While a lease is held, only its token passes. */
struct store_fence {
    bool present;
    int64_t token;
};

#endif
