/* What a line of a transcript is. */
#include "service/cli/claude/line.h"

#include "routes/json/skip.h"

#include <criterion/criterion.h>
#include <string.h>

/* `text` NULL: it is refused, and the reason begins with `uuid`. */
struct line_case {
    const char *line;
    const char *text;
    const char *uuid;
};

static const struct line_case lines[] = {
    {"", "", ""},
    {" \t\r", "", ""},
    {"{}", "{}", ""},
    {"{\"uuid\":\"u\"}", "{\"uuid\":\"u\"}", "u"},
    {"\t{ \"uuid\" : \"u 1\" ,\"n\":1e400 } \r", "{\"uuid\":\"u 1\",\"n\":1e400}", "u 1"},
    {"{\"\\u0075uid\":\"\\u0075\"}", "{\"\\u0075uid\":\"\\u0075\"}", "u"},
    {"{\"uuid\":7}", "{\"uuid\":7}", ""},
    {"{\"message\":{\"uuid\":\"inner\"}}", "{\"message\":{\"uuid\":\"inner\"}}", ""},
    {"{", NULL, "column 2: "},
    {"{\"a\":1}{\"b\":2}", NULL, "column 8: "},
    {"[]", NULL, "an entry must be a JSON object"},
    {"7", NULL, "an entry must be a JSON object"},
    {"{\"uuid\":\"\"}", NULL, "uuid must have 1 to 128 bytes"},
    {"{\"uuid\":\"\\ud800\"}", NULL, "uuid must not contain half"},
    {"{\"uuid\":\"\\u0007\"}", NULL, "uuid must not contain control"},
    {"{\"a\":1,\"a\":2}", NULL, "column "},
    {"{\"a\":\"\xff\"}", NULL, "column "},
    {"\xef\xbb\xbf{}", NULL, "column 1: "},
};

Test(claude_line, is_one_object_or_refused_with_a_reason)
{
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const struct line_case *each = &lines[i];
        struct claude_line line;
        struct error why;
        char *copy = strdup(each->line);
        const bool taken = claude_line_parse(copy, strlen(copy), &line, &why);
        cr_expect_eq(taken, each->text != NULL, "%s", each->line);
        if (taken && each->text != NULL) {
            cr_expect(slice_is(line.text, each->text), "%s", each->line);
            cr_expect(slice_is(line.uuid, each->uuid), "%s", each->line);
        } else if (!taken) {
            cr_expect_eq(strncmp(why.detail, each->uuid, strlen(each->uuid)), 0, "%s: %s",
                         each->line, why.detail);
        }
        if (taken)
            claude_line_release(&line);
        free(copy);
    }
}

Test(claude_line, split_finds_the_end_of_the_first_object)
{
    static const struct {
        const char *line;
        size_t end;
    } cases[] = {
        {"", 0},
        {"{", 0},
        {"{}", 0},
        {" {} \r", 0},
        {"{}{}", 2},
        {" {\"a\":{\"b\":1}} {\"c\":1}", 14},
        {"{\"a\":\"}{\"}", 0},
        {"{\"a\":\"\\\"}{\"}{}", 12},
        {"{\"a\":\"\\\\\"}{}", 10},
        {"{\"a\":\"", 0},
        {"{\"a\":\"\\", 0},
        {"{\"a\":{}", 0},
        {"{}\"x\"", 2},
        {"[]{}", 0},
        {"}{", 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(claude_line_split(slice_from(cases[i].line)), cases[i].end, "%s",
                     cases[i].line);
}

Test(claude_line, text_is_the_decoded_string_of_a_member)
{
    const struct slice object =
        SLICE_LITERAL("{\"in\":{\"cwd\":\"/in\"},\"n\":7,\"e\":\"\",\"cwd\":\"/\\u0061\"}");
    struct buffer out = {0};

    cr_assert(claude_line_text(object, "cwd", &out));
    cr_expect(slice_is(buffer_slice(&out), "/a"));
    cr_expect_not(claude_line_text(object, "n", &out));
    cr_expect_not(claude_line_text(object, "e", &out));
    cr_expect_not(claude_line_text(object, "absent", &out));
    cr_expect(slice_is(claude_line_member(object, "n"), "7"));
    buffer_release(&out);
}

Test(claude_line, metadata_is_marked_as_the_sdk_marks_it)
{
    struct buffer out = {0};
    struct error why;

    cr_assert(claude_line_add_metadata(SLICE_LITERAL("{\"a\":1}"), &out, &why));
    cr_expect(slice_is(buffer_slice(&out), "{\"a\":1,\"type\":\"agent_metadata\"}"));
    out.len = 0;
    cr_assert(claude_line_add_metadata(SLICE_LITERAL("{}"), &out, &why));
    cr_expect(slice_is(buffer_slice(&out), "{\"type\":\"agent_metadata\"}"));
    cr_expect_not(claude_line_add_metadata(SLICE_LITERAL("{\"type\":1}"), &out, &why));
    buffer_release(&out);
}
