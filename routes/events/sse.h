/*
 * Events as they happen: Server-Sent Events, as the HTML standard has them (§9.2). A reader that
 * was away says which event it has seen last, gets what came since out of the store, and from then
 * on what the ring gets.
 */
#ifndef SESSIOND_ROUTES_EVENTS_SSE_H
#define SESSIOND_ROUTES_EVENTS_SSE_H

#include "routes/core/route.h"

#define SSE_MEDIA_TYPE "text/event-stream"

/* Answers with a stream of the events that the request's query asks for. It begins behind its
 * Last-Event-ID; without one where the query says; else with what happens from now on. */
enum route_step sse_begin(const struct routes *routes, struct exchange *ex);

#endif
