#include "routes/json_adopt.h"

#include "routes/json_scan.h"
#include "routes/json_text.h"

/* Another program knows nothing of --max-json-depth; this only keeps the scan's memory small. */
#define MAX_DEPTH 100000

char *json_adopt_context(struct slice text)
{
    struct json_outline outline;
    struct error ignored;
    struct buffer object = {0};

    if (json_scan(text, MAX_DEPTH, &outline, &ignored) && outline.type == JSON_OBJECT)
        return NULL;
    buffer_add_text(&object, "{\"_adopted_text\":");
    json_add_string(&object, text);
    buffer_add(&object, (struct slice){"}", 2});
    return object.data;
}
