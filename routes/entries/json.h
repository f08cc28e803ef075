/* An entry as JSON, as openapi.yaml defines it, in a page and as a line of NDJSON. Any thread; when
 * memory runs out, the process aborts. */
#ifndef SESSIOND_ROUTES_ENTRIES_JSON_H
#define SESSIOND_ROUTES_ENTRIES_JSON_H

#include "db/store.h"
#include "routes/core/buffer.h"

/* Appends the entry as an object on one line. */
void entry_json_add(struct buffer *out, const struct store_entry *entry);

#endif
