/* Parses the queries of a session's entries and streams. Pure functions, any thread. */
#ifndef SESSIOND_ROUTES_ENTRIES_PARAMS_H
#define SESSIOND_ROUTES_ENTRIES_PARAMS_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Limit of the name of a stream, in bytes of UTF-8. */
#define ENTRIES_STREAM_MAX 256

/* The stream of a request that does not name a stream. */
#define ENTRIES_STREAM_DEFAULT "main"

/* Whether the name is valid for a stream: 1 to ENTRIES_STREAM_MAX bytes without control characters.
 */
bool entries_params_is_stream(struct slice name);

/* Each function below parses a query. Slices point into `text`, which must be empty and must
 * outlive them. ERROR_INVALID_QUERY names the first parameter that is unknown, repeated or
 * malformed. */

/* Parses stream and expect_last_seq. */
MUST_USE bool entries_params_append(struct slice query, struct buffer *text,
                                    struct store_append *out, struct error *err);

/* Parses stream, after, before, order, limit and wait (in seconds). Without a limit out->limit is
 * 0; without a wait *wait_s is 0. */
MUST_USE bool entries_params_read(struct slice query, struct buffer *text,
                                  struct store_entry_query *out, int64_t *wait_s,
                                  struct error *err);

/* Parses after (the name of a stream) and limit. Without a limit *limit is the maximum. */
MUST_USE bool entries_params_streams(struct slice query, struct buffer *text, struct slice *after,
                                     int *limit, struct error *err);

#endif
