/* An event in words: what is always there, and what only where it applies. */

#include "routes/events/json.h"

#include <criterion/criterion.h>
#include <string.h>

#define HEAD(type)                                                                                 \
    "{\"id\":1764117296123456,\"type\":\"" type                                                    \
    "\",\"time\":\"2025-11-26T00:34:56.123456Z\",\"session_id\":"                                  \
    "\"b0a4c7de-0000-4000-8000-000000000001\",\"version\":3,\"thread_id\":\"+1\\\"5\","            \
    "\"project_path\":\"/p\""

static struct store_event event_of(enum store_event_type type)
{
    return (struct store_event){
        .id = INT64_C(1764117296123456),
        .type = type,
        .version = 3,
        .session_id = SLICE_LITERAL("b0a4c7de-0000-4000-8000-000000000001"),
        .thread_id = SLICE_LITERAL("+1\"5"),
        .project_path = SLICE_LITERAL("/p"),
    };
}

static void expect(const struct store_event *event, const char *wanted)
{
    struct buffer out = {0};

    event_json_add(&out, event);
    cr_expect(out.len == strlen(wanted) && memcmp(out.data, wanted, out.len) == 0, "%.*s\nnot\n%s",
              (int)out.len, out.data, wanted);
    buffer_release(&out);
}

Test(event_json, what_does_not_apply_is_left_out)
{
    const struct store_event event = event_of(EVENT_SESSION_DELETED);

    expect(&event, HEAD("session.deleted") "}");
}

Test(event_json, a_status_goes_from_one_to_the_other)
{
    struct store_event event = event_of(EVENT_SESSION_TRANSITIONED);

    event.from = SLICE_LITERAL("ACTIVE");
    event.to = SLICE_LITERAL("PAUSED");
    event.context_changed = true;
    expect(&event, HEAD("session.transitioned") ",\"from\":\"ACTIVE\",\"to\":\"PAUSED\",\"context_"
                                                "changed\":true}");
}

Test(event_json, a_path_and_a_parent_have_names_of_their_own)
{
    struct store_event moved = event_of(EVENT_SESSION_RELOCATED);
    struct store_event forked = event_of(EVENT_SESSION_CREATED);

    moved.from = SLICE_LITERAL("/old");
    expect(&moved, HEAD("session.relocated") ",\"from_path\":\"/old\"}");
    forked.from = SLICE_LITERAL("b0a4c7de-0000-4000-8000-000000000002");
    expect(&forked,
           HEAD("session.created") ",\"parent_id\":\"b0a4c7de-0000-4000-8000-000000000002\"}");
}

Test(event_json, entries_and_leases_are_told_by_reference)
{
    struct store_event appended = event_of(EVENT_ENTRIES_APPENDED);
    struct store_event granted = event_of(EVENT_LEASE_GRANTED);

    appended.stream = SLICE_LITERAL("");
    appended.first_seq = 42;
    appended.last_seq = 43;
    expect(&appended,
           HEAD("entries.appended") ",\"stream\":\"\",\"first_seq\":42,\"last_seq\":43}");
    granted.lease_owner = SLICE_LITERAL("me");
    granted.lease_token = 7;
    expect(&granted, HEAD("lease.granted") ",\"lease_owner\":\"me\",\"lease_token\":7}");
}
