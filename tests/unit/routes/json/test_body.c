/* The payload of a request: known members of the right type, and words for all else. */

#include "routes/json/body.h"

#include "routes/core/buffer.h"

#include <criterion/criterion.h>

static const char *const names[] = {"project_path", "thread_id", "status", "context", NULL};

static struct json_body *payload;
static struct error err;

static bool reads(struct slice body)
{
    json_body_free(payload);
    payload = NULL;
    err = (struct error){0};
    return json_body_new(body, 16, names, &payload, &err);
}

static void release(void)
{
    json_body_free(payload);
}

TestSuite(json_body, .fini = release);

Test(json_body, what_is_no_json_is_malformed)
{
    const struct slice bad[] = {
        SLICE_LITERAL(""),
        SLICE_LITERAL("{"),
        SLICE_LITERAL("{\"status\":}"),
        SLICE_LITERAL("{'status':1}"),
        SLICE_LITERAL("{\"status\":NaN}"),
        SLICE_LITERAL("{\"status\":1} x"),
        SLICE_LITERAL("{\"status\":\"\xff\"}"),
        SLICE_LITERAL("{\"status\":1,\"st\\u0061tus\":2}"),
        SLICE_LITERAL("{}\0"),
        SLICE_LITERAL("{\"context\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}"),
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(reads(bad[i]), "%s", bad[i].data);
        cr_expect_eq(err.kind, ERROR_MALFORMED_JSON, "%s", bad[i].data);
        cr_expect_null(payload);
    }
}

Test(json_body, what_is_no_object_has_the_wrong_shape)
{
    static const char *const bad[] = {"[]", "null", "\"{}\"", "1e400", "true", " [1]"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(reads(slice_from(bad[i])), "%s", bad[i]);
        cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
        cr_expect_str_eq(err.field, "", "the pointer to the whole");
    }
}

Test(json_body, an_unknown_member_is_named_by_a_pointer)
{
    static const struct {
        const char *body;
        const char *pointer;
    } cases[] = {
        {"{\"nonsense\":1}", "/nonsense"},
        {"{\"status\":\"ACTIVE\",\"Status\":1}", "/Status"},
        {"{\"\":1}", "/"},
        {"{\"a/b\":1}", "/a~1b"},
        {"{\"m~n\":1}", "/m~0n"},
        {"{\"~1\":1}", "/~01"},
        {"{\"\\u007e\\/\":1}", "/~0~1"},
        {"{\"\\u0078\":1}", "/x"},
        {"{\"status \":1}", "/status "},
        {"{\"\xc3\xa4\":1}", "/\xc3\xa4"},
        {"{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9}", "/1"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_not(reads(slice_from(cases[i].body)), "%s", cases[i].body);
        cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
        cr_expect_str_eq(err.field, cases[i].pointer);
        cr_expect(strstr(err.detail, "project_path, thread_id, status, context"), "%s", err.detail);
    }
}

/* json-c would see "status" and forget the rest of the name. */
Test(json_body, a_nul_in_a_name_does_not_end_it)
{
    cr_expect_not(reads(SLICE_LITERAL("{\"status\\u0000x\":\"ACTIVE\"}")));
    cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
}

Test(json_body, names_may_be_written_with_escapes)
{
    struct slice text;

    cr_assert(reads(SLICE_LITERAL("{\"thr\\u0065ad_id\":\"t\",\"c\\u006fntext\":{\"x\": 1}}")));
    cr_expect(json_body_has(payload, "thread_id"));
    cr_assert(json_body_text(payload, "thread_id", 10, &text, &err));
    cr_expect(slice_is(text, "t"));
    cr_assert(json_body_object(payload, "context", &text, &err));
    cr_expect(slice_is(text, "{\"x\": 1}"));
}

Test(json_body, presence_and_null_are_two_things)
{
    cr_assert(reads(SLICE_LITERAL("{\"status\":null,\"context\":{}}")));
    cr_expect(json_body_has(payload, "status"));
    cr_expect(json_body_is_null(payload, "status"));
    cr_expect(json_body_has(payload, "context"));
    cr_expect_not(json_body_is_null(payload, "context"));
    cr_expect_not(json_body_has(payload, "thread_id"));
    cr_expect_not(json_body_is_null(payload, "thread_id"));
}

Test(json_body, texts_are_decoded)
{
    static const struct {
        const char *body;
        const char *text;
    } cases[] = {
        {"{\"thread_id\":\"plain\"}", "plain"},
        {" { \"thread_id\" : \"a\\/b\\\\c\\\"d\" } ", "a/b\\c\"d"},
        {"{\"thread_id\":\"\\u00e4\\ud83d\\ude00\"}", "\xc3\xa4\xf0\x9f\x98\x80"},
        {"{\"thread_id\":\"\xc3\xa4\xf0\x9f\x98\x80\"}", "\xc3\xa4\xf0\x9f\x98\x80"},
        {"{\"thread_id\":\" \"}", " "},
        {"{\"thread_id\":\"\\u00a0\"}", "\xc2\xa0"},
        {"{\"thread_id\":\"\\ufffd\"}", "\xef\xbf\xbd"},
        {"{\"thread_id\":\"\\\\ud800\"}", "\\ud800"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice text = {0};
        cr_assert(reads(slice_from(cases[i].body)), "%s", cases[i].body);
        cr_expect(json_body_text(payload, "thread_id", 512, &text, &err), "%s: %s", cases[i].body,
                  err.detail);
        cr_expect(slice_is(text, cases[i].text), "%s", cases[i].body);
    }
}

static void expect_refused_text(const char *body)
{
    struct slice text = SLICE_LITERAL("untouched");

    cr_assert(reads(slice_from(body)), "%s: %s", body, err.detail);
    cr_expect_not(json_body_text(payload, "thread_id", 8, &text, &err), "%s", body);
    cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
    cr_expect_str_eq(err.field, "/thread_id");
    cr_expect(strstr(err.detail, "thread_id"), "%s", err.detail);
    cr_expect(slice_is(text, "untouched"));
}

Test(json_body, texts_that_cannot_be_kept_are_refused)
{
    static const char *const bad[] = {
        "{}",
        "{\"thread_id\":null}",
        "{\"thread_id\":1}",
        "{\"thread_id\":1e400}",
        "{\"thread_id\":-0}",
        "{\"thread_id\":100000000000000000000}",
        "{\"thread_id\":true}",
        "{\"thread_id\":[\"t\"]}",
        "{\"thread_id\":{}}",
        "{\"thread_id\":\"\"}",
        "{\"thread_id\":\"123456789\"}",
        "{\"thread_id\":\"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\"}", /* 3 characters, 9 bytes */
        "{\"thread_id\":\"a\\u0000b\"}",
        "{\"thread_id\":\"a\\nb\"}",
        "{\"thread_id\":\"\\u001f\"}",
        "{\"thread_id\":\"\x7f\"}",
        "{\"thread_id\":\"\\u0080\"}",
        "{\"thread_id\":\"\xc2\x9f\"}",
        "{\"thread_id\":\"\\ud800\"}",
        "{\"thread_id\":\"\\udc00\\ud800\"}",
        "{\"thr\\u0065ad_id\":\"\\ud83dx\"}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_refused_text(bad[i]);
}

Test(json_body, a_text_may_have_just_as_many_bytes)
{
    struct slice text;

    cr_assert(reads(SLICE_LITERAL("{\"thread_id\":\"1234\\u20ac8\"}")));
    cr_expect(json_body_text(payload, "thread_id", 8, &text, &err), "%s", err.detail);
    cr_expect_eq(text.len, 8);
    cr_expect_not(json_body_text(payload, "thread_id", 7, &text, &err));
    cr_expect(strstr(err.detail, "7"), "%s", err.detail);
}

Test(json_body, an_object_keeps_its_own_text)
{
    struct slice object = {0};

    cr_assert(
        reads(SLICE_LITERAL("{\"context\" : { \"n\": [0.10, -0, 1e400], \"s\":\"\\ud800\" } }")));
    cr_expect(json_body_object(payload, "context", &object, &err));
    cr_expect(slice_is(object, "{ \"n\": [0.10, -0, 1e400], \"s\":\"\\ud800\" }"));
    cr_assert(reads(SLICE_LITERAL("{\"status\":1}")));
    object = SLICE_LITERAL("not null");
    cr_expect(json_body_object(payload, "context", &object, &err));
    cr_expect_null(object.data);
}

Test(json_body, an_object_is_nothing_else)
{
    static const char *const bad[] = {
        "{\"context\":null}", "{\"context\":[]}",    "{\"context\":\"{}\"}",
        "{\"context\":1}",    "{\"context\":false}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct slice object = SLICE_LITERAL("untouched");
        cr_assert(reads(slice_from(bad[i])));
        cr_expect_not(json_body_object(payload, "context", &object, &err), "%s", bad[i]);
        cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
        cr_expect_str_eq(err.field, "/context");
        cr_expect(slice_is(object, "untouched"));
    }
}

Test(json_body, a_status_is_one_of_four)
{
    static const char *const bad[] = {
        "{\"status\":null}",        "{\"status\":1}",  "{\"status\":\"\"}",
        "{\"status\":\"active\"}",  "{\"status\":[]}", "{\"status\":\"ACTIVE\\u0000\"}",
        "{\"status\":\"ACTIVE \"}",
    };
    enum session_status status = SESSION_TERMINATED;
    bool present = false;

    cr_assert(reads(SLICE_LITERAL("{\"status\":\"PA\\u0055SED\"}")));
    cr_expect(json_body_status(payload, "status", &present, &status, &err));
    cr_expect(present);
    cr_expect_eq(status, SESSION_PAUSED);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert(reads(slice_from(bad[i])));
        cr_expect_not(json_body_status(payload, "status", &present, &status, &err), "%s", bad[i]);
        cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
        cr_expect_str_eq(err.field, "/status");
        cr_expect_eq(status, SESSION_PAUSED);
    }
    cr_assert(reads(SLICE_LITERAL("{}")));
    cr_expect(json_body_status(payload, "status", &present, &status, &err));
    cr_expect_not(present);
}

/* The names are cut for the error; the value of a pointer that is cut is at least not another's. */
Test(json_body, a_long_unknown_name_is_cut)
{
    struct buffer body = {0};

    buffer_add_text(&body, "{\"");
    for (int i = 0; i < 5000; i++)
        buffer_add_text(&body, "n~");
    buffer_add_text(&body, "\":1}");
    cr_expect_not(reads(buffer_slice(&body)));
    cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
    cr_expect_lt(strlen(err.field), sizeof(err.field));
    cr_expect(strstr(err.detail, "the members are"), "%s", err.detail);
    buffer_release(&body);
}

Test(json_body, freeing_none_is_fine)
{
    json_body_free(NULL);
}
