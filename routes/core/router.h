/*
 * Finds the route of a request, validates the request against it and runs the handler.
 *
 * Threads: the HTTP thread. The route table is constant; router_route() is safe from any thread.
 * Errors: a rejected request gets a problem response; ex->status is then set.
 */
#ifndef SESSIOND_ROUTES_CORE_ROUTER_H
#define SESSIOND_ROUTES_CORE_ROUTER_H

#include "routes/core/route.h"

/* Exclusive upper bound of the number of routes. */
#define ROUTER_ROUTES_MAX 48

/* Route i of the table; NULL after the last. */
const struct route *router_route(size_t i);

/* Sets ex->route from the request's method and path; it stays NULL when no route matches. */
void router_find(struct exchange *ex);

/* The scope that the request requires. Call it after router_find(). */
enum scope router_scope(const struct exchange *ex);

/* Call it after router_find(), when the headers have arrived and before the body. Responds with a
 * problem (ex->status is set) when no route matches, or when the request is rejected whatever its
 * body is: 400 (a query that the route does not take), 404, 405, 413, 415. */
void router_check(const struct routes *routes, struct exchange *ex);

/* Responds 413 and returns false when the route does not take a body of `bytes` bytes. For a
 * chunked body `bytes` counts what has arrived, the new chunk included. */
MUST_USE bool router_check_body(const struct routes *routes, struct exchange *ex, uint64_t bytes);

/* Runs the route's `begin`. Call it when the whole body is in ex->body. */
enum route_step router_begin(const struct routes *routes, struct exchange *ex);

/* Runs the route's `finish`, or replays the response stored under the Idempotency-Key. Call it
 * after the job's completion; ex->status is set afterwards. */
void router_finish(const struct routes *routes, struct exchange *ex);

#endif
