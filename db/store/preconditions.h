/* Version conditions (RFC 9110 §13.1) and fencing tokens. The writer evaluates them in the
 * transaction of the change. Plain values; any thread. */
#ifndef SESSIOND_DB_STORE_PRECONDITIONS_H
#define SESSIOND_DB_STORE_PRECONDITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limit of the versions in one condition. */
#define STORE_MATCH_MAX 32

struct store_match {
    bool present;
    bool any; /* `*` */
    size_t count;
    int64_t versions[STORE_MATCH_MAX];
};

/* Whether the condition lists this version, or is `*`. */
static inline bool store_match_names(const struct store_match *match, int64_t version)
{
    for (size_t i = 0; i < match->count; i++) {
        if (match->versions[i] == version)
            return true;
    }
    return match->any;
}

/* The fencing token of a write. While a lease is held, only a write with its token is accepted. */
struct store_fence {
    bool present;
    int64_t token;
};

#endif
