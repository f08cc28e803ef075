/* A stream of entries as NDJSON, one line each, of any length in little memory. */
#ifndef SESSIOND_ROUTES_ENTRIES_NDJSON_STREAM_H
#define SESSIOND_ROUTES_ENTRIES_NDJSON_STREAM_H

#include "routes/core/route.h"

/* Answers with the entries of ex->job.entry_read.query, as many as there are now; what is appended
 * meanwhile is not among them. Where the session goes meanwhile, the connection is cut. */
void ndjson_stream_respond(const struct routes *routes, struct exchange *ex);

#endif
