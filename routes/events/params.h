/* The query of events: `after`, `limit`, `type` and the other parameters. Pure functions. */
#ifndef SESSIOND_ROUTES_EVENTS_PARAMS_H
#define SESSIOND_ROUTES_EVENTS_PARAMS_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Reads the query of all sessions' events. ERROR_INVALID_QUERY names what is not understood. Texts
 * are decoded into `text`, which has to live as long as `out`. */
MUST_USE bool event_params_read(struct slice query, struct buffer *text,
                                struct store_event_query *out, struct error *err);

/* The same for a stream, which has no limit. *placed: the query says where to begin. */
MUST_USE bool event_params_read_stream(struct slice query, struct buffer *text,
                                       struct store_event_query *out, bool *placed,
                                       struct error *err);

/* The same for one session's timeline; whose, is the caller's to say. */
MUST_USE bool event_params_read_timeline(struct slice query, struct buffer *text,
                                         struct store_event_query *out, struct error *err);

/* Whether many rows may have to be looked at: such a page is not read on an HTTP thread. */
bool event_params_is_long(const struct store_event_query *query);

#endif
