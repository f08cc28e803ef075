/* What the routes that write have in common: the path's {id}, a reader, a job; and its end. */
#ifndef SESSIOND_ROUTES_CORE_MUTATION_H
#define SESSIOND_ROUTES_CORE_MUTATION_H

#include "routes/core/route.h"

/* Reads headers and body into ex->job. On failure `err` is what the client is told. */
typedef bool (*mutation_reader)(const struct routes *routes, struct exchange *ex,
                                struct error *err);

/* The first half: takes the path's {id}, where there is one, and what `read` reads. A request that
 * is not understood is answered. */
enum route_step mutation_begin(const struct routes *routes, struct exchange *ex,
                               enum store_operation operation, mutation_reader read);

/* The second half of a route that has nothing to show: 204, or the job's error. */
void mutation_finish_empty(const struct routes *routes, struct exchange *ex);

/* The second half of a route that answers 200 with JSON of its own begins so. False when the job
 * was refused, which is then answered. */
MUST_USE bool mutation_respond_json(struct exchange *ex);

#endif
