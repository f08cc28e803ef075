/* Entity tags: lists of them as RFC 9110 §8.8.3, §13.1.1 and §13.1.2 allow, and no others. */

#include "routes/http/etag.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(etag, is_the_version_in_quotes)
{
    struct exchange ex = {0};

    etag_add_header(&ex, INT64_MAX);
    cr_assert_eq(ex.response_header_count, 1);
    cr_expect_str_eq(ex.response_headers[0].name, "ETag");
    cr_expect_str_eq(exchange_header_value(&ex, 0), "\"9223372036854775807\"");
    exchange_release(&ex);
}

/* What neither header may hold. */
static const char *const no_tags[] = {
    "",
    " ",
    ",",
    " , ,",
    "1",
    "\"1",
    "1\"",
    "\"1\" \"2\"",
    "\"1\"\"2\"",
    "\"1\", 2",
    "\"1\"; \"2\"",
    "*, \"1\"",
    "\"1\", *",
    "**",
    "W/1",
    "W/",
    "W",
    "w/\"1\"",
    "W /\"1\"",
    "\"a b\"",
    "\"a\tb\"",
    "\"a\x7f\"",
    "\"1\", \"2",
    "'1'",
};

Test(etag, what_is_no_list_of_tags_is_refused)
{
    const struct slice nul = {"\"1\"\0", 4};
    struct store_match match = {.count = 77};
    struct error err;

    for (size_t i = 0; i < sizeof(no_tags) / sizeof(no_tags[0]); i++) {
        const struct slice header = slice_from(no_tags[i]);
        cr_expect_not(etag_parse_if_match(header, &match, &err), "If-Match: %s", no_tags[i]);
        cr_expect_eq(err.kind, ERROR_INVALID_HEADER);
        cr_expect_str_eq(err.field, "If-Match");
        cr_expect_not(etag_parse_if_none_match(header, &match, &err), "If-None-Match: %s",
                      no_tags[i]);
        cr_expect_eq(err.kind, ERROR_INVALID_HEADER);
        cr_expect_str_eq(err.field, "If-None-Match");
    }
    cr_expect_not(etag_parse_if_match(nul, &match, &err));
    cr_expect_not(etag_parse_if_none_match(nul, &match, &err));
    cr_expect_eq(match.count, 77, "an out parameter is untouched on failure");
}

struct list {
    const char *header;
    const char *strong; /* the versions that If-Match names */
    bool weak_names_5;  /* whether If-None-Match names version 5 */
};

static const struct list lists[] = {
    {"\"5\"", "5 ", true},
    {"\"1\"", "1 ", false},
    {"\"1\",\"5\"", "1 5 ", true},
    {" \t\"1\" \t, \t\"5\" \t", "1 5 ", true},
    {",, \"1\" ,, ,\"5\",", "1 5 ", true},
    {"\"5\", \"5\"", "5 5 ", true},
    {"W/\"5\"", "", true},
    {"W/\"5\", \"1\"", "1 ", true},
    {"W/\"1\", W/\"2\"", "", false},
    {"\"\"", "", false},
    {"\"5,1\"", "", false},
    {"\"a,\", \"5\"", "5 ", true},
    {"\",5,\"", "", false},
    {"\"W/5\"", "", false},
    {"\"*\"", "", false},
    {"\"\xc3\xa4\"", "", false},
    {"\"!#~\"", "", false},
    {"\"05\"", "", false},
    {"\"+5\"", "", false},
    {"\"-5\"", "", false},
    {"\"5.0\"", "", false},
    {"\"0\"", "", false},
    {"\"18446744073709551621\"", "", false}, /* 2^64 + 5 */
    {"\"999999999999999999\"", "999999999999999999 ", false},
};

Test(etag, if_match_takes_the_strong_tags_that_a_version_can_have)
{
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct store_match match;
        struct error err;
        char versions[64] = "";
        size_t at = 0;

        cr_assert(etag_parse_if_match(slice_from(lists[i].header), &match, &err), "%s",
                  lists[i].header);
        cr_expect(match.present);
        cr_expect_not(match.any);
        for (size_t k = 0; k < match.count; k++)
            at += (size_t)snprintf(versions + at, sizeof(versions) - at, "%lld ",
                                   (long long)match.versions[k]);
        cr_expect_str_eq(versions, lists[i].strong, "%s", lists[i].header);
    }
}

Test(etag, if_none_match_compares_weakly)
{
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct store_match match;
        struct error err;

        cr_assert(etag_parse_if_none_match(slice_from(lists[i].header), &match, &err), "%s",
                  lists[i].header);
        cr_expect(match.present);
        cr_expect_eq(store_match_names(&match, 5), lists[i].weak_names_5, "%s", lists[i].header);
    }
}

Test(etag, a_star_stands_for_any)
{
    static const char *const stars[] = {"*", " *", "*\t "};

    for (size_t i = 0; i < sizeof(stars) / sizeof(stars[0]); i++) {
        struct store_match match;
        struct store_match none_match;
        struct error err;

        cr_expect(etag_parse_if_match(slice_from(stars[i]), &match, &err), "%s", stars[i]);
        cr_expect(match.present && match.any);
        cr_expect(etag_parse_if_none_match(slice_from(stars[i]), &none_match, &err), "%s",
                  stars[i]);
        cr_expect(store_match_names(&none_match, 1));
    }
}

Test(etag, without_the_header_there_is_no_condition)
{
    struct store_match match = {.present = true, .any = true};
    struct store_match none_match = {.present = true, .any = true};
    struct error err;

    cr_expect(etag_parse_if_match((struct slice){0}, &match, &err));
    cr_expect_not(match.present);
    cr_expect(etag_parse_if_none_match((struct slice){0}, &none_match, &err));
    cr_expect_not(none_match.present);
    cr_expect_not(store_match_names(&none_match, 1));
}

/* "1", "2", … "count", and, when asked for, as many weak tags between them. */
static void make_list(struct buffer *out, int count, bool weak_between)
{
    for (int i = 1; i <= count; i++)
        buffer_printf(out, "%s\"%d\"%s", i > 1 ? ", " : "", i, weak_between ? ", W/\"1\"" : "");
}

Test(etag, if_match_has_a_limit)
{
    struct buffer list = {0};
    struct store_match match = {0};
    struct error err;

    make_list(&list, STORE_MATCH_MAX, true);
    cr_expect(etag_parse_if_match(buffer_slice(&list), &match, &err));
    cr_expect_eq(match.count, STORE_MATCH_MAX);
    cr_expect_eq(match.versions[STORE_MATCH_MAX - 1], STORE_MATCH_MAX);
    list.len = 0;
    make_list(&list, STORE_MATCH_MAX + 1, false);
    cr_expect_not(etag_parse_if_match(buffer_slice(&list), &match, &err));
    cr_expect_eq(err.kind, ERROR_INVALID_HEADER);
    cr_expect_str_eq(err.field, "If-Match");
    cr_expect(strstr(err.detail, "32"), "%s", err.detail);
    buffer_release(&list);
}

Test(etag, in_if_none_match_weak_tags_count)
{
    struct buffer list = {0};
    struct store_match match = {0};
    struct error err;

    make_list(&list, STORE_MATCH_MAX / 2, true);
    cr_expect(etag_parse_if_none_match(buffer_slice(&list), &match, &err));
    cr_expect_eq(match.count, STORE_MATCH_MAX);
    list.len = 0;
    make_list(&list, STORE_MATCH_MAX / 2 + 1, true);
    cr_expect_not(etag_parse_if_none_match(buffer_slice(&list), &match, &err));
    cr_expect_eq(err.kind, ERROR_INVALID_HEADER);
    cr_expect_str_eq(err.field, "If-None-Match");
    buffer_release(&list);
}
