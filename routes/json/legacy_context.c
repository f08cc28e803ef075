#include "routes/json/legacy_context.h"

#include "routes/json/compact.h"
#include "routes/json/scan.h"
#include "routes/json/writer.h"

/* Other programs do not know --max-json-depth. This limit only bounds the memory of the scan. */
#define MAX_DEPTH 100000

static bool is_object(struct slice text)
{
    struct json_outline outline;
    struct error ignored;

    return text.len > 0 && json_scan(text, MAX_DEPTH, &outline, &ignored) &&
           outline.type == JSON_OBJECT;
}

static void add_wrapped_text(struct buffer *out, struct slice text)
{
    buffer_add_text(out, "{\"_adopted_text\":");
    json_add_string(out, text);
    buffer_add_char(out, '}');
}

char *legacy_context_wrap(struct slice text)
{
    struct buffer object = {0};

    if (is_object(text))
        return NULL;
    add_wrapped_text(&object, text);
    buffer_add_char(&object, '\0');
    return object.data;
}

void legacy_context_add_line(struct buffer *out, struct slice text)
{
    if (!is_object(text)) {
        add_wrapped_text(out, text);
        return;
    }
    buffer_reserve(out, text.len);
    char *begin = out->data + out->len;
    memcpy(begin, text.data, text.len);
    out->len += (size_t)(json_compact(begin, begin, begin + text.len) - begin);
}
