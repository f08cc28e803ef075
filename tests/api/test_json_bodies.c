/* Bodies that are JSON and bodies that are not: the tables in tests/support/corpus, through HTTP.
 */
#include "tests/support/fixture.h"
#include "tests/support/json_minify.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the tables go by. */
#define MAX_DEPTH "4"

struct text {
    const char *data;
    size_t len;
    size_t offset; /* of the byte at fault */
};

#define INVALID(text, offset)                                                                      \
    {                                                                                              \
        text, sizeof(text) - 1, offset                                                             \
    }
#define VALID(text, type)                                                                          \
    {                                                                                              \
        text, sizeof(text) - 1, 0                                                                  \
    }

static const struct text invalid[] = {
#include "tests/support/corpus/json_invalid.inc"
};

static const struct text valid[] = {
#include "tests/support/corpus/json_valid.inc"
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void start_shallow(void)
{
    fixture_init();
    service_start(&service, FLAGS("--max-json-depth", MAX_DEPTH));
}

TestSuite(json_bodies, .init = fixture_start, .fini = fixture_stop);
TestSuite(json_bodies_shallow, .init = start_shallow, .fini = fixture_stop);

static const struct response *post(const char *body, size_t len)
{
    return client_call(
        client,
        &(struct request){.method = "POST", .target = "/sessions", .body = body, .body_len = len});
}

/* A text between two others, which may hold NULs. The caller frees it. */
static char *embed(const char *before, const struct text *text, const char *after, size_t *len)
{
    *len = strlen(before) + text->len + strlen(after);
    char *body = malloc(*len + 1);

    cr_assert_not_null(body);
    memcpy(body, before, strlen(before));
    memcpy(body + strlen(before), text->data, text->len);
    memcpy(body + strlen(before) + text->len, after, strlen(after) + 1);
    return body;
}

/* "line 2, column 3: ", counted the slow way. */
static void place_of(const struct text *it, char *place, size_t size)
{
    size_t line = 1;
    size_t column = 1;

    for (size_t i = 0; i < it->offset; i++) {
        column = it->data[i] == '\n' ? 1 : column + 1;
        line += it->data[i] == '\n';
    }
    snprintf(place, size, "line %zu, column %zu: ", line, column);
}

static void expect_malformed(const struct response *response, const struct text *text,
                             const char *place)
{
    const char *detail = response_text(response, "/detail");

    cr_expect_eq(response->status, 400, "%s: %d", text->data, response->status);
    cr_expect(response_is_problem(response, "malformed-json"), "%s: %s", text->data,
              response->body);
    cr_expect_eq(strncmp(detail, place, strlen(place)), 0, "%s: %s", text->data, detail);
}

Test(json_bodies_shallow, what_is_no_json_is_refused_with_its_place)
{
    char place[64];

    for (size_t i = 0; i < COUNT(invalid); i++) {
        place_of(&invalid[i], place, sizeof(place));
        expect_malformed(post(invalid[i].data, invalid[i].len), &invalid[i], place);
    }
    cr_expect_eq(count_sessions(), 0);
}

Test(json_bodies_shallow, what_is_no_json_is_refused_as_a_context)
{
    static const char *const bodies[][2] = {
        {"{\"project_path\":\"/p\",\"thread_id\":\"t\",\"context\":", "}"},
        {"{\"context\":{\"a\":", "},\"project_path\":\"/p\",\"thread_id\":\"t\"}"},
    };
    size_t len;

    for (size_t i = 0; i < COUNT(invalid); i++) {
        for (size_t j = 0; j < COUNT(bodies); j++) {
            char *body = embed(bodies[j][0], &invalid[i], bodies[j][1], &len);
            const struct response *response = post(body, len);
            expect_malformed(response, &invalid[i], "line ");
            cr_expect_not_null(strstr(response_text(response, "/detail"), ", column "));
            free(body);
        }
    }
    cr_expect_eq(count_sessions(), 0);
}

/* A place that a client can find again: in lines of its own body. */
Test(json_bodies, the_place_is_told_in_lines_and_columns)
{
    static const char body[] = "{\n  \"project_path\": \"/p\",\n  \"thread_id\": \"t\",\n"
                               "  \"context\": {\"a\": 01}\n}\n";
    static const struct text text = {body, sizeof(body) - 1, 0};

    expect_malformed(post(body, sizeof(body) - 1), &text, "line 4, column 21: ");
}

/* None of them is a session, but each is understood. */
Test(json_bodies_shallow, what_is_json_of_the_wrong_shape_is_no_syntax_error)
{
    for (size_t i = 0; i < COUNT(valid); i++) {
        const struct response *response = post(valid[i].data, valid[i].len);
        cr_expect_eq(response->status, 422, "%s: %s", valid[i].data, response->body);
        cr_expect(response_is_problem(response, "invalid-payload"), "%s", response->body);
    }
    cr_expect_eq(count_sessions(), 0);
}

Test(json_bodies, what_is_json_is_kept_as_a_context)
{
    static const char before[] = "{\"project_path\":\"/p\",\"thread_id\":\"t\",\"context\":";
    size_t len;

    for (size_t i = 0; i < COUNT(valid); i++) {
        char *context = embed("{\"v\":[0.10,", &valid[i], "]}", &len);
        const struct text text = {context, len, 0};
        char *body = embed(before, &text, "}", &len);
        char *wanted = json_minify(context, strlen(context));
        const struct response *made = expect_status(post(body, len), 201);
        char *kept = response_context(
            expect_status(client_get(client, "%s", response_header(made, "Location")), 200));
        char *got = json_minify(kept, strlen(kept));
        cr_expect_str_eq(got, wanted);
        free(got);
        free(kept);
        free(wanted);
        free(body);
        free(context);
    }
    cr_expect_eq(count_sessions(), (int64_t)COUNT(valid));
}

#define DEEP 100000

/* `before`, then `open` DEEP times, `inner`, then `close` as often unless it is NULL, and `after`.
 * The caller frees it. */
static char *deep(const char *before, const char *open, const char *inner, const char *close,
                  const char *after)
{
    const size_t close_len = close == NULL ? 0 : strlen(close);
    char *text = malloc(strlen(before) + DEEP * (strlen(open) + close_len) + strlen(inner) +
                        strlen(after) + 1);

    cr_assert_not_null(text);
    char *at = stpcpy(text, before);
    for (int i = 0; i < DEEP; i++)
        at = stpcpy(at, open);
    at = stpcpy(at, inner);
    for (int i = 0; close != NULL && i < DEEP; i++)
        at = stpcpy(at, close);
    stpcpy(at, after);
    return text;
}

static void expect_too_deep(const char *method, const char *target, const char *type, char *body)
{
    const struct response *response = client_call(
        client, &(struct request){.method = method, .target = target, .type = type, .body = body});

    cr_expect_eq(response->status, 400, "%s %s: %d", method, target, response->status);
    cr_expect(response_is_problem(response, "malformed-json"), "%.300s", response->body);
    cr_expect_eq(strncmp(response_text(response, "/detail"), "line 1, column ", 15), 0, "%.300s",
                 response->body);
    free(body);
    expect_status(client_get(client, "/healthz"), 200);
}

struct nesting {
    const char *open;
    const char *inner;
    const char *close; /* NULL: never closed */
};

static const struct nesting nestings[] = {
    {"[", "", "]"},     {"{\"a\":", "1", "}"},   {"[", "", NULL},        {"{\"a\":", "", NULL},
    {"[[],", "1", "]"}, {"[{\"a\":", "1", "}]"}, {"{\"\":[", "1", "]}"},
};

Test(json_bodies, nesting_without_end_is_refused)
{
    static const char path[] = "/sessions/b0a4c7de-0000-4000-8000-000000000001";
    static const char members[] = "{\"project_path\":\"/p\",\"thread_id\":\"t\",\"context\":";

    expect_status(
        client_send(client, "PUT", "{\"project_path\":\"/p\",\"thread_id\":\"t\"}", "%s", path),
        201);
    for (size_t i = 0; i < COUNT(nestings); i++) {
        const struct nesting *it = &nestings[i];
        expect_too_deep("POST", "/sessions", NULL, deep("", it->open, it->inner, it->close, ""));
        expect_too_deep("POST", "/sessions", NULL,
                        deep(members, it->open, it->inner, it->close, "}"));
        expect_too_deep("PUT", path, NULL, deep(members, it->open, it->inner, it->close, "}"));
        expect_too_deep("PATCH", path, NULL,
                        deep("{\"context\":", it->open, it->inner, it->close, "}"));
        expect_too_deep("PATCH", path, "application/merge-patch+json",
                        deep("{\"context\":", it->open, it->inner, it->close, "}"));
    }
    cr_expect_eq(count_sessions(), 1);
    cr_expect_eq(response_number(client_get(client, "%s", path), "/version"), 1);
}
