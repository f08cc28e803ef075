/*
 * The common parts of the routes that write: parse the path's {id}, the headers and the body, fill
 * a job, and turn its result into a response.
 *
 * Threads: the HTTP thread. Ownership: all that is parsed belongs to the exchange.
 */
#ifndef SESSIOND_ROUTES_CORE_MUTATION_H
#define SESSIOND_ROUTES_CORE_MUTATION_H

#include "routes/core/route.h"

/* Parses headers and body into ex->job. Returns false and sets `err`, which becomes the problem
 * response, when the request is invalid. */
typedef bool (*mutation_reader)(const struct routes *routes, struct exchange *ex,
                                struct error *err);

/* A route's `begin`: parses the path's {id}, if the pattern has one, calls `read`, and fills the
 * job for `operation`. Returns ROUTE_JOB, or ROUTE_RESPONDED after a problem response to an invalid
 * request. */
enum route_step mutation_begin(const struct routes *routes, struct exchange *ex,
                               enum store_operation operation, mutation_reader read);

/* The `finish` of a route without a response body: 204, or the problem of the job's error. */
void mutation_finish_empty(const struct routes *routes, struct exchange *ex);

/* Starts a 200 response of type application/json, whose body the caller appends to ex->response.
 * Returns false after a problem response when the job failed. */
MUST_USE bool mutation_respond_json(struct exchange *ex);

#endif
