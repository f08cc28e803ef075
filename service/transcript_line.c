#include "service/transcript_line.h"

#include "routes/json_entries.h"
#include "routes/json_scan.h"
#include "routes/json_skip.h"

#define MAX_DEPTH 10000

bool transcript_line_text(struct slice object, const char *wanted, struct buffer *out)
{
    const char *end = object.data + object.len;
    const char *at = json_skip_space(object.data, end) + 1;
    struct json_name name;

    out->len = 0;
    while (json_skip_to_member(&at, end, &name)) {
        const char *value = at;
        at = json_skip_value(at, end);
        if (!slice_is(name.raw, wanted))
            continue;
        if (*value == '"')
            json_string_decode((struct slice){value + 1, (size_t)(at - value) - 2}, out);
        return *value == '"' && out->len > 0;
    }
    return false;
}

bool transcript_line_check(struct slice line, struct error *why)
{
    struct json_outline outline;

    return json_scan(line, MAX_DEPTH, &outline, why) &&
           (outline.type == JSON_OBJECT ||
            error_set(why, ERROR_INVALID_PAYLOAD, NULL, "it is no JSON object"));
}

bool transcript_line_uuid(struct slice object, struct buffer *out, struct error *why)
{
    const struct json_entries_limits limits = {.max_depth = MAX_DEPTH + 1, .max_count = 1};
    struct json_entries *entries;
    struct buffer batch = {0};

    out->len = 0;
    buffer_add_char(&batch, '[');
    buffer_add(&batch, object);
    buffer_add_char(&batch, ']');
    const bool fit = json_entries_new(&batch, false, &limits, &entries, why);
    if (fit) {
        buffer_add(out, json_entries_items(entries)->uuid);
        json_entries_free(entries);
    }
    buffer_release(&batch);
    return fit;
}
