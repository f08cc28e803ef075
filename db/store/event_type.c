#include "db/store/events.h"

static const char *const names[EVENT_TYPES] = {
    [EVENT_SESSION_CREATED] = "session.created",
    [EVENT_SESSION_UPDATED] = "session.updated",
    [EVENT_SESSION_TRANSITIONED] = "session.transitioned",
    [EVENT_SESSION_DELETED] = "session.deleted",
    [EVENT_SESSION_RECOVERED] = "session.recovered",
    [EVENT_SESSION_RELOCATED] = "session.relocated",
    [EVENT_ENTRIES_APPENDED] = "entries.appended",
    [EVENT_LEASE_GRANTED] = "lease.granted",
    [EVENT_LEASE_RELEASED] = "lease.released",
    [EVENT_LEASE_EXPIRED] = "lease.expired",
    [EVENT_LEASE_STOLEN] = "lease.stolen",
};

const char *store_event_name(enum store_event_type type)
{
    return names[type];
}

bool store_event_parse(struct slice name, enum store_event_type *type)
{
    for (unsigned i = EVENT_SESSION_CREATED; i < EVENT_TYPES; i++) {
        if (slice_is(name, names[i])) {
            *type = (enum store_event_type)i;
            return true;
        }
    }
    return false;
}
