#include "service/cli/claude/line.h"

#include "routes/entries/body.h"
#include "routes/json/skip.h"
#include "routes/json/string.h"

/* Maximum --max-json-depth. The service checks its own, possibly lower, limit. */
#define MAX_DEPTH 10000

/* Removes the line number that the parser of batches adds: it is 1 for every line. */
static void drop_line_number(struct error *reason)
{
    static const char *const prefixes[] = {"line 1, ", "line 1: "};
    const struct error found = *reason;

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        const size_t len = strlen(prefixes[i]);
        if (strncmp(found.detail, prefixes[i], len) == 0)
            error_set(reason, found.kind, found.field, "%s", found.detail + len);
    }
}

bool claude_line_parse(char *data, size_t len, struct claude_line *out, struct error *reason)
{
    const struct entries_body_limits limits = {.max_depth = MAX_DEPTH, .max_count = 1};
    struct buffer line = {0};

    line.data = data;
    line.len = line.capacity = len;
    *out = (struct claude_line){0};
    if (!entries_body_new(&line, true, &limits, &out->entries, reason)) {
        drop_line_number(reason);
        return false;
    }
    if (entries_body_count(out->entries) > 0) {
        out->text = entries_body_items(out->entries)->text;
        out->uuid = entries_body_items(out->entries)->uuid;
    }
    return true;
}

void claude_line_release(struct claude_line *line)
{
    entries_body_free(line->entries);
    line->entries = NULL;
}

/* Returns the position after the string whose opening quote is at `at`; `end` when it is not
 * closed. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end)
            at++;
    }
    return at < end ? at + 1 : end;
}

/* Returns the position after the object that begins at `at`; `end` when it is not closed. */
static const char *skip_object(const char *at, const char *end)
{
    size_t depth = 0;

    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        depth += *at == '{';
        depth -= *at == '}';
        at++;
        if (depth == 0)
            return at;
    }
    return end;
}

size_t claude_line_split(struct slice line)
{
    const char *end = line.data + line.len;
    const char *start = json_skip_space(line.data, end);

    if (start == end || *start != '{')
        return 0;
    const char *object_end = skip_object(start, end);
    return json_skip_space(object_end, end) < end ? (size_t)(object_end - line.data) : 0;
}

struct slice claude_line_member(struct slice object, const char *wanted)
{
    const char *end = object.data + object.len;
    const char *at = json_skip_space(object.data, end) + 1;
    struct json_name name;

    while (json_skip_to_member(&at, end, &name)) {
        const char *value = at;
        at = json_skip_value(at, end);
        if (slice_is(name.raw, wanted))
            return (struct slice){value, (size_t)(at - value)};
    }
    return (struct slice){0};
}

bool claude_line_text(struct slice object, const char *wanted, struct buffer *out)
{
    const struct slice value = claude_line_member(object, wanted);

    out->len = 0;
    if (value.data == NULL || value.data[0] != '"')
        return false;
    json_string_decode((struct slice){value.data + 1, value.len - 2}, out);
    return out->len > 0;
}

bool claude_line_add_metadata(struct slice object, struct buffer *out, struct error *reason)
{
    const bool is_empty = object.len == 2;

    if (claude_line_member(object, "type").data != NULL)
        return error_set(reason, ERROR_INVALID_PAYLOAD, "/type",
                         "it has a member \"type\", which the import adds to mark metadata");
    buffer_add(out, (struct slice){object.data, object.len - 1});
    buffer_add_text(out, is_empty ? "" : ",");
    buffer_add_text(out, "\"type\":\"agent_metadata\"}");
    return true;
}
