/* The query of events: what is taken, what is refused, and where many rows may be looked at. */

#include "routes/events/params.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct buffer text;
static struct store_event_query query;
static struct error err;

static bool reads(const char *sent)
{
    buffer_release(&text);
    query = (struct store_event_query){0};
    err = (struct error){0};
    return event_params_read(slice_from(sent), &text, &query, &err);
}

static void release(void)
{
    buffer_release(&text);
}

TestSuite(event_params, .fini = release);

Test(event_params, without_parameters_it_is_the_first_hundred_that_are_kept)
{
    cr_assert(reads(""));
    cr_expect_eq(query.after, 0);
    cr_expect_eq(query.limit, 100);
    cr_expect_gt(query.scan, 0);
    cr_expect_eq(query.types, 0);
    cr_expect_null(query.session_id.data);
    cr_expect_null(query.consumer.data);
    cr_expect_not(query.timeline);
    cr_expect_not(event_params_is_long(&query));
}

Test(event_params, every_parameter_is_read)
{
    cr_assert(reads("after=1769342400123456&limit=7&type=lease.stolen&type=session.created"
                    "&session_id=B0A4C7DE-0000-4000-8000-000000000001&thread_id=%2B1"
                    "&project_path=/a%20b"));
    cr_expect_eq(query.after, INT64_C(1769342400123456));
    cr_expect_eq(query.limit, 7);
    cr_expect_eq(query.types, 1U << EVENT_LEASE_STOLEN | 1U << EVENT_SESSION_CREATED);
    cr_expect(slice_is(query.session_id, "b0a4c7de-0000-4000-8000-000000000001"));
    cr_expect(slice_is(query.thread_id, "+1"));
    cr_expect(slice_is(query.project_path, "/a b"));
    cr_assert(reads("consumer=reader:1"));
    cr_expect(slice_is(query.consumer, "reader:1"));
}

Test(event_params, every_type_has_a_name)
{
    for (unsigned i = EVENT_SESSION_CREATED; i < EVENT_TYPES; i++) {
        char sent[64];
        snprintf(sent, sizeof(sent), "type=%s", store_event_name((enum store_event_type)i));
        cr_assert(reads(sent), "%s", sent);
        cr_expect_eq(query.types, 1U << i);
    }
}

Test(event_params, what_is_refused_is_named)
{
    static const struct {
        const char *sent;
        const char *parameter;
    } bad[] = {
        {"after=-1", "after"},
        {"after=253402300800000000", "after"},
        {"limit=0", "limit"},
        {"limit=1001", "limit"},
        {"type=x", "type"},
        {"type=", "type"},
        {"session_id=x", "session_id"},
        {"session_id=", "session_id"},
        {"thread_id=", "thread_id"},
        {"project_path=", "project_path"},
        {"consumer=.", "consumer"},
        {"after=1&consumer=a", "after"},
        {"limit=1&limit=2", "limit"},
        {"before=1", "before"},
        {"thread_id=%zz", "thread_id"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(reads(bad[i].sent), "%s", bad[i].sent);
        cr_expect_eq(err.kind, ERROR_INVALID_QUERY);
        cr_expect_str_eq(err.field, bad[i].parameter, "%s: %s", bad[i].sent, err.field);
    }
}

Test(event_params, a_timeline_has_parameters_of_its_own)
{
    cr_assert(event_params_read_timeline(SLICE_LITERAL("before=5&limit=2&type=session.created"),
                                         &text, &query, &err));
    cr_expect(query.timeline);
    cr_expect_eq(query.before, 5);
    cr_expect_eq(query.limit, 2);
    cr_expect_not(event_params_read_timeline(SLICE_LITERAL("thread_id=t"), &text, &query, &err));
    cr_expect_not(event_params_read_timeline(SLICE_LITERAL("before=0"), &text, &query, &err));
}

Test(event_params, what_may_look_at_many_rows_is_long)
{
    static const char *const is_long[] = {"limit=201", "thread_id=t", "project_path=/p",
                                          "type=session.created",
                                          "session_id=b0a4c7de-0000-4000-8000-000000000001"};
    static const char *const is_short[] = {"limit=200", "after=5", "consumer=a"};

    for (size_t i = 0; i < sizeof(is_long) / sizeof(is_long[0]); i++)
        cr_expect(reads(is_long[i]) && event_params_is_long(&query), "%s", is_long[i]);
    for (size_t i = 0; i < sizeof(is_short) / sizeof(is_short[0]); i++)
        cr_expect(reads(is_short[i]) && !event_params_is_long(&query), "%s", is_short[i]);
}
