/* Contexts that another program wrote, before they are served for the first time. */
#ifndef SESSIOND_ROUTES_JSON_ADOPT_H
#define SESSIOND_ROUTES_JSON_ADOPT_H

#include "db/slice.h"

/* For store_options.adopt_context. NULL when `text` is a JSON object of RFC 8259; else a malloc'ed
 * object that keeps the text whole as its member `_adopted_text` (Python's json.dumps may write
 * NaN, for one). */
char *json_adopt_context(struct slice text);

#endif
