/* The lifecycle of a session, and that a change which is refused changes nothing at all. */
#include "tests/support/fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(status, .init = fixture_start, .fini = fixture_stop);

#define STATUSES 4

static const char *const statuses[STATUSES] = {"CREATED", "ACTIVE", "PAUSED", "TERMINATED"};

/* The table of the contract: from a row to a column. */
static const bool allowed[STATUSES][STATUSES] = {
    {true, true, false, true},
    {false, true, true, true},
    {false, true, true, true},
    {false, false, false, true},
};

/* A new session that has come to the status. */
static void session_at(size_t status, char id[UUID_SIZE])
{
    create_session("/p", "t", "{\"kept\":[0.10]}", id);
    if (status == 2)
        move_session(id, "ACTIVE");
    if (status > 0)
        move_session(id, statuses[status]);
}

static void expect_refusal(const struct response *refused, size_t from)
{
    int64_t others = 0;

    cr_expect(response_is_problem(refused, "invalid-transition"), "%s", refused->body);
    cr_expect_str_eq(response_text(refused, "/current_status"), statuses[from]);
    for (size_t to = 0; to < STATUSES; to++) {
        if (allowed[from][to] && to != from)
            cr_expect_str_eq(response_text(refused, "/allowed/%zu", (size_t)others++),
                             statuses[to]);
    }
    cr_expect_eq(response_length(refused, "/allowed"), others, "%s", refused->body);
}

static void try_pair(size_t from, size_t to, const char *type)
{
    char id[UUID_SIZE];
    char target[64];
    char body[96];

    session_at(from, id);
    char *before = strdup(client_get(client, "/sessions/%s", id)->body);
    const int64_t version = response_number(client_get(client, "/sessions/%s", id), "/version");
    snprintf(target, sizeof(target), "/sessions/%s", id);
    snprintf(body, sizeof(body), "{\"status\":\"%s\",\"context\":{\"new\":1}}", statuses[to]);
    const struct response *response = client_call(
        client, &(struct request){.method = "PATCH", .target = target, .type = type, .body = body});
    if (allowed[from][to]) {
        expect_status(response, 200);
        cr_expect_str_eq(response_text(response, "/status"), statuses[to]);
        cr_expect_eq(response_number(response, "/version"), version + 1);
        cr_expect_eq(response_number(response, "/context/new"), 1);
    } else {
        expect_status(response, 409);
        expect_refusal(response, from);
        cr_expect_str_eq(client_get(client, "/sessions/%s", id)->body, before);
    }
    free(before);
}

Test(status, each_of_the_sixteen_changes_is_allowed_or_refused)
{
    for (size_t from = 0; from < STATUSES; from++) {
        for (size_t to = 0; to < STATUSES; to++) {
            try_pair(from, to, "application/json");
            try_pair(from, to, "application/merge-patch+json");
        }
    }
}

Test(status, the_lifecycle_holds_after_a_restart)
{
    char id[UUID_SIZE];

    session_at(2, id);
    fixture_restart(NULL);
    expect_status(client_send(client, "PATCH", "{\"status\":\"CREATED\"}", "/sessions/%s", id),
                  409);
    move_session(id, "ACTIVE");
    move_session(id, "TERMINATED");
    fixture_restart(NULL);
    expect_status(client_send(client, "PATCH", "{\"status\":\"ACTIVE\"}", "/sessions/%s", id), 409);
}

struct refusal {
    const char *type;
    const char *body;
    const char *header; /* NULL: none */
    int status;
};

#define JSON "application/json"
#define MERGE "application/merge-patch+json"

/* Of a CREATED session at version 1. */
static const struct refusal refusals[] = {
    {JSON, "{\"status\":\"PAUSED\",\"context\":{\"a\":2}}", NULL, 409},
    {MERGE, "{\"status\":\"PAUSED\",\"context\":{\"a\":2}}", NULL, 409},
    {JSON, "{\"status\":\"ACTIVE\",\"context\":{\"a\":2}}", "If-Match: \"2\"", 412},
    {MERGE, "{\"context\":{\"a\":2}}", "If-Match: \"2\"", 412},
    {MERGE, "{\"context\":{\"a\":2}}", "If-Match: W/\"1\"", 412},
    {JSON, "{\"context\":{\"a\":2}}", "If-Match: 1", 400},
    {JSON, "{\"context\":{\"a\":2}}", "If-Match: \"1", 400},
    {JSON, "{\"status\":\"active\",\"context\":{\"a\":2}}", NULL, 422},
    {JSON, "{\"status\":null,\"context\":{\"a\":2}}", NULL, 422},
    {MERGE, "{\"status\":null,\"context\":{\"a\":2}}", NULL, 422},
    {JSON, "{\"status\":[\"ACTIVE\"],\"context\":{\"a\":2}}", NULL, 422},
    {JSON, "{\"status\":\"ACTIVE\",\"context\":[]}", NULL, 422},
    {JSON, "{\"status\":\"ACTIVE\",\"context\":null}", NULL, 422},
    {MERGE, "{\"status\":\"ACTIVE\",\"context\":\"a\"}", NULL, 422},
    {JSON, "{\"status\":\"ACTIVE\",\"context\":{\"a\":2},\"version\":7}", NULL, 422},
    {JSON, "{\"status\":\"ACTIVE\",\"id\":\"b0a4c7de-0000-4000-8000-000000000001\"}", NULL, 422},
    {JSON, "{\"status\":\"ACTIVE\",\"context\":{\"a\":2}", NULL, 400},
    {JSON, "{\"status\":\"ACTIVE\",\"status\":\"ACTIVE\"}", NULL, 400},
    {JSON, "[{\"status\":\"ACTIVE\"}]", NULL, 422},
    {"text/plain", "{\"status\":\"ACTIVE\"}", NULL, 415},
    {"application/jsonx", "{\"status\":\"ACTIVE\"}", NULL, 415},
};

Test(status, a_refused_change_changes_nothing)
{
    char id[UUID_SIZE];
    char target[64];

    create_session("/p", "t", "{\"a\":1}", id);
    snprintf(target, sizeof(target), "/sessions/%s", id);
    char *before = strdup(client_get(client, "%s", target)->body);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal *it = &refusals[i];
        const struct response *response =
            client_call(client, &(struct request){.method = "PATCH",
                                                  .target = target,
                                                  .type = it->type,
                                                  .body = it->body,
                                                  .headers = {it->header}});
        cr_expect_eq(response->status, it->status, "%s %s: %s", it->type, it->body, response->body);
        const struct response *after = expect_status(client_get(client, "%s", target), 200);
        cr_expect_str_eq(after->body, before, "%s %s", it->type, it->body);
        cr_expect_str_eq(response_header(after, "ETag"), "\"1\"");
    }
    free(before);
}

Test(status, a_delete_on_another_version_is_refused)
{
    char id[UUID_SIZE];
    char target[64];

    session_at(1, id);
    snprintf(target, sizeof(target), "/sessions/%s", id);
    const struct response *refused = client_call(
        client,
        &(struct request){.method = "DELETE", .target = target, .headers = {"If-Match: \"1\""}});
    expect_status(refused, 412);
    cr_expect(response_is_problem(refused, "precondition-failed"), "%s", refused->body);
    cr_expect_eq(response_number(refused, "/current_version"), 2);
    cr_expect_str_eq(response_header(refused, "ETag"), "\"2\"");
    expect_status(client_get(client, "%s", target), 200);
    expect_status(client_call(client, &(struct request){.method = "DELETE",
                                                        .target = target,
                                                        .headers = {"If-Match: \"1\", \"2\""}}),
                  204);
}

Test(status, a_change_of_nothing_is_no_change)
{
    char id[UUID_SIZE];

    create_session("/p", "t", "{\"a\":1}", id);
    char *before = strdup(client_get(client, "/sessions/%s", id)->body);
    const struct response *same = client_send(client, "PATCH", "{}", "/sessions/%s", id);
    cr_expect_str_eq(expect_status(same, 200)->body, before);
    cr_expect_str_eq(client_get(client, "/sessions/%s", id)->body, before);
    free(before);
}
