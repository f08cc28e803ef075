/*
 * A method's number and a target: the router finds what a comparison of the path segment by segment
 * finds; the parameters of a query are what stands between its `&`s, and decode to UTF-8.
 *
 * Covers: routes/core/router.c routes/http/query.c
 */
#include "routes/core/problem.h"
#include "routes/core/router.h"
#include "routes/http/query.h"
#include "routes/json/utf8.h"
#include "tests/fuzz/expect.h"

#include <stdint.h>

#define MAX_BYTES 4096

static struct slice take_segment(struct slice *rest)
{
    const char *slash = rest->len == 0 ? NULL : memchr(rest->data, '/', rest->len);
    const size_t len = slash == NULL ? rest->len : (size_t)(slash - rest->data);
    const size_t taken = slash == NULL ? len : len + 1;
    const struct slice segment = {rest->data, len};

    *rest = (struct slice){rest->data + taken, rest->len - taken};
    return segment;
}

static size_t count_slashes(struct slice text)
{
    size_t found = 0;

    for (size_t i = 0; i < text.len; i++)
        found += text.data[i] == '/';
    return found;
}

/* Segment by segment, where {id} is any but an empty one. `exact`: no {id} was needed. */
static bool plain_fit(const char *pattern, struct slice path, bool *exact)
{
    struct slice pattern_rest = slice_from(pattern);
    struct slice path_rest = path;

    *exact = true;
    if (count_slashes(pattern_rest) != count_slashes(path))
        return false;
    for (size_t left = count_slashes(path) + 1; left > 0; left--) {
        const struct slice want = take_segment(&pattern_rest);
        const struct slice have = take_segment(&path_rest);
        const bool any = want.len > 0 && want.data[0] == '{';
        *exact = *exact && !any;
        if (any ? have.len == 0 : !slice_equal(want, have))
            return false;
    }
    return true;
}

/* The status that the plain comparison gives: 0 where a route is found. */
static int plain_route(enum method method, struct slice path, const struct route **found)
{
    const struct route *route;
    bool any = false;
    bool exactly = false;
    bool exact;

    *found = NULL;
    for (size_t i = 0; (route = router_route(i)) != NULL; i++)
        exactly = exactly || (plain_fit(route->pattern, path, &exact) && exact);
    for (size_t i = 0; (route = router_route(i)) != NULL; i++) {
        if (!plain_fit(route->pattern, path, &exact) || exact != exactly)
            continue;
        any = true;
        if (*found == NULL &&
            (route->method == method || (route->method == METHOD_GET && method == METHOD_HEAD)))
            *found = route;
    }
    return *found != NULL ? 0 : any ? 405 : 404;
}

static void check_route(enum method method, struct slice path, struct slice query,
                        struct slice input)
{
    const struct routes routes = {.max_body_bytes = 1000};
    struct exchange ex = {.method = method, .path = path, .query = query, .request_id = "x"};
    const struct route *expected;
    const int status = plain_route(method, path, &expected);

    router_find(&ex);
    router_check(&routes, &ex);
    expect(ex.route == expected, "another route", input);
    expect(status == 0 || ex.status == status, "another status", input);
    if (ex.route != NULL && strchr(ex.route->pattern, '{') != NULL)
        expect(ex.id_text.len > 0 && memchr(ex.id_text.data, '/', ex.id_text.len) == NULL, "the id",
               input);
    exchange_release(&ex);
}

static void check_value(const struct query_parameter *parameter, struct slice input)
{
    struct buffer text = {0};
    struct error err = {.kind = ERROR_NONE};

    if (query_decode(parameter, &text, &err)) {
        const struct slice decoded = buffer_slice(&text);
        expect(decoded.len <= parameter->value.len, "a value grew", input);
        expect(decoded.len == 0 || memchr(decoded.data, '\0', decoded.len) == NULL, "a NUL", input);
        for (size_t at = 0; at < decoded.len;) {
            const char *c = decoded.data + at;
            const size_t len =
                (unsigned char)*c < 0x80 ? 1 : json_utf8_length(c, decoded.data + decoded.len);
            expect(len > 0, "no UTF-8", input);
            at += len;
        }
    } else {
        expect(err.kind == ERROR_INVALID_QUERY && err.detail[0] != '\0', "a refusal", input);
    }
    buffer_release(&text);
}

static void check_query(struct slice query, struct slice input)
{
    struct query_parameter parameter;
    struct slice rest = query;
    struct buffer raw = {0};
    size_t bytes = 0;
    size_t ends = 0;

    while (query_next(&rest, &parameter)) {
        bytes += parameter.raw.len;
        expect(parameter.raw.len > 0 && memchr(parameter.raw.data, '&', parameter.raw.len) == NULL,
               "raw", input);
        expect(memchr(parameter.name.data, '=', parameter.name.len) == NULL,
               "a name with =", input);
        check_value(&parameter, input);
        query_add_raw(&raw, parameter.raw);
    }
    for (size_t i = 0; i < query.len; i++)
        ends += query.data[i] == '&';
    expect(bytes + ends == query.len, "a parameter is lost", input);
    for (size_t i = 0; i < raw.len; i++)
        expect(raw.data[i] > ' ' && raw.data[i] < 0x7f &&
                   strchr("<>\"{}|\\^`&#", raw.data[i]) == NULL,
               "no URI", input);
    buffer_release(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > MAX_BYTES)
        return 0;
    const struct slice input = {(const char *)data, size};
    const struct slice target = {input.data + 1, size - 1};
    const char *question = target.len == 0 ? NULL : memchr(target.data, '?', target.len);
    const size_t path_len = question == NULL ? target.len : (size_t)(question - target.data);
    const struct slice path = {target.data, path_len};
    const struct slice query = question == NULL
                                   ? (struct slice){0}
                                   : (struct slice){question + 1, target.len - path_len - 1};

    check_route((enum method)(data[0] % (METHOD_COUNT + 1)), path, query, input);
    check_query(query, input);
    return 0;
}
