/* Responds with a stream of entries as NDJSON, one line each. The response is produced while it is
 * sent, so its length does not affect the memory used. HTTP thread. */
#ifndef SESSIOND_ROUTES_ENTRIES_NDJSON_STREAM_H
#define SESSIOND_ROUTES_ENTRIES_NDJSON_STREAM_H

#include "routes/core/route.h"

/* Responds with the entries that match ex->job.entry_read.query now, without those that are
 * appended later, or with a problem. If the session is deleted before the end, the connection is
 * cut. */
void ndjson_stream_respond(const struct routes *routes, struct exchange *ex);

#endif
