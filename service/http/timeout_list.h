/*
 * Timeout lists: one list for each kind of timeout. All deadlines of a kind have the same duration,
 * so each list is sorted and its first element is the next one due; no other element is examined.
 * Pure: the caller passes the time and holds the lock.
 */
#ifndef SESSIOND_SERVICE_HTTP_TIMEOUT_LIST_H
#define SESSIOND_SERVICE_HTTP_TIMEOUT_LIST_H

#include <stdint.h>

enum deadline_kind {
    DEADLINE_NONE,
    DEADLINE_IDLE,     /* when to check again whether a request has begun */
    DEADLINE_REQUEST,  /* for the request to arrive completely */
    DEADLINE_RESPONSE, /* for the response to be sent */
    DEADLINE_KINDS
};

/* All zero: not set. Owned by the caller, and must not be moved while set. */
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

/* Sets the deadline to now_ms plus the duration of `kind`, replacing the current one; DEADLINE_NONE
 * removes it. `now_ms` must not decrease between calls. */
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind,
                   int64_t now_ms);

/* Returns a deadline that has passed; NULL when there is none. The deadline stays in the list until
 * it is set again. */
struct deadline *deadlines_due(const struct deadlines *deadlines, int64_t now_ms);

#endif
