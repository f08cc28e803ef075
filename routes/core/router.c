#include "routes/core/router.h"

#include "routes/core/problem.h"
#include "routes/http/idempotency_key.h"
#include "routes/http/method.h"
#include "routes/http/query.h"

#define JSON "application/json"
#define MERGE_PATCH "application/merge-patch+json"
#define LINES "application/x-ndjson"

static const struct route *const table[] = {
    &route_sessions_create, &route_sessions_list,  &route_session_get,    &route_session_put,
    &route_session_patch,   &route_session_delete, &route_entries_append, &route_entries_read,
    &route_session_events,  &route_events,         &route_consumer_get,   &route_consumer_put,
    &route_consumer_delete, &route_streams,        &route_lease_put,      &route_lease_delete,
    &route_transition,      &route_recover,        &route_relocate,       &route_healthz,
    &route_readyz,          &route_backup,         &route_metrics,        &route_openapi_yaml,
    &route_openapi_json,    &route_fork,           &route_export,         &route_import,
    &route_search,          &route_retention,      &route_purge,
};

_Static_assert(sizeof(table) / sizeof(table[0]) < ROUTER_ROUTES_MAX, "a place is left behind them");

const struct route *router_route(size_t i)
{
    return i < sizeof(table) / sizeof(table[0]) ? table[i] : NULL;
}

/* Whether `path` matches `pattern`. Sets *id to the part that the braces match; a path segment is
 * not empty and has no slash. */
static bool match_pattern(const char *pattern, struct slice path, struct slice *id)
{
    const char *brace = strchr(pattern, '{');

    if (brace == NULL)
        return slice_is(path, pattern);
    const struct slice before = {pattern, (size_t)(brace - pattern)};
    const struct slice behind = slice_from(strchr(brace, '}') + 1);
    if (path.len <= before.len + behind.len ||
        !slice_equal((struct slice){path.data, before.len}, before) ||
        !slice_equal((struct slice){path.data + path.len - behind.len, behind.len}, behind))
        return false;
    *id = (struct slice){path.data + before.len, path.len - before.len - behind.len};
    return memchr(id->data, '/', id->len) == NULL;
}

/* Whether the path is a pattern without braces. Such a path never matches a pattern with braces. */
static bool is_literal(struct slice path)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (slice_is(path, table[i]->pattern) && strchr(table[i]->pattern, '{') == NULL)
            return true;
    }
    return false;
}

static bool accepts_method(const struct route *route, enum method method)
{
    return route->method == method || (route->method == METHOD_GET && method == METHOD_HEAD);
}

static bool matches_route(const struct route *route, bool literal, struct exchange *ex)
{
    return literal ? slice_is(ex->path, route->pattern)
                   : match_pattern(route->pattern, ex->path, &ex->id_text);
}

void router_find(struct exchange *ex)
{
    const bool literal = is_literal(ex->path);

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (!matches_route(table[i], literal, ex) || !accepts_method(table[i], ex->method))
            continue;
        ex->route = table[i];
        return;
    }
}

/* The methods of all routes of the path: a bit 1 << method for each. */
static unsigned find_methods(struct exchange *ex)
{
    const bool literal = is_literal(ex->path);
    unsigned methods = 0;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (!matches_route(table[i], literal, ex))
            continue;
        methods |= 1U << table[i]->method;
        if (table[i]->method == METHOD_GET)
            methods |= 1U << METHOD_HEAD;
    }
    return methods;
}

static void respond_no_method(struct exchange *ex, unsigned methods)
{
    struct error err;
    struct buffer allow = {0};

    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        if (!(methods & 1U << i))
            continue;
        if (allow.len > 0)
            buffer_add_text(&allow, ", ");
        buffer_add_text(&allow, method_name((enum method)i));
    }
    error_set(&err, ERROR_NO_METHOD, NULL, "this path supports %.*s", (int)allow.len, allow.data);
    problem_respond(ex, &err);
    exchange_add_header(ex, "Allow", buffer_slice(&allow));
    buffer_release(&allow);
}

/* Whether a route matches the path without its trailing slash. */
static bool has_trailing_slash(struct exchange *ex)
{
    const struct slice path = ex->path;

    if (path.len < 2 || path.data[path.len - 1] != '/')
        return false;
    ex->path.len--;
    const bool found = find_methods(ex) != 0;
    ex->path = path;
    return found;
}

static void respond_trailing_slash(struct exchange *ex)
{
    struct error err;

    error_set(&err, ERROR_NO_ROUTE, NULL, "unknown path; remove the slash at the end: %.*s",
              (int)ex->path.len - 1, ex->path.data);
    problem_respond(ex, &err);
}

static void respond_no_route(struct exchange *ex)
{
    const unsigned methods = find_methods(ex);

    if (methods != 0)
        respond_no_method(ex, methods);
    else if (has_trailing_slash(ex))
        respond_trailing_slash(ex);
    else
        problem_respond_kind(ex, ERROR_NO_ROUTE,
                             "unknown path; see /openapi.yaml for the paths of this service");
}

/* The media type that the route accepts besides JSON, or NULL. */
static const char *second_media_type(const struct route *route)
{
    if (route->body == ROUTE_BODY_JSON_OR_PATCH)
        return MERGE_PATCH;
    return route->body == ROUTE_BODY_JSON_OR_LINES ? LINES : NULL;
}

/* Accept-Patch is defined by RFC 5789, Accept-Post by Linked Data Platform 1.0, and Accept in a
 * response by RFC 9110 §12.5.1. */
static void add_accepted_types(const struct route *route, struct exchange *ex)
{
    const char *other = second_media_type(route);
    const char *header = route->method == METHOD_POST    ? "Accept-Post"
                         : route->method == METHOD_PATCH ? "Accept-Patch"
                                                         : "Accept";
    struct buffer types = {0};

    buffer_add_text(&types, JSON);
    if (other != NULL)
        buffer_printf(&types, ", %s", other);
    exchange_add_header(ex, header, buffer_slice(&types));
    buffer_release(&types);
}

static void reject_media_type(const struct route *route, struct exchange *ex)
{
    const char *other = second_media_type(route);
    struct error err;

    error_set(&err, ERROR_UNSUPPORTED_TYPE, NULL, "send the body as Content-Type: " JSON "%s%s",
              other == NULL ? "" : " or ", other == NULL ? "" : other);
    problem_respond(ex, &err);
    add_accepted_types(route, ex);
}

static void reject_content_coding(const struct route *route, struct exchange *ex)
{
    problem_respond_kind(ex, ERROR_UNSUPPORTED_TYPE,
                         "Content-Encoding is not supported; send the body unencoded");
    add_accepted_types(route, ex);
    exchange_add_header(ex, "Accept-Encoding", SLICE_LITERAL("identity")); /* RFC 9110 §15.5.16 */
}

static bool accepts_content_coding(const struct route *route, const struct exchange *ex)
{
    const struct slice coding = ex->headers[REQUEST_CONTENT_ENCODING];

    return route->body == ROUTE_BODY_NONE || coding.len == 0 ||
           (coding.len == 8 && strncasecmp(coding.data, "identity", 8) == 0);
}

/* CSRF: a web page of another origin can make a browser send, without a CORS preflight, a POST with
 * a form's media type or without a type. These are rejected, even where the body is ignored. */
static bool accepts_media_type(const struct route *route, const struct exchange *ex)
{
    const struct slice type = ex->headers[REQUEST_CONTENT_TYPE];

    if (route->body == ROUTE_BODY_NONE &&
        (route->method != METHOD_POST ||
         (type.data == NULL && ex->content_length == 0 && !ex->has_chunked_body)))
        return true;
    const char *other = second_media_type(route);
    return media_type_is(type, JSON) || (other != NULL && media_type_is(type, other));
}

/* Generic clients send `{}` with every POST. A POST route without a body ignores bodies up to this
 * length. */
#define IGNORED_BODY_BYTES 1024

static size_t max_body_bytes(const struct routes *routes, const struct route *route)
{
    if (route->body != ROUTE_BODY_NONE)
        return routes->max_body_bytes + route->extra_body_bytes;
    return route->method == METHOD_POST ? IGNORED_BODY_BYTES : 0;
}

bool router_check_body(const struct routes *routes, struct exchange *ex, uint64_t bytes)
{
    const size_t max_bytes = max_body_bytes(routes, ex->route);
    struct error err;

    if (bytes <= max_bytes)
        return true;
    if (max_bytes == 0)
        error_set(&err, ERROR_TOO_LARGE, NULL, "this request must not have a body");
    else
        error_set(&err, ERROR_TOO_LARGE, NULL, "the body is too large; the limit is %zu bytes",
                  max_bytes);
    problem_respond(ex, &err);
    return false;
}

/* Rejects all parameters: one that was silently ignored could be a filter or a condition on which
 * the client relies. */
static bool check_query(struct exchange *ex)
{
    struct query_parameter parameter;
    struct slice rest = ex->query;
    struct error err;

    if (ex->route->takes_query || !query_next(&rest, &parameter))
        return true;
    query_reject(&parameter, "this path has no query parameters", &err);
    problem_respond(ex, &err);
    return false;
}

void router_check(const struct routes *routes, struct exchange *ex)
{
    if (ex->route == NULL)
        respond_no_route(ex);
    else if (!router_check_body(routes, ex, ex->content_length) || !check_query(ex))
        return;
    else if (!accepts_media_type(ex->route, ex))
        reject_media_type(ex->route, ex);
    else if (!accepts_content_coding(ex->route, ex))
        reject_content_coding(ex->route, ex);
}

enum scope router_scope(const struct exchange *ex)
{
    if (ex->route != NULL)
        return ex->route->scope;
    /* The existence of an open path is no secret: other methods get a 405 without a token. */
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i]->scope == SCOPE_OPEN && slice_is(ex->path, table[i]->pattern))
            return SCOPE_OPEN;
    }
    return SCOPE_UNKNOWN;
}

enum route_step router_begin(const struct routes *routes, struct exchange *ex)
{
    struct error err;

    ex->routes = routes;
    if (!idempotency_key_read(ex, &err)) {
        problem_respond(ex, &err);
        return ROUTE_RESPONDED;
    }
    return ex->route->begin(routes, ex);
}

void router_finish(const struct routes *routes, struct exchange *ex)
{
    if (ex->job.idempotency.replayed) {
        idempotency_key_replay(ex);
        return;
    }
    /* With an Idempotency-Key `finish` has already run once, to serialize the stored response. */
    if (ex->job.idempotency.key.data != NULL)
        exchange_discard_response(ex);
    ex->route->finish(routes, ex);
}
