/* Bodies of entries: what is taken, how each entry's text comes out, what is refused and where. */

#include "routes/entries/body.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct buffer body;
static struct entries_body *entries;
static struct error err;
static struct entries_body_limits limits;

static void begin(void)
{
    limits = (struct entries_body_limits){.max_depth = 6, .max_count = 4};
}

static void release(void)
{
    entries_body_free(entries);
    buffer_release(&body);
}

TestSuite(entries_body, .init = begin, .fini = release);

static bool reads(bool by_lines, struct slice sent)
{
    release();
    entries = NULL;
    err = (struct error){0};
    buffer_add(&body, sent);
    return entries_body_new(&body, by_lines, &limits, &entries, &err);
}

static void expect_entries(bool by_lines, const char *sent, const char *wanted)
{
    struct buffer shown = {0};

    cr_assert(reads(by_lines, slice_from(sent)), "%s: %s", sent, err.detail);
    for (size_t i = 0; i < entries_body_count(entries); i++) {
        const struct store_new_entry *entry = &entries_body_items(entries)[i];
        if (entry->uuid.data != NULL)
            buffer_printf(&shown, "<%.*s>", (int)entry->uuid.len, entry->uuid.data);
        buffer_add(&shown, entry->text);
        buffer_add_char(&shown, '|');
    }
    buffer_add_char(&shown, '\0');
    cr_expect_str_eq(shown.data, wanted, "%s: %s", sent, shown.data);
    buffer_release(&shown);
}

static void expect_refused(bool by_lines, const char *sent, enum error_kind kind, const char *field,
                           const char *detail)
{
    cr_assert_not(reads(by_lines, slice_from(sent)), "%s", sent);
    cr_expect_eq(err.kind, kind, "%s: %s", sent, err.detail);
    cr_expect_str_eq(err.field, field, "%s: %s", sent, err.field);
    cr_expect_not_null(strstr(err.detail, detail), "%s: %s, not %s", sent, err.detail, detail);
}

Test(entries_body, an_array_gives_its_objects)
{
    expect_entries(false, "[]", "");
    expect_entries(false, " [ ] ", "");
    expect_entries(false, "[{}]", "{}|");
    expect_entries(false, "[{\"a\":1},{\"b\":[1,2]},{}]", "{\"a\":1}|{\"b\":[1,2]}|{}|");
    expect_entries(false, " [ { \"a\" : 1 } ,\n\t{ } ]\r\n", "{\"a\":1}|{}|");
}

Test(entries_body, lines_give_theirs)
{
    expect_entries(true, "", "");
    expect_entries(true, "{}", "{}|");
    expect_entries(true, "{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}|{\"b\":2}|");
    expect_entries(true, "{\"a\":1}\r\n{ \"b\" : 2 }", "{\"a\":1}|{\"b\":2}|");
    expect_entries(true, "\n\n{}\n \t\r\n\n{}\n\n", "{}|{}|");
}

Test(entries_body, an_entrys_text_is_its_own)
{
    expect_entries(false, "[ {\"n\" : [1e400, -0, 0.10, 100000000000000000000] } ]",
                   "{\"n\":[1e400,-0,0.10,100000000000000000000]}|");
    expect_entries(true, "{\"s\" : \"\\ud800 \\u00e9 \\\" \\\\\" , \"\\u0061\":\" \\\\\" }",
                   "{\"s\":\"\\ud800 \\u00e9 \\\" \\\\\",\"\\u0061\":\" \\\\\"}|");
    expect_entries(true, "{\"\xc3\xa9\" : \" \xe2\x82\xac  x\"}",
                   "{\"\xc3\xa9\":\" \xe2\x82\xac  x\"}|");
}

Test(entries_body, a_uuid_is_a_string_of_the_object_itself)
{
    expect_entries(false, "[{\"uuid\":\"a\"}]", "<a>{\"uuid\":\"a\"}|");
    expect_entries(false,
                   "[{\"m\":{\"uuid\":\"a\"}},{\"uuid\":7},{\"uuid\":null},{\"uuid\":[\"a\"]}]",
                   "{\"m\":{\"uuid\":\"a\"}}|{\"uuid\":7}|{\"uuid\":null}|{\"uuid\":[\"a\"]}|");
    expect_entries(true, "{ \"x\" : \"uuid\", \"uuid\" : \"\xc3\xa5 b\" }",
                   "<\xc3\xa5 b>{\"x\":\"uuid\",\"uuid\":\"\xc3\xa5 b\"}|");
    expect_entries(
        true, "{\"\\u0075uid\":\"a\\u0062\"}\n{\"uuid\":\"\\\"\\ud83d\\ude00\"}",
        "<ab>{\"\\u0075uid\":\"a\\u0062\"}|<\"\xf0\x9f\x98\x80>{\"uuid\":\"\\\"\\ud83d\\ude00\"}|");
}

Test(entries_body, a_uuid_has_1_to_128_bytes)
{
    char sent[256];

    snprintf(sent, sizeof(sent), "[{\"uuid\":\"%0128d\"}]", 0);
    cr_expect(reads(false, slice_from(sent)), "%s", err.detail);
    snprintf(sent, sizeof(sent), "[{},{\"uuid\":\"%0129d\"}]", 0);
    expect_refused(false, sent, ERROR_INVALID_PAYLOAD, "/1/uuid", "1 to 128 bytes");
    snprintf(sent, sizeof(sent), "[{\"uuid\":\"\\u0061%0127d\"}]", 0);
    cr_expect(reads(false, slice_from(sent)), "%s", err.detail);
    cr_expect_eq(entries_body_items(entries)[0].uuid.len, 128);
    snprintf(sent, sizeof(sent), "[{\"uuid\":\"\\u0061%0128d\"}]", 0);
    expect_refused(false, sent, ERROR_INVALID_PAYLOAD, "/0/uuid", "1 to 128 bytes");
    expect_refused(true, "\n{\"uuid\":\"\"}", ERROR_INVALID_PAYLOAD, "/0/uuid", "line 2: ");
    expect_refused(true, "{\"uuid\":\"a\\u0000\"}", ERROR_INVALID_PAYLOAD, "/0/uuid", "control");
    expect_refused(true, "{\"uuid\":\"\xc2\x9f\"}", ERROR_INVALID_PAYLOAD, "/0/uuid", "control");
    expect_refused(true, "{\"uuid\":\"\\ud800\"}", ERROR_INVALID_PAYLOAD, "/0/uuid", "surrogate");
}

Test(entries_body, what_is_no_array_of_objects_is_refused)
{
    expect_refused(false, "{}", ERROR_INVALID_PAYLOAD, "", "array");
    expect_refused(false, "7", ERROR_INVALID_PAYLOAD, "", "x-ndjson");
    expect_refused(false, "[{},7]", ERROR_INVALID_PAYLOAD, "/1", "object");
    expect_refused(false, "[[]]", ERROR_INVALID_PAYLOAD, "/0", "object");
    expect_refused(true, "{}\n\n[{}]", ERROR_INVALID_PAYLOAD, "/1", "line 3: ");
    expect_refused(true, "null", ERROR_INVALID_PAYLOAD, "/0", "line 1: ");
}

Test(entries_body, what_is_no_json_is_refused_where_it_stands)
{
    expect_refused(false, "", ERROR_MALFORMED_JSON, "", "line 1, column 1: ");
    expect_refused(false, "[{}\n,{]", ERROR_MALFORMED_JSON, "", "line 2, column 3: ");
    expect_refused(false, "[{\"a\":1,\"\\u0061\":2}]", ERROR_MALFORMED_JSON, "",
                   "is repeated in an object");
    expect_refused(true, "{}\n\n{\"a\":1 \"b\"}\n", ERROR_MALFORMED_JSON, "", "line 3, column 8: ");
    expect_refused(true, "{} {}", ERROR_MALFORMED_JSON, "", "line 1, column 4: ");
    expect_refused(true, "{\"a\":\n1}", ERROR_MALFORMED_JSON, "", "line 1, column 6: ");
    expect_refused(true, "{}\n\xef\xbb\xbf{}", ERROR_MALFORMED_JSON, "", "line 2, ");
    cr_expect_not(reads(true, SLICE_LITERAL("{\"a\":\"\0\"}")));
    cr_expect_not(reads(true, SLICE_LITERAL("{}\0")));
}

Test(entries_body, limits_hold)
{
    expect_entries(false, "[{},{},{},{}]", "{}|{}|{}|{}|");
    expect_refused(false, "[{},{},{},{},{}]", ERROR_TOO_LARGE, "", "more than 4 entries");
    expect_refused(true, "{}\n{}\n{}\n{}\n{}", ERROR_TOO_LARGE, "", "more than 4 entries");
    expect_entries(true, "{\"a\":[[[[[]]]]]}", "{\"a\":[[[[[]]]]]}|");
    expect_refused(true, "{\"a\":[[[[[[]]]]]]}", ERROR_MALFORMED_JSON, "", "deeper");
}

Test(entries_body, many_uuids_with_escapes_stay_where_they_are)
{
    struct buffer sent = {0};

    limits.max_count = 1000;
    for (int i = 0; i < 1000; i++)
        buffer_printf(&sent, "{\"uuid\":\"\\u0061%0100d\"}\n", i);
    cr_assert(reads(true, buffer_slice(&sent)), "%s", err.detail);
    for (int i = 0; i < 1000; i++) {
        char wanted[128];
        snprintf(wanted, sizeof(wanted), "a%0100d", i);
        cr_assert(slice_is(entries_body_items(entries)[i].uuid, wanted));
    }
    buffer_release(&sent);
}
