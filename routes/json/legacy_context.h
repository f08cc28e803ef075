/*
 * Validates stored contexts that another program wrote, and wraps those that are not JSON objects.
 * Pure functions, any thread. When memory runs out, the process aborts.
 */
#ifndef SESSIOND_ROUTES_JSON_LEGACY_CONTEXT_H
#define SESSIOND_ROUTES_JSON_LEGACY_CONTEXT_H

#include "routes/core/buffer.h"

/* For store_options.fix_legacy_context. Returns NULL when `text` is a JSON object (RFC 8259). Else
 * returns a JSON object with the whole text as its member `_adopted_text`: malloc'ed,
 * NUL-terminated, owned by the caller. Python's json.dumps, for example, may write NaN. */
char *legacy_context_wrap(struct slice text);

/* Appends a stored text as a JSON object on one line, which preserves the framing of NDJSON
 * whatever the database contains: a JSON object is compacted, any other text is wrapped as by
 * legacy_context_wrap(). */
void legacy_context_add_line(struct buffer *out, struct slice text);

#endif
