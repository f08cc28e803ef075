/* Contexts that another program wrote, before they are served for the first time. */
#ifndef SESSIOND_ROUTES_JSON_LEGACY_CONTEXT_H
#define SESSIOND_ROUTES_JSON_LEGACY_CONTEXT_H

#include "routes/core/buffer.h"

/* For store_options.fix_legacy_context. NULL when `text` is a JSON object of RFC 8259; else a
 * malloc'ed object that keeps the text whole as its member `_adopted_text` (Python's json.dumps may
 * write NaN, for one). */
char *legacy_context_fix(struct slice text);

/* Adds a stored text as a JSON object on one line, so that whatever the database holds keeps to the
 * framing of NDJSON: an object of RFC 8259 without the white space between its tokens, any other
 * text as legacy_context_fix() keeps it. */
void legacy_context_add_line(struct buffer *out, struct slice text);

#endif
