/* From a request to its route: the table, and what is answered before a body is read. */

#include "routes/core/router.h"
#include "routes/http/method.h"

#include <criterion/criterion.h>

static const struct routes routes = {.max_body_bytes = 1000};
static struct exchange ex;

static void release(void)
{
    exchange_release(&ex);
}

TestSuite(router, .fini = release);

/* Matches; returns the status that was answered, 0 when the body is asked for. */
static int match(enum method method, const char *path)
{
    ex.method = method;
    ex.path = slice_from(path);
    router_find(&ex);
    router_check(&routes, &ex);
    return ex.status;
}

/* A request of its own for each call. */
static int match_anew(enum method method, const char *path)
{
    exchange_release(&ex);
    ex = (struct exchange){0};
    return match(method, path);
}

static void send_body(uint64_t bytes, const char *type)
{
    exchange_release(&ex);
    ex = (struct exchange){.content_length = bytes};
    ex.headers[REQUEST_CONTENT_TYPE] = slice_from(type);
}

static const char *response_header(const char *name)
{
    for (size_t i = 0; i < ex.response_header_count; i++) {
        if (strcmp(ex.response_headers[i].name, name) == 0)
            return exchange_header_value(&ex, i);
    }
    return "(none)";
}

Test(router, the_table_is_consistent)
{
    const struct route *route;
    size_t count = 0;

    for (; (route = router_route(count)) != NULL; count++) {
        cr_expect_lt(route->method, METHOD_COUNT);
        cr_expect_neq(route->method, METHOD_HEAD, "GET serves it");
        cr_expect_eq(route->pattern[0], '/');
        cr_expect(route->begin != NULL, "%s", route->pattern);
        cr_expect(route->body == ROUTE_BODY_NONE || route->finish != NULL,
                  "%s takes a body, so it writes", route->pattern);
        for (size_t i = 0; i < count; i++)
            cr_expect(router_route(i)->method != route->method ||
                          strcmp(router_route(i)->pattern, route->pattern) != 0,
                      "%s is there twice", route->pattern);
    }
    cr_expect_gt(count, 0);
    cr_expect_null(router_route(count));
    cr_expect_null(router_route(SIZE_MAX));
}

Test(router, every_route_is_found_by_its_own_path)
{
    const struct route *route;

    for (size_t i = 0; (route = router_route(i)) != NULL; i++) {
        send_body(0, "application/json");
        cr_expect_eq(match(route->method, route->pattern), 0, "%s", route->pattern);
        cr_expect(ex.route == route, "%s", route->pattern);
    }
}

Test(router, the_id_is_one_segment)
{
    cr_expect_eq(match_anew(METHOD_GET, "/sessions/abc"), 0);
    cr_expect(ex.route == &route_session_get);
    cr_expect(slice_is(ex.id_text, "abc"));
    cr_expect_eq(match_anew(METHOD_GET, "/sessions/%2F"), 0);
    cr_expect(slice_is(ex.id_text, "%2F"));
}

Test(router, other_paths_are_not_found)
{
    static const char *const paths[] = {
        "",
        "/",
        "/session",
        "/sessionss",
        "/sessions/",
        "/sessions/a/",
        "/sessions/a/b",
        "//sessions",
        "/Sessions",
        "sessions",
        "/healthz/",
        "/openapi",
        "/metrics.",
        "*",
        "/sessions//",
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        for (unsigned method = 0; method <= METHOD_OTHER; method++) {
            cr_expect_eq(match_anew((enum method)method, paths[i]), 404, "%s", paths[i]);
            cr_expect_null(ex.route);
        }
    }
}

Test(router, other_methods_are_told_which_there_are)
{
    static const struct {
        enum method method;
        const char *path;
        const char *allow;
    } cases[] = {
        {METHOD_DELETE, "/sessions", "GET, HEAD, POST"},
        {METHOD_OTHER, "/sessions", "GET, HEAD, POST"},
        {METHOD_POST, "/sessions/x", "GET, HEAD, PUT, PATCH, DELETE"},
        {METHOD_POST, "/healthz", "GET, HEAD"},
        {METHOD_OTHER, "/metrics", "GET, HEAD"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(match_anew(cases[i].method, cases[i].path), 405, "%s", cases[i].path);
        cr_expect_str_eq(response_header("Allow"), cases[i].allow);
        cr_expect_null(ex.route);
    }
}

Test(router, get_serves_head)
{
    const struct route *route;

    for (size_t i = 0; (route = router_route(i)) != NULL; i++) {
        if (route->method != METHOD_GET)
            continue;
        cr_expect_eq(match_anew(METHOD_HEAD, route->pattern), 0, "%s", route->pattern);
        cr_expect(ex.route == route, "%s", route->pattern);
    }
}

/* What stands for an id in the table is no path of its own. */
Test(router, the_braces_of_a_pattern_are_an_id_like_another)
{
    cr_expect_eq(match_anew(METHOD_GET, "/sessions/{id}"), 0);
    cr_expect(ex.route == &route_session_get);
    cr_expect(slice_is(ex.id_text, "{id}"));
}

Test(router, a_body_may_have_just_as_many_bytes)
{
    send_body(1000, "application/json");
    cr_expect_eq(match(METHOD_POST, "/sessions"), 0);
    send_body(1001, "application/json");
    cr_expect_eq(match(METHOD_POST, "/sessions"), 413);
    send_body(UINT64_MAX, "application/json");
    cr_expect_eq(match(METHOD_PATCH, "/sessions/x"), 413);
    send_body(1001, NULL);
    cr_expect_eq(match(METHOD_GET, "/healthz"), 413, "where no body is taken, too");
}

/* Generic clients send `{}` with every POST. */
Test(router, a_route_without_a_body_refuses_one)
{
    const struct route *route;

    for (size_t i = 0; (route = router_route(i)) != NULL; i++) {
        if (route->body != ROUTE_BODY_NONE)
            continue;
        const bool ignores = route->method == METHOD_POST;
        send_body(0, NULL);
        cr_expect_eq(match(route->method, route->pattern), 0, "%s", route->pattern);
        send_body(1, "application/json");
        cr_expect_eq(match(route->method, route->pattern), ignores ? 0 : 413, "%s", route->pattern);
        send_body(1024, "application/json");
        cr_expect_eq(match(route->method, route->pattern), ignores ? 0 : 413, "%s", route->pattern);
        send_body(1025, "application/json");
        cr_expect_eq(match(route->method, route->pattern), 413, "%s", route->pattern);
    }
}

Test(router, the_media_type_must_be_one_that_the_route_takes)
{
    static const struct {
        enum method method;
        const char *path;
        const char *type;
        int status;
    } cases[] = {
        {METHOD_POST, "/sessions", "application/json", 0},
        {METHOD_POST, "/sessions", "Application/JSON; charset=utf-8", 0},
        {METHOD_POST, "/sessions", NULL, 415},
        {METHOD_POST, "/sessions", "", 415},
        {METHOD_POST, "/sessions", "text/plain", 415},
        {METHOD_POST, "/sessions", "application/merge-patch+json", 415},
        {METHOD_PUT, "/sessions/x", "application/json", 0},
        {METHOD_PUT, "/sessions/x", "application/merge-patch+json", 415},
        {METHOD_PATCH, "/sessions/x", "application/json", 0},
        {METHOD_PATCH, "/sessions/x", "application/merge-patch+json", 0},
        {METHOD_PATCH, "/sessions/x", "application/json-patch+json", 415},
        {METHOD_PATCH, "/sessions/x", NULL, 415},
        {METHOD_POST, "/admin/backup", "application/json", 0},
        {METHOD_POST, "/admin/backup", "text/plain", 415},
        {METHOD_POST, "/admin/backup", "application/x-www-form-urlencoded", 415},
        {METHOD_POST, "/admin/backup", NULL, 415},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        send_body(10, cases[i].type);
        cr_expect_eq(match(cases[i].method, cases[i].path), cases[i].status, "%s as %s",
                     cases[i].path, cases[i].type);
    }
}

/* What a page of another site can make a browser send without asking first (Fetch, "simple"
 * requests): GET, HEAD, and POST of three types or of none. */
Test(router, no_post_of_a_form_goes_through)
{
    static const char *const types[] = {
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/json, text/plain",
        "",
    };
    const struct route *route;

    for (size_t i = 0; (route = router_route(i)) != NULL; i++) {
        for (size_t k = 0; route->method == METHOD_POST && k < sizeof(types) / sizeof(types[0]);
             k++) {
            send_body(0, types[k]);
            cr_expect_eq(match(METHOD_POST, route->pattern), 415, "%s, empty, as \"%s\"",
                         route->pattern, types[k]);
            send_body(10, types[k]);
            cr_expect_eq(match(METHOD_POST, route->pattern), 415, "%s as \"%s\"", route->pattern,
                         types[k]);
        }
    }
}

Test(router, each_route_says_who_may)
{
    const struct route *route;

    for (size_t i = 0; (route = router_route(i)) != NULL; i++) {
        const bool admin = strncmp(route->pattern, "/admin/", 7) == 0;
        const bool open =
            strcmp(route->pattern, "/healthz") == 0 || strcmp(route->pattern, "/readyz") == 0;
        const enum scope wanted = admin                         ? SCOPE_ADMIN
                                  : open                        ? SCOPE_OPEN
                                  : route->method == METHOD_GET ? SCOPE_READ
                                                                : SCOPE_WRITE;
        cr_expect_eq(route->scope, wanted, "%s %s", method_name(route->method), route->pattern);
        match_anew(route->method, route->pattern);
        cr_expect_eq(router_scope(&ex), wanted, "%s", route->pattern);
    }
    match_anew(METHOD_GET, "/nowhere");
    cr_expect_eq(router_scope(&ex), SCOPE_UNKNOWN);
    match_anew(METHOD_OTHER, "/sessions");
    cr_expect_eq(router_scope(&ex), SCOPE_UNKNOWN, "no method, no route");
    match_anew(METHOD_OTHER, "/healthz");
    cr_expect_eq(router_scope(&ex), SCOPE_OPEN, "405 for everyone");
}

Test(router, a_refused_media_type_is_told_which_are_taken)
{
    send_body(10, "text/plain");
    match(METHOD_POST, "/sessions");
    cr_expect_str_eq(response_header("Accept-Post"), "application/json");
    send_body(10, "text/plain");
    match(METHOD_PATCH, "/sessions/x");
    cr_expect_str_eq(response_header("Accept-Patch"),
                     "application/json, application/merge-patch+json");
    send_body(10, "text/plain");
    match(METHOD_PUT, "/sessions/x");
    cr_expect_str_eq(response_header("Accept"), "application/json");
}

Test(router, a_query_is_refused_where_none_is_taken)
{
    const struct route *route;

    for (size_t i = 0; (route = router_route(i)) != NULL; i++) {
        send_body(0, "application/json");
        ex.query = SLICE_LITERAL("&pretty=1");
        cr_expect_eq(match(route->method, route->pattern), route->takes_query ? 0 : 400, "%s",
                     route->pattern);
    }
    send_body(0, NULL);
    ex.query = SLICE_LITERAL("&&");
    cr_expect_eq(match(METHOD_GET, "/healthz"), 0, "it holds no parameter");
}

Test(router, methods_have_names)
{
    static const char *const names[METHOD_COUNT + 1] = {
        [METHOD_GET] = "GET",     [METHOD_HEAD] = "HEAD",   [METHOD_POST] = "POST",
        [METHOD_PUT] = "PUT",     [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE",
        [METHOD_OTHER] = "OTHER",
    };

    for (unsigned i = 0; i <= METHOD_OTHER; i++)
        cr_expect_str_eq(method_name((enum method)i), names[i]);
}

/* RFC 9110 §8.3.1: type and subtype in either case, then the end or `;`, white space before it. */
Test(router, media_types_are_compared_without_their_parameters)
{
    static const struct {
        const char *type;
        bool same;
    } cases[] = {
        {"application/json", true},
        {"APPLICATION/Json", true},
        {"application/json;charset=utf-8", true},
        {"application/json ; charset=utf-8", true},
        {"application/json\t;x=y", true},
        {"application/jsonx", false},
        {"application/json-patch+json", false},
        {"application/jso", false},
        {"text/json", false},
        {"", false},
        {"application/json, text/plain", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(media_type_is(slice_from(cases[i].type), "application/json"), cases[i].same,
                     "%s", cases[i].type);
    cr_expect_not(media_type_is((struct slice){0}, "application/json"));
}
