/*
 * By when something has to be over. What enters a list has the same term as all before it, so the
 * list is in order, and the next one that is due is its first: no look at all the others. Pure: the
 * caller brings the clock and the lock.
 */
#ifndef SESSIOND_SERVICE_HTTP_TIMEOUT_LIST_H
#define SESSIOND_SERVICE_HTTP_TIMEOUT_LIST_H

#include <stdint.h>

enum deadline_kind {
    DEADLINE_NONE,
    DEADLINE_IDLE,     /* of nothing: when to look again whether a request has begun */
    DEADLINE_REQUEST,  /* of a request, to be there wholly */
    DEADLINE_RESPONSE, /* of a response, to be taken */
    DEADLINE_KINDS
};

/* Zeroed: none is set. Belongs to the caller and must not be moved while one is set. */
struct deadline {
    struct deadline *before;
    struct deadline *after;
    enum deadline_kind kind;
    int64_t at_ms;
};

struct deadlines {
    int64_t term_ms[DEADLINE_KINDS];
    struct deadline *first[DEADLINE_KINDS];
    struct deadline *last[DEADLINE_KINDS];
};

/* The deadline is now_ms and the kind's term, in place of what was set; DEADLINE_NONE ends it. The
 * clock does not go back. */
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind,
                   int64_t now_ms);

/* One that is over, NULL when there is none. It stays until it is set anew. */
struct deadline *deadlines_due(const struct deadlines *deadlines, int64_t now_ms);

#endif
