/* Parses the queries of events: `after`, `limit`, `type` and the other parameters. Pure functions,
 * any thread. */
#ifndef SESSIOND_ROUTES_EVENTS_PARAMS_H
#define SESSIOND_ROUTES_EVENTS_PARAMS_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Parses the query of a page of all sessions' events. The slices of *out point into `text`, which
 * must outlive *out. ERROR_INVALID_QUERY names the first parameter that is rejected. */
MUST_USE bool event_params_read(struct slice query, struct buffer *text,
                                struct store_event_query *out, struct error *err);

/* The same for a stream, which takes no limit. *has_position: the query has `after` or `consumer`,
 * which determine where the stream begins. */
MUST_USE bool event_params_read_stream(struct slice query, struct buffer *text,
                                       struct store_event_query *out, bool *has_position,
                                       struct error *err);

/* The same for the timeline of one session; the caller sets out->session_id. */
MUST_USE bool event_params_read_timeline(struct slice query, struct buffer *text,
                                         struct store_event_query *out, struct error *err);

/* Whether the query may scan many rows. Such a page is read by a job, not on the HTTP thread. */
bool event_params_is_long(const struct store_event_query *query);

#endif
