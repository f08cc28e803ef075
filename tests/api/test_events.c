/* What has happened, and where a reader is: /events, /sessions/{id}/events, /consumers/{name}. */
#include "tests/support/fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

TestSuite(events, .init = fixture_start, .fini = fixture_stop);

#define NOWHERE "00000000-0000-4000-8000-000000000000"

static int64_t event_number(const struct response *page, int64_t event, const char *member)
{
    char pointer[64];

    snprintf(pointer, sizeof(pointer), "/events/%lld/%s", (long long)event, member);
    return response_number(page, pointer);
}

static void expect_event(const struct response *page, int64_t event, const char *member,
                         const char *wanted)
{
    const char *found = response_text(page, "/events/%lld/%s", (long long)event, member);

    cr_expect_str_eq(found, wanted, "event %lld: %s is %s, not %s", (long long)event, member, found,
                     wanted);
}

Test(events, a_page_tells_who_what_and_when)
{
    char id[UUID_SIZE];

    create_session("/p", "+1", NULL, id);
    move_session(id, "ACTIVE");
    const struct response *page = expect_status(client_get(client, "/events"), 200);
    cr_expect_eq(response_length(page, "/events"), 2);
    expect_event(page, 0, "type", "session.created");
    expect_event(page, 0, "session_id", id);
    expect_event(page, 0, "thread_id", "+1");
    expect_event(page, 0, "project_path", "/p");
    expect_event(page, 1, "type", "session.transitioned");
    expect_event(page, 1, "from", "CREATED");
    expect_event(page, 1, "to", "ACTIVE");
    cr_expect_eq(event_number(page, 1, "version"), 2);
    cr_expect_eq(response_number(page, "/next_after"), event_number(page, 1, "id"));
    cr_expect_null(strstr(page->body, "context_changed"));
    cr_expect_not_null(strstr(page->body, "\"more\":false"));

    char *time = strdup(response_text(page, "/events/1/time"));
    page = client_get(client, "/sessions/%s", id);
    cr_expect_str_eq(response_text(page, "/updated_at"), time);
    free(time);
}

Test(events, pages_and_types)
{
    char id[UUID_SIZE];

    for (int i = 0; i < 3; i++)
        create_session("/p", "t", NULL, id);
    move_session(id, "ACTIVE");
    const struct response *page = client_get(client, "/events?limit=2");
    cr_expect_eq(response_length(page, "/events"), 2);
    cr_expect_not_null(strstr(page->body, "\"more\":true"));
    const int64_t after = response_number(page, "/next_after");
    page = client_get(client, "/events?limit=2&after=%lld", (long long)after);
    cr_expect_eq(response_length(page, "/events"), 2);
    cr_expect_not_null(strstr(page->body, "\"more\":false"));
    page = client_get(client, "/events?type=session.transitioned&type=session.deleted");
    cr_expect_eq(response_length(page, "/events"), 1);
    page = client_get(client, "/events?session_id=%s&thread_id=t&project_path=/p", id);
    cr_expect_eq(response_length(page, "/events"), 2);
    page = client_get(client, "/events?thread_id=other");
    cr_expect_eq(response_length(page, "/events"), 0);
}

Test(events, queries_that_are_not_understood)
{
    static const char *const bad[] = {
        "after=",       "after=-1",           "after=x",   "after=1&after=2", "before=1",
        "limit=0",      "limit=1001",         "type=",     "type=session",    "type=.created",
        "session_id=x", "thread_id=",         "consumer=", "consumer=-a",     "consumer=a%20b",
        "colour=red",   "after=1&consumer=a",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct response *refused = client_get(client, "/events?%s", bad[i]);
        cr_expect(response_is_problem(refused, "invalid-query"), "%s: %s", bad[i], refused->body);
    }
    const struct response *refused = client_get(client, "/sessions/" NOWHERE "/events?after=1");
    cr_expect(response_is_problem(refused, "invalid-query"), "%s", refused->body);
    cr_expect_not_null(strstr(refused->body, "before, limit, type"));
}

Test(events, a_place_that_is_gone_is_410_and_says_what_is_kept)
{
    static const char *const flags[] = {"--max-events", "1", NULL};
    const struct timespec a_moment = {.tv_nsec = 20000000};
    char id[UUID_SIZE];

    create_session("/p", "t", NULL, id);
    const int64_t first = event_number(client_get(client, "/events"), 0, "id");
    create_session("/p", "t", NULL, id);
    create_session("/p", "t", NULL, id);
    fixture_restart(flags);
    const struct response *gone = client_get(client, "/events?after=%lld", (long long)first);
    for (int i = 0; i < 500 && gone->status == 200; i++) {
        nanosleep(&a_moment, NULL);
        gone = client_get(client, "/events?after=%lld", (long long)first);
    }
    expect_status(gone, 410);
    cr_expect(response_is_problem(gone, "events-gone"), "%s", gone->body);
    const int64_t newest = response_number(gone, "/newest");
    cr_expect_eq(response_number(gone, "/oldest"), newest);
    cr_expect_gt(newest, first);
    expect_status(client_get(client, "/events?after=%lld", (long long)newest), 200);
    cr_expect_eq(response_length(client_get(client, "/events?after=0"), "/events"), 1);
    gone = client_get(client, "/events?after=%lld", (long long)newest + 1);
    cr_expect(response_is_problem(gone, "events-gone"), "a place to come: %s", gone->body);
}

Test(events, a_timeline_is_one_session_s_newest_first)
{
    char id[UUID_SIZE];
    char other[UUID_SIZE];

    create_session("/p", "t", NULL, id);
    create_session("/p", "t", NULL, other);
    move_session(id, "ACTIVE");
    create_session("/p", "t", NULL, other);
    const struct response *page = expect_status(client_get(client, "/sessions/%s/events", id), 200);
    cr_expect_eq(response_length(page, "/events"), 2);
    expect_event(page, 0, "type", "session.transitioned");
    expect_event(page, 1, "type", "session.created");
    cr_expect_not_null(strstr(page->body, "\"next_before\":null"));
    page = client_get(client, "/sessions/%s/events?limit=1", id);
    const int64_t before = response_number(page, "/next_before");
    page = client_get(client, "/sessions/%s/events?before=%lld", id, (long long)before);
    cr_expect_eq(response_length(page, "/events"), 1);
    expect_event(page, 0, "type", "session.created");
    expect_status(client_get(client, "/sessions/" NOWHERE "/events"), 404);
    expect_status(client_get(client, "/sessions/x/events"), 404);
}

Test(events, a_consumer_s_place)
{
    const struct response *answer;
    char id[UUID_SIZE];

    create_session("/p", "t", NULL, id);
    const int64_t first = event_number(client_get(client, "/events"), 0, "id");
    move_session(id, "ACTIVE");
    expect_status(client_get(client, "/consumers/reader"), 404);
    expect_status(client_get(client, "/events?consumer=reader"), 404);
    answer = client_send(client, "PUT", "{\"after\":0}", "/consumers/reader");
    expect_status(answer, 201);
    cr_expect_eq(response_length(client_get(client, "/events?consumer=reader"), "/events"), 2);

    char body[64];
    snprintf(body, sizeof(body), "{\"after\":%lld}", (long long)first);
    answer = expect_status(client_send(client, "PUT", body, "/consumers/reader"), 200);
    cr_expect_eq(response_number(answer, "/after"), first);
    cr_expect_str_eq(response_text(answer, "/name"), "reader");
    fixture_restart(NULL);
    answer = expect_status(client_get(client, "/consumers/reader"), 200);
    cr_expect_eq(response_number(answer, "/after"), first);
    cr_expect_str_neq(response_text(answer, "/updated_at"), "");
    cr_expect_eq(response_length(client_get(client, "/events?consumer=reader"), "/events"), 1);
    expect_status(client_send(client, "DELETE", NULL, "/consumers/reader"), 204);
    expect_status(client_send(client, "DELETE", NULL, "/consumers/reader"), 404);
}

Test(events, a_consumer_s_name_and_place_have_a_form)
{
    static const char *const bad_bodies[] = {"{}", "{\"after\":-1}", "{\"after\":1.5}",
                                             "{\"after\":\"1\"}", "{\"after\":1,\"x\":2}"};
    static const char *const good[] = {"a", "7", "a.b_c~d:e@f-g", "Reader"};
    static const char *const bad[] = {"-a", ".", "..", "a%20b", "%C3%BC", "a+b", "a;b"};
    char longest[130];

    for (size_t i = 0; i < sizeof(bad_bodies) / sizeof(bad_bodies[0]); i++)
        expect_status(client_send(client, "PUT", bad_bodies[i], "/consumers/a"), 422);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        expect_status(client_send(client, "PUT", "{\"after\":1}", "/consumers/%s", good[i]), 201);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_status(client_send(client, "PUT", "{\"after\":1}", "/consumers/%s", bad[i]), 404);
    memset(longest, 'x', sizeof(longest));
    longest[129] = '\0';
    expect_status(client_send(client, "PUT", "{\"after\":1}", "/consumers/%s", longest), 404);
    longest[128] = '\0';
    expect_status(client_send(client, "PUT", "{\"after\":1}", "/consumers/%s", longest), 201);
}
