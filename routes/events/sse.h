/*
 * Live events as Server-Sent Events (HTML standard §9.2). A client that reconnects sends the id of
 * the last event that it has seen. The stream first reads the later events from the store, and then
 * follows the SSE buffer. HTTP thread.
 */
#ifndef SESSIOND_ROUTES_EVENTS_SSE_H
#define SESSIOND_ROUTES_EVENTS_SSE_H

#include "routes/core/route.h"

#define SSE_MEDIA_TYPE "text/event-stream"

/* Responds with a stream of the events that match the request's query, or with a problem. The
 * stream begins after the request's Last-Event-ID; without that header, where the query says;
 * without that too, after the newest event. */
enum route_step sse_begin(const struct routes *routes, struct exchange *ex);

#endif
