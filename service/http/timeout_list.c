#include "service/http/timeout_list.h"

#include <stddef.h>

static void unlink_deadline(struct deadlines *deadlines, struct deadline *deadline)
{
    if (deadline->before == NULL)
        deadlines->first[deadline->kind] = deadline->after;
    else
        deadline->before->after = deadline->after;
    if (deadline->after == NULL)
        deadlines->last[deadline->kind] = deadline->before;
    else
        deadline->after->before = deadline->before;
}

static void append_deadline(struct deadlines *deadlines, struct deadline *deadline)
{
    struct deadline *last = deadlines->last[deadline->kind];

    deadline->before = last;
    deadline->after = NULL;
    if (last == NULL)
        deadlines->first[deadline->kind] = deadline;
    else
        last->after = deadline;
    deadlines->last[deadline->kind] = deadline;
}

void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, enum deadline_kind kind,
                   int64_t now_ms)
{
    if (deadline->kind != DEADLINE_NONE)
        unlink_deadline(deadlines, deadline);
    deadline->kind = kind;
    deadline->at_ms = now_ms + deadlines->term_ms[kind];
    if (kind != DEADLINE_NONE)
        append_deadline(deadlines, deadline);
}

struct deadline *deadlines_due(const struct deadlines *deadlines, int64_t now_ms)
{
    for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++) {
        struct deadline *first = deadlines->first[kind];
        if (first != NULL && first->at_ms <= now_ms)
            return first;
    }
    return NULL;
}
