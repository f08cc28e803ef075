/*
 * Writes JSON text: each function appends one string value to `out`.
 *
 * Threads: any; `out` has one user at a time. Errors: none; when memory runs out, the process
 * aborts.
 */
#ifndef SESSIOND_ROUTES_JSON_WRITER_H
#define SESSIOND_ROUTES_JSON_WRITER_H

#include "routes/core/buffer.h"

/* Appends `text`, quoted and escaped. Bytes that are not UTF-8 become U+FFFD, so the result is
 * always JSON. */
void json_add_string(struct buffer *out, struct slice text);

/* Appends `#` and the JSON pointer as a URI fragment (RFC 6901 §6). */
void json_add_pointer(struct buffer *out, struct slice pointer);

/* Appends a time: RFC 3339, UTC, six digits of a second. `us` is in µs since 1970. */
void json_add_time(struct buffer *out, int64_t us);

#endif
