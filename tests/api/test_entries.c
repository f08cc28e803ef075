/* A session's log over HTTP: what is appended, what is refused, what is read. */
#include "tests/support/fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char id[UUID_SIZE];

static void start(void)
{
    fixture_start();
    create_session("/p", "t", NULL, id);
}

TestSuite(entries, .init = start, .fini = fixture_stop);
TestSuite(entries_set, .init = fixture_init, .fini = fixture_stop);

#define LINES "application/x-ndjson"

static const struct response *append_as(const char *type, const char *query, const char *body,
                                        const char *header)
{
    char target[128];

    snprintf(target, sizeof(target), "/sessions/%s/entries%s", id, query);
    return client_call(
        client,
        &(struct request){
            .method = "POST", .target = target, .type = type, .body = body, .headers = {header}});
}

static const struct response *append(const char *query, const char *body)
{
    return append_as(NULL, query, body, NULL);
}

static const struct response *read_entries(const char *query)
{
    return client_get(client, "/sessions/%s/entries%s", id, query);
}

static void expect_body(const struct response *response, const char *wanted)
{
    expect_status(response, 200);
    cr_expect_str_eq(response->body, wanted, "%s, not %s", response->body, wanted);
}

static void expect_refused(const struct response *response, int status, const char *problem)
{
    expect_status(response, status);
    cr_expect(response_is_problem(response, problem), "%s", response->body);
}

Test(entries, an_array_is_appended_and_read)
{
    expect_body(append("", "[ {\"n\": 1e400 , \"s\":\"\\ud800\"},\n {\"b\":[ ]} ]"),
                "{\"appended\":2,\"duplicates\":0,\"last_seq\":2}\n");
    const struct response *page = expect_status(read_entries(""), 200);
    cr_expect_str_eq(response_header(page, "Content-Type"), "application/json");
    cr_expect_eq(response_length(page, "/entries"), 2);
    cr_expect_eq(response_number(page, "/entries/1/seq"), 2);
    cr_expect_eq(strlen(response_text(page, "/entries/0/created_at")), 27);
    cr_expect_not_null(strstr(page->body, "\"entry\":{\"n\":1e400,\"s\":\"\\ud800\"}}"), "%s",
                       page->body);
    cr_expect_not_null(
        strstr(page->body, "\"entry\":{\"b\":[]}}],\"next_after\":2,\"last_seq\":2}\n"), "%s",
        page->body);
    expect_body(append("", "[]"), "{\"appended\":0,\"duplicates\":0,\"last_seq\":2}\n");
}

Test(entries, lines_are_appended)
{
    expect_body(append_as(LINES, "?stream=subagents/agent-1", "{\"a\":1}\n\n{ \"b\" : 2 }", NULL),
                "{\"appended\":2,\"duplicates\":0,\"last_seq\":2}\n");
    expect_body(
        append_as(LINES "; charset=utf-8", "?stream=subagents/agent-1", "{\"c\":3}\r\n", NULL),
        "{\"appended\":1,\"duplicates\":0,\"last_seq\":3}\n");
    const struct response *page = read_entries("?stream=subagents/agent-1&after=1");
    cr_expect_eq(response_length(page, "/entries"), 2);
    cr_expect_eq(response_number(page, "/entries/0/entry/b"), 2);
    cr_expect_eq(response_length(read_entries(""), "/entries"), 0);
}

Test(entries, a_uuid_makes_sending_again_harmless)
{
    expect_body(append("", "[{\"uuid\":\"a\",\"x\":1},{\"uuid\":\"b\"}]"),
                "{\"appended\":2,\"duplicates\":0,\"last_seq\":2}\n");
    expect_body(append("", "[{\"uuid\":\"b\"}, {\"uuid\":\"c\"}, {\"uuid\":\"a\", \"x\": 1}]"),
                "{\"appended\":1,\"duplicates\":2,\"last_seq\":3}\n");
    const struct response *conflict = append("", "[{\"uuid\":\"d\"},{\"uuid\":\"a\",\"x\":2}]");
    expect_refused(conflict, 409, "entry-conflict");
    cr_expect_eq(response_number(conflict, "/index"), 1);
    cr_expect_eq(response_number(conflict, "/last_seq"), 3);
    expect_body(append("?stream=other", "[{\"uuid\":\"a\",\"x\":2}]"),
                "{\"appended\":1,\"duplicates\":0,\"last_seq\":1}\n");
}

Test(entries, an_append_may_expect_the_end)
{
    expect_status(append("?expect_last_seq=0", "[{},{}]"), 200);
    const struct response *refused = append("?expect_last_seq=0", "[{}]");
    expect_refused(refused, 412, "precondition-failed");
    cr_expect_eq(response_number(refused, "/last_seq"), 2);
    cr_expect_null(response_header(refused, "ETag"), "it is not the session's version");
    expect_status(append("?expect_last_seq=2", "[{}]"), 200);
}

Test(entries, what_is_no_batch_is_refused)
{
    expect_refused(append("", "{}"), 422, "invalid-payload");
    const struct response *refused = append("", "[{},{},{},7]");
    expect_refused(refused, 422, "invalid-payload");
    cr_expect_str_eq(response_text(refused, "/errors/0/pointer"), "#/3");
    refused = append("", "[{\"a\":1,\"a\":2}]");
    expect_refused(refused, 400, "malformed-json");
    refused = append_as(LINES, "", "{}\n{\"a\":}\n", NULL);
    expect_refused(refused, 400, "malformed-json");
    cr_expect_eq(strncmp(response_text(refused, "/detail"), "line 2, column 6: ", 18), 0, "%s",
                 refused->body);
    refused = append_as("text/plain", "", "[]", NULL);
    expect_refused(refused, 415, "unsupported-media-type");
    cr_expect_str_eq(response_header(refused, "Accept-Post"),
                     "application/json, application/x-ndjson");
    expect_refused(append("?after=1", "[]"), 400, "invalid-query");
    expect_refused(append("?stream=", "[]"), 400, "invalid-query");
    cr_expect_eq(response_number(read_entries(""), "/last_seq"), 0);
    id[0] = id[0] == 'a' ? 'b' : 'a';
    expect_refused(append("", "[{}]"), 404, "not-found");
    expect_refused(read_entries(""), 404, "not-found");
    expect_refused(client_get(client, "/sessions/%s/streams", id), 404, "not-found");
    expect_refused(client_get(client, "/sessions/none/entries"), 404, "not-found");
}

/* Every page tells where the next one begins. */
Test(entries, a_log_is_read_page_by_page)
{
    const struct response *page;

    expect_status(append("", "[{\"n\":1},{\"n\":2},{\"n\":3},{\"n\":4},{\"n\":5}]"), 200);
    page = read_entries("?limit=2");
    cr_expect_eq(response_number(page, "/entries/1/entry/n"), 2);
    cr_expect_eq(response_number(page, "/next_after"), 2);
    page = read_entries("?limit=2&after=4");
    cr_expect_eq(response_length(page, "/entries"), 1);
    cr_expect_eq(response_number(page, "/next_after"), 5);
    page = read_entries("?after=5");
    cr_expect_eq(response_length(page, "/entries"), 0);
    cr_expect_eq(response_number(page, "/next_after"), 5, "what comes later comes after 5");
    cr_expect_eq(response_number(page, "/last_seq"), 5);
    page = read_entries("?order=desc&limit=2");
    cr_expect_eq(response_number(page, "/entries/0/entry/n"), 5);
    cr_expect_eq(response_number(page, "/next_before"), 4);
    page = read_entries("?order=desc&limit=3&before=4");
    cr_expect_eq(response_number(page, "/entries/2/entry/n"), 1);
    cr_expect_not_null(strstr(page->body, "\"next_before\":null"), "%s", page->body);
    page = read_entries("?after=1&before=4&order=desc");
    cr_expect_eq(response_length(page, "/entries"), 2);
    cr_expect_not_null(strstr(page->body, "\"next_before\":null"), "%s", page->body);
}

static void append_many(int count)
{
    char *body = malloc((size_t)count * 16 + 3);
    char *at = body;

    *at++ = '[';
    for (int i = 1; i <= count; i++)
        at += sprintf(at, "%s{\"n\":%d}", i == 1 ? "" : ",", i);
    strcpy(at, "]");
    expect_status(append("", body), 200);
    free(body);
}

/* A long one is read on another thread. */
Test(entries, a_page_has_a_thousand_entries_at_most)
{
    append_many(1000);
    append_many(3);
    cr_expect_eq(response_length(read_entries(""), "/entries"), 100);
    const struct response *page = read_entries("?limit=1000&after=2");
    cr_expect_eq(response_length(page, "/entries"), 1000);
    cr_expect_eq(response_number(page, "/entries/999/seq"), 1002);
    cr_expect_eq(response_number(page, "/next_after"), 1002);
    expect_refused(read_entries("?limit=1001"), 400, "invalid-query");
    id[0] = id[0] == 'a' ? 'b' : 'a';
    expect_refused(read_entries("?limit=1000"), 404, "not-found");
}

Test(entries_set, limits_hold)
{
    service_start(&service, FLAGS("--max-batch-entries", "3", "--max-page-size", "1024"));
    create_session("/p", "t", NULL, id);
    expect_status(append("", "[{\"n\":1},{\"n\":2},{\"n\":3}]"), 200);
    expect_refused(append("", "[{},{},{},{}]"), 413, "body-too-large");
    char body[1200];
    snprintf(body, sizeof(body), "[{\"n\":4,\"s\":\"%01100d\"}]", 0);
    expect_status(append("", body), 200);
    const struct response *page = read_entries("");
    cr_expect_eq(response_length(page, "/entries"), 3);
    cr_expect_eq(response_number(page, "/next_after"), 3);
    page = read_entries("?after=3");
    cr_expect_eq(response_length(page, "/entries"), 1, "one at least");
}

Test(entries, streams_are_listed)
{
    const struct response *list = client_get(client, "/sessions/%s/streams", id);

    expect_body(list, "{\"streams\":[],\"next_after\":null}\n");
    expect_status(append("?stream=b%22", "[{},{\"a\":1}]"), 200);
    expect_status(append("?stream=a", "[{}]"), 200);
    list = expect_status(client_get(client, "/sessions/%s/streams", id), 200);
    cr_expect_eq(response_length(list, "/streams"), 2);
    cr_expect_str_eq(response_text(list, "/streams/1/stream"), "b\"");
    cr_expect_eq(response_number(list, "/streams/1/count"), 2);
    cr_expect_eq(response_number(list, "/streams/1/last_seq"), 2);
    cr_expect_eq(response_number(list, "/streams/1/bytes"), 9);
    cr_expect_eq(strlen(response_text(list, "/streams/1/updated_at")), 27);
    list = expect_status(client_get(client, "/sessions/%s/streams?limit=1", id), 200);
    cr_expect_str_eq(response_text(list, "/next_after"), "a");
    list = expect_status(client_get(client, "/sessions/%s/streams?limit=1&after=a", id), 200);
    cr_expect_str_eq(response_text(list, "/streams/0/stream"), "b\"");
    cr_expect_not_null(strstr(list->body, "\"next_after\":null"), "%s", list->body);
}

Test(entries, a_session_shows_its_logs_sums)
{
    char target[64];
    const struct response *session = client_get(client, "/sessions/%s", id);

    cr_expect_eq(response_number(session, "/entry_count"), 0);
    expect_status(append("", "[{},{\"a\":1}]"), 200);
    session = client_get(client, "/sessions/%s", id);
    cr_expect_eq(response_number(session, "/entry_count"), 2);
    cr_expect_eq(response_number(session, "/entry_bytes"), 9);
    cr_expect_eq(response_number(session, "/version"), 1, "it is no change of the session");
    cr_expect_eq(response_number(client_get(client, "/sessions"), "/sessions/0/entry_count"), 2);
    session = client_send(client, "PATCH", "{\"status\":\"ACTIVE\"}", "/sessions/%s", id);
    cr_expect_eq(response_number(session, "/entry_count"), 2);
    session = client_send(client, "PUT", "{\"project_path\":\"/p\",\"thread_id\":\"t\"}",
                          "/sessions/%s", id);
    cr_expect_eq(response_number(session, "/entry_bytes"), 9);
    snprintf(target, sizeof(target), "/sessions/%s", id);
    const struct request unchanged = {
        .method = "GET", .target = target, .headers = {"If-None-Match: \"2\""}};
    expect_status(client_call(client, &unchanged), 200);
}

Test(entries, without_an_entry_a_session_may_be_unchanged)
{
    char target[64];

    snprintf(target, sizeof(target), "/sessions/%s", id);
    const struct request unchanged = {
        .method = "GET", .target = target, .headers = {"If-None-Match: \"1\""}};
    expect_status(client_call(client, &unchanged), 304);
}

Test(entries, the_head_of_a_page_is_that_of_the_page)
{
    char target[96];

    expect_status(append("", "[{}]"), 200);
    const size_t length = read_entries("")->body_len;
    snprintf(target, sizeof(target), "/sessions/%s/entries", id);
    const struct response *head =
        client_call(client, &(struct request){.method = "HEAD", .target = target});
    expect_status(head, 200);
    cr_expect_eq(strtoul(response_header(head, "Content-Length"), NULL, 10), length);
}

Test(entries, a_key_makes_any_append_harmless_to_repeat)
{
    static const char key[] = "Idempotency-Key: \"one\"";

    expect_body(append_as(LINES, "", "{}\n{}\n", key),
                "{\"appended\":2,\"duplicates\":0,\"last_seq\":2}\n");
    const struct response *again = append_as(LINES, "", "{}\n{}\n", key);
    expect_body(again, "{\"appended\":2,\"duplicates\":0,\"last_seq\":2}\n");
    cr_expect_str_eq(response_header(again, "Idempotency-Replayed"), "true");
    expect_refused(append_as(LINES, "", "{}\n", key), 422, "idempotency-key-reused");
    cr_expect_eq(response_number(read_entries(""), "/last_seq"), 2);
}

Test(entries, a_lease_fences_appends)
{
    const struct response *lease = client_send(
        client, "PUT", "{\"owner\":\"me\",\"ttl_seconds\":60}", "/sessions/%s/lease", id);
    char token[64];

    expect_status(lease, 200);
    snprintf(token, sizeof(token), "Lease-Token: %ld", (long)response_number(lease, "/token"));
    expect_refused(append("", "[{}]"), 409, "lease-held");
    expect_status(append_as(NULL, "", "[{}]", token), 200);
    expect_refused(append_as(NULL, "", "[{}]", "Lease-Token: 99"), 409, "lease-lost");
    cr_expect_eq(response_number(read_entries(""), "/last_seq"), 1);
}

Test(entries, a_session_that_is_over_still_takes_entries)
{
    move_session(id, "TERMINATED");
    expect_status(append("", "[{}]"), 200);
}

Test(entries, they_outlive_a_restart_and_go_with_their_session)
{
    expect_status(append("", "[{\"uuid\":\"a\"}]"), 200);
    fixture_restart(NULL);
    expect_body(append("", "[{\"uuid\":\"a\"},{}]"),
                "{\"appended\":1,\"duplicates\":1,\"last_seq\":2}\n");
    expect_status(client_send(client, "DELETE", NULL, "/sessions/%s", id), 204);
    expect_refused(read_entries(""), 404, "not-found");
    expect_status(client_send(client, "PUT", "{\"project_path\":\"/p\",\"thread_id\":\"t\"}",
                              "/sessions/%s", id),
                  201);
    cr_expect_eq(response_number(read_entries(""), "/last_seq"), 0);
    cr_expect_eq(response_number(client_get(client, "/sessions/%s", id), "/entry_count"), 0);
}

Test(entries, they_are_counted)
{
    expect_status(append("", "[{\"uuid\":\"a\"},{},{\"uuid\":\"a\"}]"), 200);
    const struct response *metrics = client_get(client, "/metrics");
    cr_expect_not_null(strstr(metrics->body, "\nsessiond_entries_appended_total 2\n"));
    cr_expect_not_null(strstr(metrics->body, "\nsessiond_entries_duplicate_total 1\n"));
    cr_expect_not_null(strstr(metrics->body, "\nsessiond_entries_appended_bytes_total 14\n"));
}
