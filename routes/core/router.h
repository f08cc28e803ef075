/* From a request to its route, and through it. HTTP thread. */
#ifndef SESSIOND_ROUTES_CORE_ROUTER_H
#define SESSIOND_ROUTES_CORE_ROUTER_H

#include "routes/core/route.h"

/* There are fewer routes than this. */
#define ROUTER_ROUTES_MAX 48

/* Route i of the table, NULL behind the last. */
const struct route *router_route(size_t i);

/* With the request's method and path there: sets ex->route, NULL when there is none. */
void router_find(struct exchange *ex);

/* The scope that a request needs, once its route was looked for. */
enum scope router_scope(const struct exchange *ex);

/* With the request's headers there, no byte of its body, and its route looked for. Answers at once
 * (ex->status is set) when there is none, or when the body would be refused whatever it holds:
 * 400 (a query where none is taken), 404, 405, 413, 415. */
void router_check(const struct routes *routes, struct exchange *ex);

/* Answers with 413 and returns false when the route does not take a body of so many bytes. Of a
 * chunked body `bytes` is what has arrived, the new part included. */
MUST_USE bool router_check_body(const struct routes *routes, struct exchange *ex, uint64_t bytes);

/* With the body there. */
enum route_step router_begin(const struct routes *routes, struct exchange *ex);

/* After the job's completion: afterwards ex->status is set. */
void router_finish(const struct routes *routes, struct exchange *ex);

#endif
