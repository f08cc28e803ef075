/* What is JSON and what is not: the tables in tests/support/corpus, each refusal at the right
 * place. */
#include "routes/json/scan.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MAX_DEPTH 4

struct invalid_case {
    struct slice text;
    size_t offset;
};

struct valid_case {
    struct slice text;
    enum json_kind type;
};

#define INVALID(text, offset)                                                                      \
    {                                                                                              \
        {text, sizeof(text) - 1}, offset                                                           \
    }
#define VALID(text, type)                                                                          \
    {                                                                                              \
        {text, sizeof(text) - 1}, type                                                             \
    }

static const struct invalid_case invalid[] = {
#include "tests/support/corpus/json_invalid.inc"
};

static const struct valid_case valid[] = {
#include "tests/support/corpus/json_valid.inc"
};

static bool is_printable_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < 0x20 || *text > 0x7e)
            return false;
    }
    return true;
}

/* "line 2, column 3: ", counted the slow way. */
static void place_of(const struct invalid_case *it, char *place, size_t size)
{
    size_t line = 1;
    size_t column = 1;

    for (size_t i = 0; i < it->offset; i++) {
        column = it->text.data[i] == '\n' ? 1 : column + 1;
        line += it->text.data[i] == '\n';
    }
    snprintf(place, size, "line %zu, column %zu: ", line, column);
}

static void expect_refused(const struct invalid_case *it)
{
    struct json_outline outline = {.type = JSON_STRING, .member_count = 77};
    struct error err = {0};
    char place[64];

    place_of(it, place, sizeof(place));
    cr_expect(!json_scan(it->text, MAX_DEPTH, &outline, &err), "accepted: %s", it->text.data);
    cr_expect_eq(err.kind, ERROR_MALFORMED_JSON, "%s", it->text.data);
    cr_expect_eq(strncmp(err.detail, place, strlen(place)), 0, "%s: \"%s\" is not at %s",
                 it->text.data, err.detail, place);
    cr_expect_gt(strlen(err.detail), strlen(place), "no words: %s", it->text.data);
    cr_expect(is_printable_ascii(err.detail), "%s", it->text.data);
    cr_expect(outline.type == JSON_STRING && outline.member_count == 77, "*out touched: %s",
              it->text.data);
}

Test(json_scan_corpus, what_is_no_json_is_refused_where_it_goes_wrong)
{
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        expect_refused(&invalid[i]);
}

Test(json_scan_corpus, what_is_json_is_accepted)
{
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        struct json_outline outline = {.member_count = 77};
        struct error err = {0};

        cr_expect(json_scan(valid[i].text, MAX_DEPTH, &outline, &err), "%s: %s", valid[i].text.data,
                  err.detail);
        cr_expect_eq(outline.type, valid[i].type, "%s", valid[i].text.data);
    }
}

/* The same in the middle of something: nothing about a value depends on its being at the top. */
Test(json_scan_corpus, what_is_json_is_accepted_as_a_member)
{
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        struct slice value = valid[i].text;
        struct error err = {0};
        char text[1024];
        int len = snprintf(text, sizeof(text), "{\"a\":[%.*s,%.*s],\"b\":%.*s}", (int)value.len,
                           value.data, (int)value.len, value.data, (int)value.len, value.data);

        cr_assert_lt((size_t)len, sizeof(text));
        cr_expect(json_scan((struct slice){text, (size_t)len}, MAX_DEPTH + 2, NULL, &err), "%s: %s",
                  text, err.detail);
    }
}

Test(json_scan_corpus, an_unbalanced_rest_is_refused_behind_every_value)
{
    static const char *const rests[] = {"]", "}", ",", ":", "\"", "x", "{", "\xff"};

    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        for (size_t j = 0; j < sizeof(rests) / sizeof(rests[0]); j++) {
            struct error err = {0};
            char text[1024];
            int len = snprintf(text, sizeof(text), "%.*s%s", (int)valid[i].text.len,
                               valid[i].text.data, rests[j]);

            cr_expect(!json_scan((struct slice){text, (size_t)len}, MAX_DEPTH, NULL, &err), "%s",
                      text);
        }
    }
}
