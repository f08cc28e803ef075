/* What was sent is what comes back, by every way in and every way out. */
#include "tests/support/fixture.h"
#include "tests/support/json_minify.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(fidelity, .init = fixture_start, .fini = fixture_stop);

static const char *const contexts[] = {
    "{}",
    "{\"n\":100000000000000000000}",
    "{\"n\":[1e400,-1e400,1E+400,1e-400]}",
    "{\"n\":[-0,-0.0,0.10,1.0,1.00,1e0,1E0,0e+00]}",
    "{\"n\":[9007199254740993,18446744073709551615,18446744073709551616,-9223372036854775809]}",
    "{\"n\":3.141592653589793238462643383279502884197169399375105820974944592307816406286}",
    "{\"n\":0.4e00669999999999999999999999999999999999999999999999999999999}",
    "{\"s\":\"\\ud800\"}",
    "{\"s\":[\"\\udc00\\ud800\",\"\\uD834\\uDd1e\",\"\\ude00x\"]}",
    "{\"\\ud800\":1,\"\\udc00\":2}",
    "{\"\\u0061\":1,\"\\u0062\":{\"\\u0063\":\"\\u0064\"}}",
    "{\"s\":\"\\u0000\",\"\\u0000\":1,\"a\\u0000b\":2}",
    "{\"s\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t/\"}",
    "{\"s\":\"\xc3\xa5\xe4\xb8\x96\xf0\x9f\x98\x80\",\"\xc3\xa5\":\"\\u00e5\"}",
    "{\"s\":\"\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xef\xbf\xbf\x7f\xc2\x80\"}",
    "{\"z\":1,\"a\":2,\"m\":3,\"A\":4,\"10\":5,\"9\":6}",
    "{\"\":{\"\":{\"\":\"\"}}}",
    "{\"id\":\"x\",\"version\":7,\"context\":{\"version\":8},\"status\":\"ACTIVE\"}",
    "{\"t\":\"</script><!-- '\\u003c; DROP TABLE sessions; --%s%n\"}",
    "{\"__proto__\":{\"constructor\":[[],{},[{}]]},\"b\":[true,false]}",
    "{\"s\":\"  kept  \\t \",  \"a\" : [ 1 , 2\t,\r\n 3 ] , \"o\" : { } }",
    " {\n\t\"a\":\t1\r\n} ",
};

#define CONTEXTS (sizeof(contexts) / sizeof(contexts[0]))

static void expect_context(const struct response *response, const char *sent, const char *way)
{
    char *context = response_context(response);
    char *got = json_minify(context, strlen(context));
    char *wanted = json_minify(sent, strlen(sent));

    cr_expect_str_eq(got, wanted, "%s: %s", way, response->body);
    cr_expect_leq(strlen(context), strlen(sent), "%s: %s", way, response->body);
    free(wanted);
    free(got);
    free(context);
}

/* By every way out, now and after what happens next. */
static void expect_everywhere(const char *id, const char *thread_id, const char *sent)
{
    expect_context(expect_status(client_get(client, "/sessions/%s", id), 200), sent, "GET");
    const struct response *list =
        client_get(client, "/sessions?thread_id=%s&include=context", thread_id);
    cr_expect_eq(response_length(expect_status(list, 200), "/sessions"), 1);
    expect_context(list, sent, "list");
}

/* A body with this context as a member. The caller frees it. */
static char *body_with(const char *context, const char *thread_id)
{
    char *body = NULL;

    if (thread_id == NULL)
        cr_assert_gt(asprintf(&body, "{\"context\":%s}", context), 0);
    else
        cr_assert_gt(asprintf(&body,
                              "{\"project_path\":\"/p\",\"thread_id\":\"%s\",\"context\":%s}",
                              thread_id, context),
                     0);
    return body;
}

/* Sends context `i` and names the session and its thread. */
typedef void (*way_in)(size_t i, char id[UUID_SIZE], char thread_id[32]);

static void by_post(size_t i, char id[UUID_SIZE], char thread_id[32])
{
    snprintf(thread_id, 32, "post-%zu", i);
    char *body = body_with(contexts[i], thread_id);
    const struct response *made = client_send(client, "POST", body, "/sessions");
    snprintf(id, UUID_SIZE, "%s", response_text(expect_status(made, 201), "/id"));
    expect_context(made, contexts[i], "POST");
    free(body);
}

static void by_put(size_t i, char id[UUID_SIZE], char thread_id[32])
{
    snprintf(id, UUID_SIZE, "b0a4c7de-0000-4000-8000-%012zu", i);
    snprintf(thread_id, 32, "put-%zu", i);
    char *body = body_with(contexts[i], thread_id);
    const struct response *made = client_send(client, "PUT", body, "/sessions/%s", id);
    expect_context(expect_status(made, 201), contexts[i], "PUT");
    free(body);
}

static void change(size_t i, const char *type, const char *context, char id[UUID_SIZE],
                   const char *thread_id)
{
    char target[64];

    create_session("/p", thread_id, context, id);
    snprintf(target, sizeof(target), "/sessions/%s", id);
    char *body = body_with(contexts[i], NULL);
    const struct response *changed = client_call(
        client, &(struct request){.method = "PATCH", .target = target, .type = type, .body = body});
    expect_context(expect_status(changed, 200), contexts[i], type);
    free(body);
}

static void by_patch(size_t i, char id[UUID_SIZE], char thread_id[32])
{
    snprintf(thread_id, 32, "patch-%zu", i);
    change(i, "application/json", "{\"before\":[1,2,3]}", id, thread_id);
}

static void by_merge_patch(size_t i, char id[UUID_SIZE], char thread_id[32])
{
    snprintf(thread_id, 32, "merge-%zu", i);
    change(i, "application/merge-patch+json", "{}", id, thread_id);
}

static void come_back(way_in way)
{
    char ids[CONTEXTS][UUID_SIZE];
    char thread_ids[CONTEXTS][32];

    for (size_t i = 0; i < CONTEXTS; i++) {
        way(i, ids[i], thread_ids[i]);
        expect_everywhere(ids[i], thread_ids[i], contexts[i]);
    }
    fixture_restart(NULL);
    for (size_t i = 0; i < CONTEXTS; i++)
        expect_everywhere(ids[i], thread_ids[i], contexts[i]);
}

Test(fidelity, what_was_posted_comes_back)
{
    come_back(by_post);
}

Test(fidelity, what_was_put_comes_back)
{
    come_back(by_put);
}

Test(fidelity, what_replaced_the_context_comes_back)
{
    come_back(by_patch);
}

Test(fidelity, what_was_merged_into_nothing_comes_back)
{
    come_back(by_merge_patch);
}

/* A merge touches what it names and leaves the rest as it was written. */
Test(fidelity, a_merge_leaves_what_it_does_not_name)
{
    char id[UUID_SIZE];
    char target[64];
    static const char before[] = "{\"n\":1e400,\"\\u0061\":[-0,0.10],\"gone\":1,\"o\":{\"x\":1.50,"
                                 "\"s\":\"\\ud800\",\"y\":2}}";
    static const char patch[] = "{\"context\":{\"gone\":null,\"o\":{\"y\":null,\"z\":2e2},"
                                "\"new\":100000000000000000000}}";
    static const char after[] = "{\"n\":1e400,\"\\u0061\":[-0,0.10],\"o\":{\"x\":1.50,"
                                "\"s\":\"\\ud800\",\"z\":2e2},\"new\":100000000000000000000}";

    create_session("/p", "t", before, id);
    snprintf(target, sizeof(target), "/sessions/%s", id);
    const struct response *merged =
        client_call(client, &(struct request){.method = "PATCH",
                                              .target = target,
                                              .type = "application/merge-patch+json",
                                              .body = patch});
    expect_context(expect_status(merged, 200), after, "merge");
    expect_context(client_get(client, "%s", target), after, "GET");
}

Test(fidelity, a_change_of_status_leaves_the_context)
{
    char ids[CONTEXTS][UUID_SIZE];

    for (size_t i = 0; i < CONTEXTS; i++) {
        create_session("/p", "t", contexts[i], ids[i]);
        move_session(ids[i], "ACTIVE");
        expect_context(client_get(client, "/sessions/%s", ids[i]), contexts[i], "status");
    }
}

struct spelling {
    const char *sent;  /* within quotes of JSON */
    const char *means; /* in UTF-8 */
};

/* Other texts are kept by what they mean, not by how they were written. */
static const struct spelling spellings[] = {
    {"/home/me/project", "/home/me/project"},
    {"\\u002fhome\\/me", "/home/me"},
    {"\\u00e5\xc3\xa5\\u4E16\xe4\xb8\x96", "\xc3\xa5\xc3\xa5\xe4\xb8\x96\xe4\xb8\x96"},
    {"\\ud83d\\ude00\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80"},
    {"\\\"\\\\'`%s%00\\u0026", "\"\\'`%s%00&"},
    {" leading and trailing ", " leading and trailing "},
    {"e\xcc\x81\xef\xbb\xbf\xe2\x80\xae\\uffff", "e\xcc\x81\xef\xbb\xbf\xe2\x80\xae\xef\xbf\xbf"},
    {"C:\\\\Users\\\\me", "C:\\Users\\me"},
};

static void expect_meaning(const struct response *response, const char *means)
{
    cr_expect_str_eq(response_text(response, "/project_path"), means, "%s", response->body);
    cr_expect_str_eq(response_text(response, "/thread_id"), means, "%s", response->body);
}

Test(fidelity, texts_come_back_and_can_be_searched_for)
{
    char id[UUID_SIZE];
    char encoded[512];

    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        const struct spelling *it = &spellings[i];
        create_session(it->sent, it->sent, NULL, id);
        expect_meaning(client_get(client, "/sessions/%s", id), it->means);
        encoded[0] = '\0';
        for (const char *at = it->means; *at != '\0'; at++)
            snprintf(encoded + strlen(encoded), 4, "%%%02x", (unsigned)(unsigned char)*at);
        const struct response *found = expect_status(
            client_get(client, "/sessions?thread_id=%s&project_path=%s", encoded, encoded), 200);
        cr_expect_eq(response_length(found, "/sessions"), 1, "%s: %s", encoded, found->body);
        cr_expect_str_eq(response_text(found, "/sessions/0/id"), id);
    }
}
