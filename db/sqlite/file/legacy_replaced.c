/* The list of the sessions whose contexts were replaced. */
#include "db/sqlite/file/legacy_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void legacy_add_replaced(struct legacy_replaced *replaced, struct slice id)
{
    if (replaced->count == replaced->capacity) {
        replaced->capacity = replaced->capacity == 0 ? 64 : 2 * replaced->capacity;
        replaced->ids = realloc(replaced->ids, replaced->capacity * sizeof(*replaced->ids));
        if (replaced->ids == NULL)
            abort();
    }
    memcpy(replaced->ids[replaced->count++], id.data, UUID_LENGTH);
}

void legacy_log_replaced(const struct legacy_replaced *replaced,
                         const struct store_observer *observer)
{
    char detail[160];

    for (size_t i = 0; i < replaced->count; i++) {
        snprintf(detail, sizeof(detail),
                 "the context of session %.*s is not a JSON object; its text is wrapped in the "
                 "member _adopted_text",
                 UUID_LENGTH, replaced->ids[i]);
        observer->notice(observer->arg, STORE_WARNING, "invalid_context_wrapped", detail);
    }
}

void legacy_release(struct legacy_replaced *replaced)
{
    free(replaced->ids);
    *replaced = (struct legacy_replaced){0};
}
