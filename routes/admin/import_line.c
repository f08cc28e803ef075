#include "routes/admin/import_line.h"

#include "db/base/timestamp.h"
#include "db/store.h"
#include "routes/entries/params.h"
#include "routes/json/compact.h"
#include "routes/json/scan.h"
#include "routes/json/skip.h"
#include "routes/json/string.h"

#include <stdio.h>

enum kind { KIND_TEXT, KIND_STREAM, KIND_ID, KIND_TIME, KIND_NUMBER, KIND_OBJECT };

#define OF_SESSION 1U
#define OF_ENTRY 2U

static const struct {
    const char *name;
    enum kind kind;
    unsigned of;
    bool may_be_null;
    const char *wanted;
} members[LINE_MEMBERS] = {
    [LINE_TYPE] = {"type", KIND_TEXT, OF_SESSION | OF_ENTRY, false, "\"session\" or \"entry\""},
    [LINE_ID] = {"id", KIND_ID, OF_SESSION, false, "a UUID in lower case"},
    [LINE_PROJECT_PATH] = {"project_path", KIND_TEXT, OF_SESSION, false, "a string"},
    [LINE_THREAD_ID] = {"thread_id", KIND_TEXT, OF_SESSION, false, "a string"},
    [LINE_STATUS] = {"status", KIND_TEXT, OF_SESSION, false,
                     "CREATED, ACTIVE, PAUSED or TERMINATED"},
    [LINE_VERSION] = {"version", KIND_NUMBER, OF_SESSION, false,
                      "a whole number from 1 to 999999999999999"},
    [LINE_CREATED_AT] = {"created_at", KIND_TIME, OF_SESSION | OF_ENTRY, false,
                         "a time from 1970 until tomorrow"},
    [LINE_UPDATED_AT] = {"updated_at", KIND_TIME, OF_SESSION, false,
                         "a time from 1970 until tomorrow"},
    [LINE_RECOVERED_AT] = {"recovered_at", KIND_TIME, OF_SESSION, true,
                           "a time from 1970 until tomorrow, or null"},
    [LINE_PARENT_ID] = {"parent_id", KIND_ID, OF_SESSION, true, "a UUID in lower case, or null"},
    [LINE_LEASE_TOKEN] = {"lease_token", KIND_NUMBER, OF_SESSION, false,
                          "a whole number from 0 to 999999999999999"},
    [LINE_CONTEXT] = {"context", KIND_OBJECT, OF_SESSION, false, "an object"},
    [LINE_SESSION_ID] = {"session_id", KIND_ID, OF_ENTRY, false, "a UUID in lower case"},
    [LINE_STREAM] = {"stream", KIND_STREAM, OF_ENTRY, false,
                     "a string of 1 to 256 bytes without control characters"},
    [LINE_SEQ] = {"seq", KIND_NUMBER, OF_ENTRY, false, "a whole number from 1 to 4294967295"},
    [LINE_ENTRY] = {"entry", KIND_OBJECT, OF_ENTRY, false, "an object"},
};

static bool reject_line_member(struct line_reader *r, const char *member, const char *what,
                               const char *wanted)
{
    char pointer[sizeof(r->err->field)];

    snprintf(pointer, sizeof(pointer), "/%zu%s%s", r->count, member[0] == '\0' ? "" : "/", member);
    return error_set(r->err, ERROR_INVALID_PAYLOAD, pointer, "line %zu: %s%s%s", r->number, member,
                     what, wanted);
}

static bool reject_value(struct line_reader *r, enum line_member which)
{
    return reject_line_member(r, members[which].name, " must be ", members[which].wanted);
}

/* --- Values ----------------------------------------------------------------------------------- */

bool line_read_text(struct line_reader *r, struct slice raw, struct slice *out)
{
    struct buffer *texts = r->texts;
    const struct slice inner = {raw.data + 1, raw.len - 2};
    const size_t before = texts->len;

    if (raw.data[0] != '"' || json_string_has_lone_surrogate(inner))
        return false;
    json_string_decode(inner, texts);
    if (texts->len == before)
        *out = (struct slice){"", 0};
    else
        *out = (struct slice){texts->data + before, texts->len - before};
    return memchr(out->data, '\0', out->len) == NULL;
}

/* Versions and tokens continue from the imported value, and request headers accept 18 digits of
 * them. */
#define NUMBER_DIGITS_MAX 15

static bool read_number(struct slice raw, int64_t *out)
{
    int64_t number = 0;

    for (size_t i = 0; i < raw.len; i++) {
        if (raw.data[i] < '0' || raw.data[i] > '9' || i == NUMBER_DIGITS_MAX)
            return false;
        number = number * 10 + (raw.data[i] - '0');
    }
    *out = number;
    return true;
}

static bool read_id(struct slice text)
{
    char id[UUID_SIZE];

    return uuid_read(text, id) && slice_is(text, id);
}

static bool read_time(const struct line_reader *r, struct slice text, int64_t *us)
{
    return timestamp_parse(text, us) && *us > 0 && *us <= r->latest_us;
}

/* Compacts the object in place, within its own bytes. */
static bool read_object(char *at, const char *end, struct slice *out)
{
    if (*at != '{')
        return false;
    *out = (struct slice){at, (size_t)(json_compact(at, at, end) - at)};
    return true;
}

static bool read_value(struct line_reader *r, struct line *line, enum line_member which, char *at,
                       const char *end)
{
    const struct slice raw = {at, (size_t)(end - at)};
    struct slice *text = &line->texts[which];

    if (slice_is(raw, "null"))
        return members[which].may_be_null;
    switch (members[which].kind) {
    case KIND_TEXT:
        return line_read_text(r, raw, text);
    case KIND_STREAM:
        return line_read_text(r, raw, text) && entries_params_is_stream(*text);
    case KIND_ID:
        return line_read_text(r, raw, text) && read_id(*text);
    case KIND_TIME:
        return line_read_text(r, raw, text) && read_time(r, *text, &line->numbers[which]);
    case KIND_NUMBER:
        return read_number(raw, &line->numbers[which]);
    case KIND_OBJECT:
        return read_object(at, end, text);
    }
    return false;
}

/* --- Lines ------------------------------------------------------------------------------------ */

static enum line_member find_member(struct slice name)
{
    int which = 0;

    while (which < LINE_MEMBERS && !slice_is(name, members[which].name))
        which++;
    return (enum line_member)which;
}

static bool read_members(struct line_reader *r, struct line *line, char *begin, const char *end)
{
    const char *at = begin + 1;
    struct json_name name;

    while (json_skip_to_member(&at, end, &name)) {
        char *value = begin + (at - begin);
        const enum line_member which = find_member(name.raw);
        at = json_skip_value(at, end);
        if (which == LINE_MEMBERS)
            return reject_line_member(
                r, "", "it has a member that neither a session nor an entry has", "");
        if (!read_value(r, line, which, value, at))
            return reject_value(r, which);
        line->seen |= 1U << which;
    }
    return true;
}

static bool check_members(struct line_reader *r, const struct line *line, unsigned of)
{
    for (int i = 0; i < LINE_MEMBERS; i++) {
        const bool wanted = (members[i].of & of) != 0;
        const bool seen = (line->seen & 1U << i) != 0;
        if (wanted != seen)
            return reject_line_member(
                r, members[i].name, wanted ? " is missing" : " is not allowed in this type of line",
                "");
    }
    return true;
}

/* Replaces the line number in the error: the scanner has seen only this line. */
static bool set_line_number(const struct line_reader *r)
{
    static const char first[] = "line 1,";
    const struct error found = *r->err;

    return error_set(r->err, found.kind, found.field, "line %zu,%s", r->number,
                     found.detail + sizeof(first) - 1);
}

/* Checks the ranges that the kind of a member does not determine. */
static bool check_values(struct line_reader *r, struct line *line)
{
    enum session_status status;

    if (!line->is_session)
        return (line->numbers[LINE_SEQ] >= 1 && line->numbers[LINE_SEQ] <= INT64_C(4294967295)) ||
               reject_value(r, LINE_SEQ);
    if (!session_status_parse(line->texts[LINE_STATUS], &status))
        return reject_value(r, LINE_STATUS);
    line->numbers[LINE_STATUS] = status;
    return line->numbers[LINE_VERSION] > 0 || reject_value(r, LINE_VERSION);
}

bool line_reject(struct line_reader *r, const char *why)
{
    return reject_line_member(r, "", why, "");
}

bool line_read(struct line_reader *r, char *at, const char *end, struct line *out)
{
    *out = (struct line){0};
    /* The context or entry is nested one level deeper here than in the request that created it. */
    if (!json_scan((struct slice){at, (size_t)(end - at)}, r->max_depth + 1, NULL, r->err))
        return set_line_number(r);
    at += json_skip_space(at, end) - at;
    if (*at != '{')
        return line_reject(r, "a session or an entry must be an object");
    if (!read_members(r, out, at, end))
        return false;
    out->is_session = slice_is(out->texts[LINE_TYPE], "session");
    if (!out->is_session && !slice_is(out->texts[LINE_TYPE], "entry"))
        return reject_value(r, LINE_TYPE);
    return check_members(r, out, out->is_session ? OF_SESSION : OF_ENTRY) && check_values(r, out);
}
