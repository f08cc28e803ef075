/* Query strings: parameters as they were sent, and their values decoded. */

#include "routes/http/query.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(query, parameters_come_in_order_as_they_were_sent)
{
    static const struct {
        const char *raw;
        const char *name;
        const char *value;
    } wanted[] = {
        {"a=1", "a", "1"},     {"b=", "b", ""},       {"c", "c", ""},
        {"=d", "", "d"},       {"e=x=y", "e", "x=y"}, {"a=%41+", "a", "%41+"},
        {"%61=1", "%61", "1"}, {"f=?", "f", "?"},     {"=", "", ""},
    };
    struct slice rest = SLICE_LITERAL("&&a=1&b=&c&=d&e=x=y&&a=%41+&%61=1&f=?&=&");
    struct query_parameter parameter;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        cr_assert(query_next(&rest, &parameter), "%s", wanted[i].raw);
        cr_expect(slice_is(parameter.raw, wanted[i].raw), "%s", wanted[i].raw);
        cr_expect(slice_is(parameter.name, wanted[i].name), "%s", wanted[i].raw);
        cr_expect(slice_is(parameter.value, wanted[i].value), "%s", wanted[i].raw);
    }
    cr_expect_not(query_next(&rest, &parameter));
}

Test(query, no_query_has_no_parameters)
{
    static const char *const empty[] = {"", "&", "&&&"};
    struct query_parameter parameter;
    struct slice rest = {0};

    cr_expect_not(query_next(&rest, &parameter));
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        rest = slice_from(empty[i]);
        cr_expect_not(query_next(&rest, &parameter), "\"%s\"", empty[i]);
    }
}

static struct query_parameter parameter_of(struct slice value)
{
    return (struct query_parameter){.name = SLICE_LITERAL("name"), .value = value};
}

Test(query, values_are_decoded)
{
    static const struct {
        const char *sent;
        const char *decoded;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"+15551234567", "+15551234567"},
        {"++", "+ "},
        {"a+b", "a b"},
        {"%2B1", "+1"},
        {"%20+", "  "},
        {"%2f%2F", "//"},
        {"%25%26%3D", "%&="},
        {"%C3%A4\xc3\xa4", "\xc3\xa4\xc3\xa4"},
        {"%F0%9F%98%80", "\xf0\x9f\x98\x80"},
        {"%0A%7f", "\n\x7f"},
        {"a=b", "a=b"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct query_parameter parameter = parameter_of(slice_from(cases[i].sent));
        struct buffer out = {0};
        struct error err;

        cr_expect(query_decode(&parameter, &out, &err), "%s", cases[i].sent);
        cr_expect(slice_is(buffer_slice(&out), cases[i].decoded), "%s", cases[i].sent);
        buffer_release(&out);
    }
}

Test(query, a_decoded_value_goes_behind_what_is_there)
{
    const struct query_parameter parameter = parameter_of(SLICE_LITERAL("b%63"));
    struct buffer out = {0};
    struct error err;

    buffer_add_text(&out, "a\xff"); /* not this value's concern */
    cr_expect(query_decode(&parameter, &out, &err), "%s", err.detail);
    cr_expect(slice_is(buffer_slice(&out), "a\xff"
                                           "bc"));
    buffer_release(&out);
}

Test(query, values_that_stand_for_no_text_are_refused)
{
    const struct slice bad[] = {
        SLICE_LITERAL("%"),
        SLICE_LITERAL("a%"),
        SLICE_LITERAL("%4"),
        SLICE_LITERAL("%4g"),
        SLICE_LITERAL("%g4"),
        SLICE_LITERAL("%%41"),
        SLICE_LITERAL("%-1"),
        SLICE_LITERAL("% 1"),
        SLICE_LITERAL("%00"),
        SLICE_LITERAL("a\0b"),
        SLICE_LITERAL("%ff"),
        SLICE_LITERAL("\xff"),
        SLICE_LITERAL("%C3"),
        SLICE_LITERAL("%C3x"),
        SLICE_LITERAL("%C0%AF"),
        SLICE_LITERAL("%80"),
        SLICE_LITERAL("\xe2%82"),
        SLICE_LITERAL("%ED%A0%80"),
        SLICE_LITERAL("%F4%90%80%80"),
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct query_parameter parameter = parameter_of(bad[i]);
        struct buffer out = {0};
        struct error err = {0};

        cr_expect_not(query_decode(&parameter, &out, &err), "case %zu", i);
        cr_expect_eq(err.kind, ERROR_INVALID_QUERY);
        cr_expect_str_eq(err.field, "name");
        cr_expect_str_neq(err.detail, "");
        buffer_release(&out);
    }
}

/* A refusal does not look behind the value for what completes it. */
Test(query, nothing_behind_the_value_is_read)
{
    struct slice rest = SLICE_LITERAL("a=%4&1=%C3&%A4");
    struct query_parameter parameter;
    struct buffer out = {0};
    struct error err;

    for (int i = 0; i < 2; i++) {
        cr_assert(query_next(&rest, &parameter));
        cr_expect_not(query_decode(&parameter, &out, &err));
    }
    buffer_release(&out);
}

Test(query, a_refusal_names_the_parameter)
{
    const struct query_parameter parameter = {.name = SLICE_LITERAL("limit")};
    struct error err;

    cr_expect_not(query_reject(&parameter, "it is too much", &err));
    cr_expect_eq(err.kind, ERROR_INVALID_QUERY);
    cr_expect_str_eq(err.field, "limit");
    cr_expect_str_eq(err.detail, "it is too much");
}

Test(query, a_refusal_cuts_a_long_name)
{
    char name[300];
    struct error err;

    memset(name, 'n', sizeof(name));
    const struct query_parameter parameter = {.name = {name, sizeof(name)}};
    cr_expect_not(query_reject(&parameter, "there is no such parameter", &err));
    cr_expect_eq(strlen(err.field), sizeof(err.field) - 1);
    cr_expect_str_eq(err.detail, "there is no such parameter");
}

/* A random sequence of code points without NUL and surrogates. */
static void add_random_text(struct buffer *out, int points)
{
    for (int i = 0; i < points; i++) {
        const uint32_t wide = (uint32_t)random();
        if (wide % 3 != 0)
            buffer_add_char(out, (char)(1 + wide / 3 % 127));
        else if (wide % 2 == 0)
            buffer_printf(out, "%c%c", (char)(0xc2 + wide / 6 % 30),
                          (char)(0x80 + wide / 180 % 64));
        else
            buffer_printf(out, "%c%c%c", (char)(0xe1 + wide / 6 % 12),
                          (char)(0x80 + wide / 72 % 64), (char)(0x80 + wide / 4608 % 64));
    }
}

static void decode(struct slice value, struct buffer *out)
{
    const struct query_parameter parameter = parameter_of(value);
    struct error err;

    cr_assert(query_decode(&parameter, out, &err), "%s", err.detail);
}

Test(query, what_is_added_raw_means_what_was_sent)
{
    for (int round = 0; round < 2000; round++) {
        struct buffer sent = {0};
        struct buffer meant = {0};
        struct buffer added = {0};
        struct buffer back = {0};

        add_random_text(&sent, round % 40);
        for (size_t i = 0; i < sent.len; i++) {
            if (sent.data[i] == '%') /* stands before two digits only, which it does not here */
                sent.data[i] = '5';
        }
        decode(buffer_slice(&sent), &meant);
        query_add_raw(&added, buffer_slice(&sent));
        decode(buffer_slice(&added), &back);
        cr_assert(slice_equal(buffer_slice(&back), buffer_slice(&meant)));
        buffer_release(&back);
        buffer_release(&added);
        buffer_release(&meant);
        buffer_release(&sent);
    }
}

/* RFC 3986 §3.4. */
Test(query, what_is_added_raw_may_stand_in_a_uri)
{
    struct buffer sent = {0};
    struct buffer added = {0};

    for (int c = 1; c < 256; c++)
        buffer_add_char(&sent, (char)c);
    query_add_raw(&added, buffer_slice(&sent));
    for (size_t i = 0; i < added.len; i++) {
        const char c = added.data[i];
        cr_expect(c > ' ' && c < 0x7f && strchr("#<>\"\\^`{|}[]", c) == NULL, "%c", c);
    }
    buffer_release(&added);
    buffer_release(&sent);
}
