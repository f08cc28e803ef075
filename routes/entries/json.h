/* An entry as JSON, the way the contract shows it: in a page, and as a line of NDJSON. */
#ifndef SESSIOND_ROUTES_ENTRIES_JSON_H
#define SESSIOND_ROUTES_ENTRIES_JSON_H

#include "db/store.h"
#include "routes/core/buffer.h"

void entry_json_add(struct buffer *out, const struct store_entry *entry);

#endif
