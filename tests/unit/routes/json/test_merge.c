/* Merge patches: the table of RFC 7396, what must survive, limits, and a plain reference. */
#include "routes/json/merge.h"
#include "routes/json/patch.h"
#include "routes/json/scan.h"
#include "tests/fuzz/naive_merge.h"

#include <criterion/criterion.h>
#include <stdint.h>

struct merge_case {
    const char *target;
    const char *patch;
    const char *result;
};

static const struct merge_case rfc7396_appendix_a[] = {
    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
    {"{\"a\":\"foo\"}", "null", "null"},
    {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
};

static const struct merge_case merges[] = {
    /* the texts of numbers and strings survive on both sides */
    {"{\"n\":100000000000000000000,\"m\":1}", "{\"m\":2}", "{\"n\":100000000000000000000,\"m\":2}"},
    {"{\"a\":1e400,\"b\":-0,\"c\":0.10,\"d\":1E+2}", "{}",
     "{\"a\":1e400,\"b\":-0,\"c\":0.10,\"d\":1E+2}"},
    {"{}", "{\"a\":100000000000000000000,\"b\":1e400,\"c\":-0,\"d\":0.10}",
     "{\"a\":100000000000000000000,\"b\":1e400,\"c\":-0,\"d\":0.10}"},
    {"{\"a\":1,\"b\":1}", "{\"a\":1.0,\"b\":-0.0}", "{\"a\":1.0,\"b\":-0.0}"},
    {"{\"a\":\"\\u00e5\\/\\ud800\"}", "{\"b\":\"\\u00E5\\ud83d\\ude00\"}",
     "{\"a\":\"\\u00e5\\/\\ud800\",\"b\":\"\\u00E5\\ud83d\\ude00\"}"},
    {"{\"a\":\"}{,:\\\"\"}", "{\"b\":\"}{,:\\\"\"}", "{\"a\":\"}{,:\\\"\",\"b\":\"}{,:\\\"\"}"},
    {"{\"a\":\"\\\\\",\"b\":1}", "{\"b\":null}", "{\"a\":\"\\\\\"}"},

    /* order: replaced in place, new ones behind in the patch's order */
    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":4,\"a\":5}", "{\"a\":5,\"b\":2,\"c\":4}"},
    {"{\"m\":1}", "{\"z\":1,\"a\":2,\"m\":3}", "{\"m\":3,\"z\":1,\"a\":2}"},
    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":null}", "{\"b\":2,\"c\":3}"},
    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"b\":null}", "{\"a\":1,\"c\":3}"},
    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":null}", "{\"a\":1,\"b\":2}"},
    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":null,\"b\":null,\"c\":null}", "{}"},
    {"{\"a\":1}", "{\"a\":null,\"b\":2}", "{\"b\":2}"},
    {"{\"a\":{\"x\":1,\"y\":2},\"b\":3}", "{\"a\":{\"z\":4,\"x\":5}}",
     "{\"a\":{\"x\":5,\"y\":2,\"z\":4},\"b\":3}"},

    /* names are compared decoded; the target's spelling stays */
    {"{\"\\u0061\":1}", "{\"a\":2}", "{\"\\u0061\":2}"},
    {"{\"a\":1}", "{\"\\u0061\":2}", "{\"a\":2}"},
    {"{\"a\":1}", "{\"\\u0061\":null}", "{}"},
    {"{\"a\\/b\":{\"\xc3\xa5\":1}}", "{\"a/b\":{\"\\u00e5\":2}}", "{\"a\\/b\":{\"\xc3\xa5\":2}}"},
    {"{\"\\ud83d\\ude00\":1}", "{\"\xf0\x9f\x98\x80\":null}", "{}"},
    {"{\"\\ud800\":1}", "{\"\\uD800\":2,\"\\udc00\":3}", "{\"\\ud800\":2,\"\\udc00\":3}"},
    {"{\"\\u0000\":1,\"\":2}", "{\"\\u0000\":3}", "{\"\\u0000\":3,\"\":2}"},
    {"{\"\":1}", "{\"\":null}", "{}"},
    {"{\"a\":1,\"ab\":2,\"abc\":3}", "{\"ab\":null}", "{\"a\":1,\"abc\":3}"},
    {"{\"12345678\":1,\"123456789\":2}", "{\"123456789\":null}", "{\"12345678\":1}"},

    /* kinds that change */
    {"{\"a\":1}", "{\"a\":{\"b\":2,\"c\":null}}", "{\"a\":{\"b\":2}}"},
    {"{\"a\":[1]}", "{\"a\":{\"b\":{\"c\":null}}}", "{\"a\":{\"b\":{}}}"},
    {"{\"a\":null}", "{\"a\":{}}", "{\"a\":{}}"},
    {"{\"a\":null}", "{\"a\":null}", "{}"},
    {"{\"a\":null}", "{}", "{\"a\":null}"},
    {"{\"a\":{\"b\":null}}", "{\"a\":{}}", "{\"a\":{\"b\":null}}"},
    {"{\"a\":{\"b\":null}}", "{\"a\":{\"c\":1}}", "{\"a\":{\"b\":null,\"c\":1}}"},
    {"{\"a\":{\"b\":1}}", "{\"a\":1}", "{\"a\":1}"},
    {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":null}}", "{\"a\":{}}"},
    {"{\"a\":{\"b\":1},\"b\":1}", "{\"a\":{\"b\":{\"b\":2}},\"b\":null}",
     "{\"a\":{\"b\":{\"b\":2}}}"},
    {"{\"x\":{\"x\":{\"y\":1},\"y\":2},\"y\":3}", "{\"x\":{\"y\":null}}",
     "{\"x\":{\"x\":{\"y\":1}},\"y\":3}"},
    {"1", "{}", "{}"},
    {"null", "{\"a\":null}", "{}"},
    {"\"{\"", "{\"a\":1}", "{\"a\":1}"},
    {"[]", "{\"a\":{\"b\":null,\"c\":[null]}}", "{\"a\":{\"c\":[null]}}"},
    {"{}", "{}", "{}"},
    {"{}", "[]", "[]"},
    {"{}", "false", "false"},
    {"{}", "-0", "-0"},
    {"1", "2", "2"},

    /* arrays are opaque */
    {"{}", "{\"a\":[null,{\"b\":null},[null]]}", "{\"a\":[null,{\"b\":null},[null]]}"},
    {"{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":null}]}", "{\"a\":[{\"b\":null}]}"},
    {"{\"a\":[{\"b\":1}],\"b\":2}", "{\"b\":null}", "{\"a\":[{\"b\":1}]}"},
    {"[{\"a\":1}]", "[{\"a\":null}]", "[{\"a\":null}]"},

    /* nulls are stripped at every depth of what is new */
    {"{}", "{\"a\":{\"b\":{\"c\":null,\"d\":{\"e\":null}},\"f\":null,\"g\":1}}",
     "{\"a\":{\"b\":{\"d\":{}},\"g\":1}}"},
    {"{}", "{\"a\":null,\"b\":null}", "{}"},
    {"{}", "{\"a\":null,\"b\":1,\"c\":null}", "{\"b\":1}"},

    /* white space: kept inside what is copied, dropped elsewhere */
    {" { \"a\" : 1 , \"b\" : [ 1 ] } ", " { \"c\" : { \"d\" : [ 2 , null ] , \"e\" : null } } ",
     "{\"a\" : 1,\"b\" : [ 1 ],\"c\":{\"d\":[ 2 , null ]}}"},
    {"{\n\t\"a\" :\r{ \"b\" : 1 }\n}", "{ \"a\" : { \"b\" : 2 } }", "{\"a\":{\"b\":2}}"},
    {"{ }", " { } ", "{}"},
    {" 1 ", "\t[ 1 ]\n", "[ 1 ]"},
    {"{\"a\":1}", " \"b\" ", "\"b\""},
};

static bool apply(struct slice target, struct slice patch, size_t max_bytes, struct buffer *out,
                  struct error *err)
{
    struct json_patch *built = json_patch_new(patch);
    bool ok = json_patch_apply(built, target, max_bytes, out, err);

    json_patch_free(built);
    return ok;
}

static void expect_merge(const struct merge_case *it)
{
    struct buffer out = {0};
    struct error err = {0};

    cr_assert(json_scan(slice_from(it->target), 512, NULL, &err), "%s", it->target);
    cr_assert(json_scan(slice_from(it->patch), 512, NULL, &err), "%s", it->patch);
    cr_expect(apply(slice_from(it->target), slice_from(it->patch), 4096, &out, &err));
    cr_expect(slice_is(buffer_slice(&out), it->result), "%s + %s = %.*s, not %s", it->target,
              it->patch, (int)out.len, out.data, it->result);
    buffer_release(&out);
}

Test(json_merge, rfc7396_appendix_a)
{
    for (size_t i = 0; i < sizeof(rfc7396_appendix_a) / sizeof(rfc7396_appendix_a[0]); i++)
        expect_merge(&rfc7396_appendix_a[i]);
}

Test(json_merge, what_is_not_named_stays_as_it_was_written)
{
    for (size_t i = 0; i < sizeof(merges) / sizeof(merges[0]); i++)
        expect_merge(&merges[i]);
}

Test(json_merge, one_patch_applies_to_many_targets)
{
    struct json_patch *patch =
        json_patch_new(slice_from("{\"a\":{\"b\":1,\"c\":null},\"d\":null}"));
    static const char *const targets[] = {"{}", "{\"a\":{\"c\":2},\"d\":3}", "[]", "{\"a\":1}"};
    struct error err = {0};

    for (size_t i = 0; i < 8; i++) {
        struct buffer out = {0};

        cr_assert(json_patch_apply(patch, slice_from(targets[i % 4]), 100, &out, &err));
        cr_expect(slice_is(buffer_slice(&out), "{\"a\":{\"b\":1}}"), "%s: %.*s", targets[i % 4],
                  (int)out.len, out.data);
        buffer_release(&out);
    }
    json_patch_free(patch);
    json_patch_free(NULL);
}

Test(json_merge, results_may_be_as_long_as_the_limit_and_no_longer)
{
    for (size_t i = 0; i < sizeof(merges) / sizeof(merges[0]); i++) {
        struct slice target = slice_from(merges[i].target);
        struct slice patch = slice_from(merges[i].patch);
        size_t len = strlen(merges[i].result);
        struct buffer out = {0};
        struct error err = {0};

        buffer_add_text(&out, "kept");
        cr_expect(apply(target, patch, len, &out, &err), "%s", merges[i].result);
        cr_expect_eq(out.len, 4 + len);
        out.len = 4;
        cr_expect(!apply(target, patch, len - 1, &out, &err), "%s", merges[i].result);
        cr_expect_eq(err.kind, ERROR_TOO_LARGE);
        cr_expect(slice_is(buffer_slice(&out), "kept"));
        buffer_release(&out);
    }
}

static void add_nested(struct buffer *text, size_t depth, const char *open, const char *inner)
{
    for (size_t i = 0; i < depth; i++)
        buffer_add_text(text, open);
    buffer_add_text(text, inner);
    for (size_t i = 0; i < depth; i++)
        buffer_add_text(text, "}");
}

static void expect_nested(size_t depth)
{
    struct buffer target = {0};
    struct buffer patch = {0};
    struct buffer want = {0};
    struct buffer out = {0};
    struct error err = {0};

    add_nested(&target, depth, "{\"k\":1,\"a\":", "{\"x\":-0,\"gone\":[]}");
    add_nested(&patch, depth, "{\"a\":", "{\"gone\":null,\"y\":{\"z\":null}}");
    add_nested(&want, depth, "{\"k\":1,\"a\":", "{\"x\":-0,\"y\":{}}");
    cr_expect(apply(buffer_slice(&target), buffer_slice(&patch), SIZE_MAX, &out, &err));
    cr_expect(slice_equal(buffer_slice(&out), buffer_slice(&want)), "%zu levels", depth);
    out.len = 0;
    want.len = 0;
    add_nested(&want, depth, "{\"a\":", "{\"y\":{}}");
    cr_expect(apply(slice_from("{\"a\":[]}"), buffer_slice(&patch), SIZE_MAX, &out, &err));
    cr_expect(slice_equal(buffer_slice(&out), buffer_slice(&want)), "%zu new levels", depth);
    buffer_release(&target);
    buffer_release(&patch);
    buffer_release(&want);
    buffer_release(&out);
}

Test(json_merge, deep_nesting_takes_no_recursion_and_no_quadratic_time, .timeout = 60)
{
    expect_nested(1);
    expect_nested(512);
    expect_nested(100000);
}

Test(json_merge, wide_objects_take_no_quadratic_time, .timeout = 60)
{
    struct buffer target = {0};
    struct buffer patch = {0};
    struct buffer want = {0};
    struct buffer out = {0};
    struct error err = {0};

    /* Every third is replaced, every third deleted, every third left; as many are new. */
    for (size_t i = 0; i < 100000; i++) {
        buffer_printf(&target, "%c\"%zu\":%zu", i == 0 ? '{' : ',', i, i);
        buffer_printf(&patch,
                      i % 3 == 1 ? "%c\"\\u006e%zu\":[],\"%zu\":null" : "%c\"\\u006e%zu\":[]",
                      i == 0 ? '{' : ',', i, i);
        if (i % 3 == 0)
            buffer_printf(&patch, ",\"%zu\":-0", i);
        if (i % 3 != 1)
            buffer_printf(&want, "%c\"%zu\":", i == 0 ? '{' : ',', i);
        if (i % 3 == 0)
            buffer_add_text(&want, "-0");
        if (i % 3 == 2)
            buffer_printf(&want, "%zu", i);
    }
    for (size_t i = 0; i < 100000; i++)
        buffer_printf(&want, ",\"\\u006e%zu\":[]", i);
    buffer_add_text(&target, "}");
    buffer_add_text(&patch, "}");
    buffer_add_text(&want, "}");
    cr_assert(json_scan(buffer_slice(&patch), 2, NULL, &err), "%s", err.detail);
    cr_expect(apply(buffer_slice(&target), buffer_slice(&patch), SIZE_MAX, &out, &err));
    cr_expect(slice_equal(buffer_slice(&out), buffer_slice(&want)));
    buffer_release(&target);
    buffer_release(&patch);
    buffer_release(&want);
    buffer_release(&out);
}

static uint32_t random_below(uint64_t *state, uint32_t bound)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % bound);
}

/* A text without white space; names come from six, each in two spellings, at most once. */
static void add_random(struct buffer *text, uint64_t *state, unsigned depth)
{
    static const char *const names[] = {"a", "b",       "\xc3\xa5", "\\n",     "", "/",
                                        "a", "\\u0062", "\\u00e5",  "\\u000A", "", "\\/"};
    static const char *const scalars[] = {"null", "null", "true",  "-0", "1e400",
                                          "0.10", "\"\"", "\"}\"", "[]", "[null,{\"a\":null}]"};
    bool is_object = depth > 0 && random_below(state, 8) != 0;

    if (!is_object) {
        buffer_add_text(text, scalars[random_below(state, 10)]);
        return;
    }
    buffer_add_char(text, '{');
    for (uint32_t i = 0; i < 6; i++) {
        if (random_below(state, 2) == 0)
            continue;
        naive_add_name(text, slice_from(names[i + 6 * random_below(state, 2)]));
        add_random(text, state, random_below(state, 2) == 0 ? 0 : depth - 1);
    }
    buffer_add_char(text, '}');
}

Test(json_merge, does_what_the_plain_reference_does, .timeout = 60)
{
    uint64_t state = 20261123;

    for (size_t i = 0; i < 30000; i++) {
        struct buffer target = {0};
        struct buffer patch = {0};
        struct buffer want = {0};
        struct buffer out = {0};
        struct error err = {0};

        add_random(&target, &state, 3);
        add_random(&patch, &state, 4);
        naive_merge(buffer_slice(&target), buffer_slice(&patch), &want);
        cr_assert(json_scan(buffer_slice(&target), 8, NULL, &err), "%s", err.detail);
        cr_expect(apply(buffer_slice(&target), buffer_slice(&patch), SIZE_MAX, &out, &err));
        cr_assert(slice_equal(buffer_slice(&out), buffer_slice(&want)), "%.*s + %.*s = %.*s",
                  (int)target.len, target.data, (int)patch.len, patch.data, (int)out.len, out.data);
        buffer_release(&target);
        buffer_release(&patch);
        buffer_release(&want);
        buffer_release(&out);
    }
}
