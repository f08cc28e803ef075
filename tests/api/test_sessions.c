/* One session through its life, what a restart keeps, and the exact shape of what is answered. */
#include "tests/support/fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(sessions, .init = fixture_start, .fini = fixture_stop);

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < UUID_SIZE - 1; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : text[i] == '\0' || strchr("0123456789abcdef", text[i]) == NULL)
            return false;
    }
    return text[UUID_SIZE - 1] == '\0' && text[14] == '4';
}

/* 2026-11-23T06:36:00.123456Z */
static bool is_time(const char *text)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";

    for (size_t i = 0; i < sizeof(shape); i++) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !digit : text[i] != shape[i])
            return false;
    }
    return true;
}

Test(sessions, a_new_session_is_what_was_sent_and_what_the_service_adds)
{
    const struct response *made = expect_status(
        client_send(client, "POST",
                    "{\"project_path\":\"/home/me/project\",\"thread_id\":\"+15551234567\","
                    "\"context\":{\"model\":\"x\"}}",
                    "/sessions"),
        201);
    char location[64];
    char expected[512];

    cr_expect(is_uuid(response_text(made, "/id")), "%s", made->body);
    cr_expect(is_time(response_text(made, "/created_at")), "%s", made->body);
    snprintf(location, sizeof(location), "/sessions/%s", response_text(made, "/id"));
    cr_expect_str_eq(response_header(made, "Location"), location);
    cr_expect_str_eq(response_header(made, "ETag"), "\"1\"");
    cr_expect_str_eq(response_header(made, "Content-Type"), "application/json");

    char *time = strdup(response_text(made, "/created_at"));
    snprintf(expected, sizeof(expected),
             "{\"id\":\"%s\",\"project_path\":\"/home/me/project\",\"thread_id\":\"+15551234567\","
             "\"status\":\"CREATED\",\"context\":{\"model\":\"x\"},\"version\":1,"
             "\"created_at\":\"%s\",\"updated_at\":\"%s\",\"lease\":null,\"recovered_at\":null,"
             "\"parent_id\":null,\"entry_count\":0,\"entry_bytes\":0}\n",
             location + strlen("/sessions/"), time, time);
    cr_expect_str_eq(made->body, expected);
    free(time);
    cr_expect_str_eq(expect_status(client_get(client, "%s", location), 200)->body, expected);
}

Test(sessions, a_context_is_empty_where_none_was_sent)
{
    const struct response *made =
        client_send(client, "POST", "{\"project_path\":\"/p\",\"thread_id\":\"t\"}", "/sessions");
    char *context = response_context(expect_status(made, 201));

    cr_expect_str_eq(context, "{}");
    free(context);
}

Test(sessions, a_change_counts_up_and_a_delete_is_for_good)
{
    char id[UUID_SIZE];

    create_session("/p", "t", "{\"a\":1}", id);
    const struct response *changed = client_send(
        client, "PATCH", "{\"status\":\"ACTIVE\",\"context\":{\"b\":2}}", "/sessions/%s", id);
    expect_status(changed, 200);
    cr_expect_str_eq(response_header(changed, "ETag"), "\"2\"");
    cr_expect_eq(response_number(changed, "/version"), 2);
    cr_expect_str_eq(response_text(changed, "/status"), "ACTIVE");
    cr_expect_eq(response_number(changed, "/context/b"), 2);
    cr_expect_eq(response_number(changed, "/context/a"), -1);
    char *created_at = strdup(response_text(changed, "/created_at"));
    cr_expect_gt(strcmp(response_text(changed, "/updated_at"), created_at), 0);
    free(created_at);

    expect_status(client_send(client, "DELETE", NULL, "/sessions/%s", id), 204);
    expect_status(client_get(client, "/sessions/%s", id), 404);
    expect_status(client_send(client, "DELETE", NULL, "/sessions/%s", id), 404);
    expect_status(client_send(client, "PATCH", "{\"status\":\"PAUSED\"}", "/sessions/%s", id), 404);
    cr_expect_eq(count_sessions(), 0);
}

Test(sessions, what_a_change_answers_is_what_is_read_afterwards)
{
    static const char *const changes[] = {
        "{\"status\":\"ACTIVE\"}",
        "{\"context\":{\"b\":2}}",
        "{\"status\":\"PAUSED\",\"context\":{\"c\":3}}",
        "{}",
    };
    char id[UUID_SIZE];

    create_session("/p", "t", "{\"a\":1}", id);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const struct response *changed =
            expect_status(client_send(client, "PATCH", changes[i], "/sessions/%s", id), 200);
        char *answered = strdup(changed->body);
        cr_expect_str_eq(client_get(client, "/sessions/%s", id)->body, answered, "%s", changes[i]);
        free(answered);
    }
}

Test(sessions, a_deleted_id_can_be_put_again)
{
    static const char id[] = "b0a4c7de-0000-4000-8000-000000000001";
    static const char body[] = "{\"project_path\":\"/p\",\"thread_id\":\"t\"}";

    expect_status(client_send(client, "PUT", body, "/sessions/%s", id), 201);
    move_session(id, "ACTIVE");
    expect_status(client_send(client, "DELETE", NULL, "/sessions/%s", id), 204);
    const struct response *again = client_send(client, "PUT", body, "/sessions/%s", id);
    cr_expect_eq(response_number(expect_status(again, 201), "/version"), 1);
    cr_expect_str_eq(response_text(again, "/status"), "CREATED");
}

Test(sessions, the_id_of_a_put_is_stored_in_lower_case)
{
    static const char body[] = "{\"project_path\":\"/p\",\"thread_id\":\"t\"}";
    const struct response *made =
        client_send(client, "PUT", body, "/sessions/B0A4C7DE-0000-4000-8000-00000000000F");

    cr_expect_str_eq(response_text(expect_status(made, 201), "/id"),
                     "b0a4c7de-0000-4000-8000-00000000000f");
    expect_status(
        client_send(client, "PUT", body, "/sessions/b0a4c7de-0000-4000-8000-00000000000f"), 200);
    expect_status(client_get(client, "/sessions/B0A4c7de-0000-4000-8000-00000000000f"), 200);
}

Test(sessions, a_put_on_another_session_changes_nothing)
{
    static const char *const others[] = {"{\"project_path\":\"/p\",\"thread_id\":\"other\"}",
                                         "{\"project_path\":\"/other\",\"thread_id\":\"t\"}"};
    char id[UUID_SIZE];

    create_session("/p", "t", "{\"a\":1}", id);
    char *before = strdup(client_get(client, "/sessions/%s", id)->body);
    for (size_t i = 0; i < 2; i++) {
        const struct response *refused =
            expect_status(client_send(client, "PUT", others[i], "/sessions/%s", id), 409);
        cr_expect(response_is_problem(refused, "session-exists"), "%s", refused->body);
    }
    /* The same session with another context is there already: it stays as it is. */
    const struct response *same =
        client_send(client, "PUT", "{\"project_path\":\"/p\",\"thread_id\":\"t\",\"context\":{}}",
                    "/sessions/%s", id);
    cr_expect_str_eq(expect_status(same, 200)->body, before);
    cr_expect_null(response_header(same, "Location"));
    cr_expect_str_eq(client_get(client, "/sessions/%s", id)->body, before);
    free(before);
}

static void expect_same_head(const char *target)
{
    static const char *const names[] = {"Content-Type", "Content-Length", "ETag", "Link"};
    char *values[4];

    const struct response *full = expect_status(client_get(client, "%s", target), 200);
    for (size_t i = 0; i < 4; i++) {
        const char *value = response_header(full, names[i]);
        values[i] = value == NULL ? NULL : strdup(value);
    }
    const struct response *head =
        client_call(client, &(struct request){.method = "HEAD", .target = target});
    cr_expect_eq(expect_status(head, 200)->body_len, 0);
    for (size_t i = 0; i < 4; i++) {
        const char *value = response_header(head, names[i]);
        cr_expect_eq(value == NULL, values[i] == NULL, "%s: %s", target, names[i]);
        if (value != NULL && values[i] != NULL)
            cr_expect_str_eq(value, values[i], "%s: %s", target, names[i]);
        free(values[i]);
    }
}

Test(sessions, head_says_what_get_would)
{
    char id[UUID_SIZE];
    char target[64];

    create_session("/p", "t", "{\"a\":[1,2,3]}", id);
    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    snprintf(target, sizeof(target), "/sessions/%s", id);
    expect_same_head(target);
    expect_same_head("/sessions");
    expect_same_head("/sessions?limit=1");
    expect_same_head("/sessions?include=context");
    expect_same_head("/healthz");
    expect_same_head("/readyz");
    expect_same_head("/openapi.yaml");
    expect_status(client_call(client, &(struct request){.method = "HEAD", .target = "/nothing"}),
                  404);
    cr_expect_eq(client_get(client, "/healthz")->status, 200, "the connection is out of step");
}

static int get_unless(const char *id, const char *tags)
{
    char target[64];
    char header[64];

    snprintf(target, sizeof(target), "/sessions/%s", id);
    snprintf(header, sizeof(header), "If-None-Match: %s", tags);
    const struct response *response = client_call(
        client, &(struct request){.method = "GET", .target = target, .headers = {header}});
    if (response->status == 304) {
        cr_expect_eq(response->body_len, 0);
        cr_expect_str_eq(response_header(response, "ETag"), "\"2\"");
    }
    return response->status;
}

Test(sessions, what_the_client_has_already_is_not_sent_again)
{
    char id[UUID_SIZE];

    create_session("/p", "t", NULL, id);
    move_session(id, "ACTIVE");
    cr_expect_eq(get_unless(id, "\"2\""), 304);
    cr_expect_eq(get_unless(id, "W/\"2\""), 304);
    cr_expect_eq(get_unless(id, "\"1\", \"2\""), 304);
    cr_expect_eq(get_unless(id, "*"), 304);
    cr_expect_eq(get_unless(id, "\"1\""), 200);
    cr_expect_eq(get_unless(id, "\"02\""), 200);
}

/* The sessions of the next test: each of another state, size and version. */
static void create_several(char ids[4][UUID_SIZE])
{
    create_session("/p", "t", NULL, ids[0]);
    create_session("/\\u00e5\\u4e16/\\ud83d\\ude00", "t\\\\\\\"", "{\"a\":[1.10,{\"b\":-0}]}",
                   ids[1]);
    create_session("/p2", "t2", "{\"\\ud800\":1}", ids[2]);
    create_session("/p3", "t3", NULL, ids[3]);
    move_session(ids[1], "ACTIVE");
    move_session(ids[2], "ACTIVE");
    move_session(ids[2], "PAUSED");
    move_session(ids[3], "TERMINATED");
}

Test(sessions, a_restart_keeps_every_byte)
{
    char ids[4][UUID_SIZE];
    char *bodies[4];
    char *tags[4];

    create_several(ids);
    for (size_t i = 0; i < 4; i++) {
        const struct response *before = client_get(client, "/sessions/%s", ids[i]);
        bodies[i] = strdup(expect_status(before, 200)->body);
        tags[i] = strdup(response_header(before, "ETag"));
    }
    char *list = strdup(client_get(client, "/sessions?include=context")->body);
    for (int restart = 0; restart < 2; restart++) {
        fixture_restart(NULL);
        for (size_t i = 0; i < 4; i++) {
            const struct response *after = client_get(client, "/sessions/%s", ids[i]);
            cr_expect_str_eq(after->body, bodies[i]);
            cr_expect_str_eq(response_header(after, "ETag"), tags[i]);
        }
        cr_expect_str_eq(client_get(client, "/sessions?include=context")->body, list);
    }
    for (size_t i = 0; i < 4; i++) {
        free(bodies[i]);
        free(tags[i]);
    }
    free(list);
}

Test(sessions, time_goes_on_after_a_restart)
{
    char ids[3][UUID_SIZE];
    char before[64] = "";

    for (size_t i = 0; i < 3; i++) {
        create_session("/p", "t", NULL, ids[i]);
        const char *time = response_text(client_get(client, "/sessions/%s", ids[i]), "/created_at");
        cr_expect_gt(strcmp(time, before), 0, "%s is not after %s", time, before);
        snprintf(before, sizeof(before), "%s", time);
        fixture_restart(NULL);
    }
    const struct response *list = client_get(client, "/sessions?order=asc");
    for (size_t i = 0; i < 3; i++)
        cr_expect_str_eq(response_text(list, "/sessions/%zu/id", i), ids[i]);
}
