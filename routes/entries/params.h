/* The queries of a session's entries and streams. */
#ifndef SESSIOND_ROUTES_ENTRIES_PARAMS_H
#define SESSIOND_ROUTES_ENTRIES_PARAMS_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Of the name of a stream, in bytes of UTF-8. */
#define ENTRIES_STREAM_MAX 256

/* The stream of a request that names none. */
#define ENTRIES_STREAM_DEFAULT "main"

/* Whether a stream may have this name. */
bool entries_params_is_stream(struct slice name);

/* Each reads a query. Texts stand in `text`, which must be empty and outlive what is read.
 * ERROR_INVALID_QUERY names the first parameter that is unknown, repeated or malformed. */

/* stream, expect_last_seq */
MUST_USE bool entries_params_append(struct slice query, struct buffer *text,
                                    struct store_append *out, struct error *err);

/* stream, after, before, order, limit, wait (seconds); without a limit out->limit is 0, without a
 * wait *wait_s */
MUST_USE bool entries_params_read(struct slice query, struct buffer *text,
                                  struct store_entry_query *out, int64_t *wait_s,
                                  struct error *err);

/* after (the name of a stream), limit */
MUST_USE bool entries_params_streams(struct slice query, struct buffer *text, struct slice *after,
                                     int *limit, struct error *err);

#endif
