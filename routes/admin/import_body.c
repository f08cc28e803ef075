#include "routes/admin/import_body.h"

#include "db/base/timestamp.h"
#include "routes/admin/import_line.h"
#include "routes/entries/body.h"
#include "routes/json/compact.h"
#include "routes/json/skip.h"
#include "routes/json/utf8.h"

#include <stdlib.h>

struct import_body {
    struct store_import_item *items;
    size_t count;
    size_t capacity;
    struct store_import_entry *entries;
    size_t entry_count;
    size_t entry_capacity;
    struct buffer texts; /* decoded strings; reserved for the whole body, so that it never moves */
};

struct batch_parser {
    struct import_body *import;
    struct line_reader reader;
};

/* Adds an item. All lines of a session are one item, because a conflict rejects them together.
 * Returns NULL, and sets the error, when the session already has an item. */
static struct store_import_item *add_item(struct batch_parser *r, struct slice id)
{
    struct import_body *import = r->import;

    for (size_t i = 0; i < import->count; i++) {
        if (slice_equal(import->items[i].session.id, id)) {
            line_reject(&r->reader,
                        "the session comes twice; its lines must follow each other, the "
                        "session first");
            return NULL;
        }
    }
    if (import->count == import->capacity) {
        import->capacity = import->capacity == 0 ? 16 : 2 * import->capacity;
        struct store_import_item *items =
            reallocarray(import->items, import->capacity, sizeof(*items));
        if (items == NULL)
            abort();
        import->items = items;
    }
    struct store_import_item *item = &import->items[import->count++];
    *item = (struct store_import_item){.session = {.id = id}};
    return item;
}

static bool add_session(struct batch_parser *r, const struct line *line)
{
    struct store_import_item *item = add_item(r, line->texts[LINE_ID]);

    if (item == NULL)
        return false;
    item->has_session = true;
    item->session = (struct session){
        .id = line->texts[LINE_ID],
        .status = (enum session_status)line->numbers[LINE_STATUS],
        .project_path = line->texts[LINE_PROJECT_PATH],
        .thread_id = line->texts[LINE_THREAD_ID],
        .context = line->texts[LINE_CONTEXT],
        .context_bytes = (int64_t)line->texts[LINE_CONTEXT].len,
        .version = line->numbers[LINE_VERSION],
        .created_us = line->numbers[LINE_CREATED_AT],
        .updated_us = line->numbers[LINE_UPDATED_AT],
        .recovered_us = line->numbers[LINE_RECOVERED_AT],
        .lease = {.token = line->numbers[LINE_LEASE_TOKEN]},
        .parent_id = line->texts[LINE_PARENT_ID],
    };
    return true;
}

/* The `uuid` of an entry, if an append would accept it; else data is NULL. */
static struct slice find_uuid(struct line_reader *reader, struct slice object)
{
    const struct json_name wanted = json_name_make(SLICE_LITERAL("uuid"), false);
    const char *end = object.data + object.len;
    const char *at = object.data + 1;
    struct json_name name;

    while (json_skip_to_member(&at, end, &name)) {
        const char *value = at;
        at = json_skip_value(at, end);
        if (!json_name_equal(&name, &wanted))
            continue;
        struct slice uuid;
        if (line_read_text(reader, (struct slice){value, (size_t)(at - value)}, &uuid) &&
            uuid.len > 0 && uuid.len <= ENTRY_UUID_MAX && !json_utf8_has_control(uuid))
            return uuid;
        break;
    }
    return (struct slice){0};
}

static bool add_entry(struct batch_parser *r, const struct line *line)
{
    struct import_body *import = r->import;
    struct store_import_item *item;

    if (import->count > 0 &&
        slice_equal(import->items[import->count - 1].session.id, line->texts[LINE_SESSION_ID])) {
        item = &import->items[import->count - 1];
    } else {
        item = add_item(r, line->texts[LINE_SESSION_ID]);
        if (item == NULL)
            return false;
    }
    if (import->entry_count == import->entry_capacity) {
        import->entry_capacity = import->entry_capacity == 0 ? 64 : 2 * import->entry_capacity;
        struct store_import_entry *entries =
            reallocarray(import->entries, import->entry_capacity, sizeof(*entries));
        if (entries == NULL)
            abort();
        import->entries = entries;
    }
    item->count++;
    import->entries[import->entry_count++] = (struct store_import_entry){
        .stream = line->texts[LINE_STREAM],
        .text = line->texts[LINE_ENTRY],
        .uuid = find_uuid(&r->reader, line->texts[LINE_ENTRY]),
        .seq = line->numbers[LINE_SEQ],
        .created_us = line->numbers[LINE_CREATED_AT],
    };
    return true;
}

static bool read_line(struct batch_parser *r, char *at, const char *end)
{
    struct line line;

    if (r->reader.count == IMPORT_LINES_MAX)
        return error_set(r->reader.err, ERROR_TOO_LARGE, NULL,
                         "the batch has more than %d lines; send the others in another request",
                         IMPORT_LINES_MAX);
    if (!line_read(&r->reader, at, end, &line))
        return false;
    return line.is_session ? add_session(r, &line) : add_entry(r, &line);
}

static bool read_lines(struct batch_parser *r, struct buffer *body)
{
    char *at = body->data;
    const char *end = body->data + body->len;

    for (r->reader.number = 1; at < end; r->reader.number++) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline == NULL ? end : newline;
        if (json_skip_space(at, line_end) != line_end) {
            if (!read_line(r, at, line_end))
                return false;
            r->reader.count++;
        }
        at = newline == NULL ? at + (end - at) : newline + 1;
    }
    return true;
}

bool import_body_new(struct buffer *body, size_t max_depth, struct import_body **out,
                     struct error *err)
{
    struct batch_parser r = {
        .reader = {.max_depth = max_depth,
                   .latest_us = timestamp_now_us() + STORE_IMPORT_MAX_FUTURE_US,
                   .err = err},
    };

    r.import = calloc(1, sizeof(*r.import));
    if (r.import == NULL)
        abort();
    buffer_reserve(&r.import->texts, body->len + 1);
    r.reader.texts = &r.import->texts;
    if (!read_lines(&r, body)) {
        import_body_free(r.import);
        return false;
    }
    *out = r.import;
    return true;
}

void import_body_free(struct import_body *import)
{
    if (import == NULL)
        return;
    free(import->items);
    free(import->entries);
    buffer_release(&import->texts);
    free(import);
}

/* Compares two contexts, ignoring white space between tokens. `sent` is compact already. */
static bool is_same_context(struct slice stored, struct slice sent)
{
    if (slice_equal(stored, sent))
        return true;
    if (stored.len == 0)
        return false; /* corrupt */
    struct buffer copy = {0};
    buffer_add(&copy, stored);
    copy.len = (size_t)(json_compact(copy.data, copy.data, copy.data + copy.len) - copy.data);
    const bool same = slice_equal(buffer_slice(&copy), sent);
    buffer_release(&copy);
    return same;
}

struct store_import import_body_batch(struct import_body *import)
{
    const struct store_import_entry *next = import->entries;

    for (size_t i = 0; i < import->count; i++) {
        import->items[i].entries = next;
        if (import->items[i].count > 0) /* without entries `next` may be NULL */
            next += import->items[i].count;
    }
    return (struct store_import){import->items, import->count, is_same_context};
}
