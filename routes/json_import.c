#include "routes/json_import.h"

#include "db/timestamp.h"
#include "routes/entries_request.h"
#include "routes/json_compact.h"
#include "routes/json_entries.h"
#include "routes/json_scan.h"
#include "routes/json_skip.h"
#include "routes/json_utf8.h"

#include <stdio.h>
#include <stdlib.h>

enum member {
    TYPE,
    ID,
    PROJECT_PATH,
    THREAD_ID,
    STATUS,
    VERSION,
    CREATED_AT,
    UPDATED_AT,
    RECOVERED_AT,
    PARENT_ID,
    LEASE_TOKEN,
    CONTEXT,
    SESSION_ID,
    STREAM,
    SEQ,
    ENTRY,
    MEMBER_COUNT
};

enum kind { KIND_TEXT, KIND_STREAM, KIND_ID, KIND_TIME, KIND_NUMBER, KIND_OBJECT };

#define OF_SESSION 1U
#define OF_ENTRY 2U

static const struct {
    const char *name;
    enum kind kind;
    unsigned of;
    bool may_be_null;
    const char *wanted;
} members[MEMBER_COUNT] = {
    [TYPE] = {"type", KIND_TEXT, OF_SESSION | OF_ENTRY, false, "\"session\" or \"entry\""},
    [ID] = {"id", KIND_ID, OF_SESSION, false, "a UUID in lower case"},
    [PROJECT_PATH] = {"project_path", KIND_TEXT, OF_SESSION, false, "a string that is not empty"},
    [THREAD_ID] = {"thread_id", KIND_TEXT, OF_SESSION, false, "a string that is not empty"},
    [STATUS] = {"status", KIND_TEXT, OF_SESSION, false, "CREATED, ACTIVE, PAUSED or TERMINATED"},
    [VERSION] = {"version", KIND_NUMBER, OF_SESSION, false,
                 "a whole number from 1 to 999999999999999"},
    [CREATED_AT] = {"created_at", KIND_TIME, OF_SESSION | OF_ENTRY, false,
                    "a time from 1970 until tomorrow"},
    [UPDATED_AT] = {"updated_at", KIND_TIME, OF_SESSION, false, "a time from 1970 until tomorrow"},
    [RECOVERED_AT] = {"recovered_at", KIND_TIME, OF_SESSION, true,
                      "a time from 1970 until tomorrow, or null"},
    [PARENT_ID] = {"parent_id", KIND_ID, OF_SESSION, true, "a UUID in lower case, or null"},
    [LEASE_TOKEN] = {"lease_token", KIND_NUMBER, OF_SESSION, false,
                     "a whole number from 0 to 999999999999999"},
    [CONTEXT] = {"context", KIND_OBJECT, OF_SESSION, false, "an object"},
    [SESSION_ID] = {"session_id", KIND_ID, OF_ENTRY, false, "a UUID in lower case"},
    [STREAM] = {"stream", KIND_STREAM, OF_ENTRY, false,
                "a string of 1 to 256 bytes without control characters"},
    [SEQ] = {"seq", KIND_NUMBER, OF_ENTRY, false, "a whole number from 1 to 4294967295"},
    [ENTRY] = {"entry", KIND_OBJECT, OF_ENTRY, false, "an object"},
};

struct json_import {
    struct store_import_item *items;
    size_t count;
    size_t capacity;
    struct store_import_entry *entries;
    size_t entry_count;
    size_t entry_capacity;
    struct buffer texts; /* decoded strings; as large as the body from the beginning */
};

struct line {
    unsigned seen; /* members, as bits */
    struct slice texts[MEMBER_COUNT];
    int64_t numbers[MEMBER_COUNT];
};

struct reading {
    struct json_import *import;
    size_t max_depth;
    size_t count;      /* of the sessions and entries before */
    size_t line;       /* from 1, those that are blank, too */
    int64_t latest_us; /* of the times that are taken */
    struct error *err;
};

static bool refuse(struct reading *r, const char *member, const char *what, const char *wanted)
{
    char pointer[sizeof(r->err->field)];

    snprintf(pointer, sizeof(pointer), "/%zu%s%s", r->count, member[0] == '\0' ? "" : "/", member);
    return error_set(r->err, ERROR_INVALID_PAYLOAD, pointer, "line %zu: %s%s%s", r->line, member,
                     what, wanted);
}

/* --- Values ----------------------------------------------------------------------------------- */

static bool read_text(struct reading *r, struct slice raw, struct slice *out)
{
    struct buffer *texts = &r->import->texts;
    const struct slice inner = {raw.data + 1, raw.len - 2};
    const size_t before = texts->len;

    if (raw.data[0] != '"' || json_string_has_lone_surrogate(inner))
        return false;
    json_string_decode(inner, texts);
    *out = (struct slice){texts->data + before, texts->len - before};
    return out->len > 0 && memchr(out->data, '\0', out->len) == NULL;
}

/* A version and a token go on from what is read, and are read from headers: they need room to. */
static bool read_number(struct slice raw, int64_t *out)
{
    int64_t number = 0;

    for (size_t i = 0; i < raw.len; i++) {
        if (raw.data[i] < '0' || raw.data[i] > '9' || i == 15)
            return false;
        number = number * 10 + (raw.data[i] - '0');
    }
    *out = number;
    return true;
}

static bool read_id(struct slice text)
{
    char id[ID_SIZE];

    return id_parse(text, id) && slice_is(text, id);
}

static bool read_time(const struct reading *r, struct slice text, int64_t *us)
{
    return timestamp_parse(text, us) && *us > 0 && *us <= r->latest_us;
}

/* What json_compact() moves stays within the value's own place. */
static bool read_object(char *at, const char *end, struct slice *out)
{
    if (*at != '{')
        return false;
    *out = (struct slice){at, (size_t)(json_compact(at, at, end) - at)};
    return true;
}

static bool read_value(struct reading *r, struct line *line, enum member which, char *at,
                       const char *end)
{
    const struct slice raw = {at, (size_t)(end - at)};
    struct slice *text = &line->texts[which];

    if (slice_is(raw, "null"))
        return members[which].may_be_null;
    switch (members[which].kind) {
    case KIND_TEXT:
        return read_text(r, raw, text);
    case KIND_STREAM:
        return read_text(r, raw, text) && entries_request_is_stream(*text);
    case KIND_ID:
        return read_text(r, raw, text) && read_id(*text);
    case KIND_TIME:
        return read_text(r, raw, text) && read_time(r, *text, &line->numbers[which]);
    case KIND_NUMBER:
        return read_number(raw, &line->numbers[which]);
    case KIND_OBJECT:
        return read_object(at, end, text);
    }
    return false;
}

/* --- Lines ------------------------------------------------------------------------------------ */

static enum member find_member(struct slice name)
{
    int which = 0;

    while (which < MEMBER_COUNT && !slice_is(name, members[which].name))
        which++;
    return (enum member)which;
}

static bool read_members(struct reading *r, struct line *line, char *begin, const char *end)
{
    const char *at = begin + 1;
    struct json_name name;

    while (json_skip_to_member(&at, end, &name)) {
        char *value = begin + (at - begin);
        const enum member which = find_member(name.raw);
        at = json_skip_value(at, end);
        if (which == MEMBER_COUNT)
            return refuse(r, "", "there is a member that neither a session nor an entry has", "");
        if (!read_value(r, line, which, value, at))
            return refuse(r, members[which].name, " must be ", members[which].wanted);
        line->seen |= 1U << which;
    }
    return true;
}

static bool check_members(struct reading *r, const struct line *line, unsigned of)
{
    for (int i = 0; i < MEMBER_COUNT; i++) {
        const bool wanted = (members[i].of & of) != 0;
        const bool seen = (line->seen & 1U << i) != 0;
        if (wanted != seen)
            return refuse(r, members[i].name, wanted ? " is missing" : " has no place here", "");
    }
    return true;
}

/* A conflict concerns all that a batch has of a session, so that is one item. NULL: refused. */
static struct store_import_item *add_item(struct reading *r, struct slice id)
{
    struct json_import *import = r->import;

    for (size_t i = 0; i < import->count; i++) {
        if (slice_equal(import->items[i].session.id, id)) {
            refuse(r, "", "the lines of a session have to stand one behind the other, itself first",
                   "");
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

static bool add_session(struct reading *r, const struct line *line)
{
    struct store_import_item *item = add_item(r, line->texts[ID]);

    if (item == NULL)
        return false;
    item->has_session = true;
    item->session = (struct session){
        .id = line->texts[ID],
        .project_path = line->texts[PROJECT_PATH],
        .thread_id = line->texts[THREAD_ID],
        .context = line->texts[CONTEXT],
        .context_bytes = (int64_t)line->texts[CONTEXT].len,
        .version = line->numbers[VERSION],
        .created_us = line->numbers[CREATED_AT],
        .updated_us = line->numbers[UPDATED_AT],
        .recovered_us = line->numbers[RECOVERED_AT],
        .lease = {.token = line->numbers[LEASE_TOKEN]},
        .parent_id = line->texts[PARENT_ID],
    };
    if (!session_status_parse(line->texts[STATUS], &item->session.status))
        return refuse(r, "status", " must be ", members[STATUS].wanted);
    return item->session.version > 0 || refuse(r, "version", " must be ", members[VERSION].wanted);
}

/* Only what an append would have taken as a uuid is one. */
static struct slice find_uuid(struct json_import *import, struct slice object)
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
        struct reading r = {.import = import};
        struct slice uuid;
        if (read_text(&r, (struct slice){value, (size_t)(at - value)}, &uuid) &&
            uuid.len <= JSON_ENTRY_UUID_MAX && !json_utf8_has_control(uuid))
            return uuid;
        break;
    }
    return (struct slice){0};
}

static bool add_entry(struct reading *r, const struct line *line)
{
    struct json_import *import = r->import;
    struct store_import_item *item;

    if (line->numbers[SEQ] < 1 || line->numbers[SEQ] > INT64_C(4294967295))
        return refuse(r, "seq", " must be ", members[SEQ].wanted);
    if (import->count > 0 &&
        slice_equal(import->items[import->count - 1].session.id, line->texts[SESSION_ID])) {
        item = &import->items[import->count - 1];
    } else {
        item = add_item(r, line->texts[SESSION_ID]);
        if (item == NULL)
            return false;
    }
    if (import->entry_count == import->entry_capacity) {
        import->entry_capacity = import->entry_capacity == 0 ? 64 : 2 * import->entry_capacity;
        import->entries =
            reallocarray(import->entries, import->entry_capacity, sizeof(*import->entries));
        if (import->entries == NULL)
            abort();
    }
    item->count++;
    import->entries[import->entry_count++] = (struct store_import_entry){
        .stream = line->texts[STREAM],
        .text = line->texts[ENTRY],
        .uuid = find_uuid(import, line->texts[ENTRY]),
        .seq = line->numbers[SEQ],
        .created_us = line->numbers[CREATED_AT],
    };
    return true;
}

/* The scanner knows of one line alone. */
static bool place_fault(const struct reading *r)
{
    static const char first[] = "line 1,";
    const struct error found = *r->err;

    return error_set(r->err, found.kind, found.field, "line %zu,%s", r->line,
                     found.detail + sizeof(first) - 1);
}

static bool read_line(struct reading *r, char *at, const char *end)
{
    struct line line = {0};

    /* What a request could send lies one deeper here. */
    if (!json_scan((struct slice){at, (size_t)(end - at)}, r->max_depth + 1, NULL, r->err))
        return place_fault(r);
    at += json_skip_space(at, end) - at;
    if (*at != '{')
        return refuse(r, "", "a session or an entry must be an object", "");
    if (r->count == JSON_IMPORT_LINES_MAX)
        return error_set(r->err, ERROR_TOO_LARGE, NULL, "a batch has at most %d lines",
                         JSON_IMPORT_LINES_MAX);
    if (!read_members(r, &line, at, end))
        return false;
    if (slice_is(line.texts[TYPE], "session"))
        return check_members(r, &line, OF_SESSION) && add_session(r, &line);
    if (slice_is(line.texts[TYPE], "entry"))
        return check_members(r, &line, OF_ENTRY) && add_entry(r, &line);
    return refuse(r, "type", " must be ", members[TYPE].wanted);
}

static bool read_lines(struct reading *r, struct buffer *body)
{
    char *at = body->data;
    const char *end = body->data + body->len;

    for (r->line = 1; at < end; r->line++) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline == NULL ? end : newline;
        if (json_skip_space(at, line_end) != line_end) {
            if (!read_line(r, at, line_end))
                return false;
            r->count++;
        }
        at = newline == NULL ? at + (end - at) : newline + 1;
    }
    return true;
}

bool json_import_new(struct buffer *body, size_t max_depth, struct json_import **out,
                     struct error *err)
{
    struct reading r = {
        .max_depth = max_depth,
        .latest_us = timestamp_now_us() + STORE_IMPORT_AHEAD_US,
        .err = err,
    };

    r.import = calloc(1, sizeof(*r.import));
    if (r.import == NULL)
        abort();
    buffer_reserve(&r.import->texts, body->len + 1);
    if (!read_lines(&r, body)) {
        json_import_free(r.import);
        return false;
    }
    *out = r.import;
    return true;
}

void json_import_free(struct json_import *import)
{
    if (import == NULL)
        return;
    free(import->items);
    free(import->entries);
    buffer_release(&import->texts);
    free(import);
}

/* White space apart. */
static bool same_context(struct slice stored, struct slice sent)
{
    if (slice_equal(stored, sent))
        return true;
    struct buffer copy = {0};
    buffer_add(&copy, stored);
    copy.len = (size_t)(json_compact(copy.data, copy.data, copy.data + copy.len) - copy.data);
    const bool same = slice_equal(buffer_slice(&copy), sent);
    buffer_release(&copy);
    return same;
}

struct store_import json_import_batch(struct json_import *import)
{
    const struct store_import_entry *next = import->entries;

    for (size_t i = 0; i < import->count; i++) {
        import->items[i].entries = next;
        next += import->items[i].count;
    }
    return (struct store_import){import->items, import->count, same_context};
}
