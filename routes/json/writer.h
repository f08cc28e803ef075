/* Writing JSON text. */
#ifndef SESSIOND_ROUTES_JSON_WRITER_H
#define SESSIOND_ROUTES_JSON_WRITER_H

#include "routes/core/buffer.h"

/* Adds `text` as a JSON string, quotes and all. What is no UTF-8 becomes U+FFFD, so that the
 * result is JSON whatever the bytes are. */
void json_add_string(struct buffer *out, struct slice text);

/* Adds a JSON string that holds `#` and the pointer as a URI fragment (RFC 6901 §6). */
void json_add_pointer(struct buffer *out, struct slice pointer);

/* Adds a time as a JSON string: RFC 3339, UTC, six digits of a second. */
void json_add_time(struct buffer *out, int64_t us);

#endif
