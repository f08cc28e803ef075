#include "routes/json/body.h"

#include "routes/core/buffer.h"
#include "routes/json/scan.h"
#include "routes/json/string.h"
#include "routes/json/utf8.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

struct json_body {
    struct json_outline outline;
    struct json_object *tree;
};

static bool reject_member(const char *name, const char *why, struct error *err)
{
    char pointer[48];

    snprintf(pointer, sizeof(pointer), "/%s", name);
    return error_set(err, ERROR_INVALID_PAYLOAD, pointer, "%s %s", name, why);
}

static bool is_known_name(struct slice name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (slice_is(name, *names))
            return true;
    }
    return false;
}

/* Adds a reference token of a JSON pointer: `~` and `/` become ~0 and ~1 (RFC 6901 §3). */
static void add_reference_token(struct buffer *out, struct slice name)
{
    buffer_add_char(out, '/');
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '~')
            buffer_add_text(out, "~0");
        else if (name.data[i] == '/')
            buffer_add_text(out, "~1");
        else
            buffer_add_char(out, name.data[i]);
    }
}

/* A pointer that is truncated or not UTF-8 would point to another member. In these cases the error
 * points to the enclosing object. */
static bool reject_unknown_member(struct slice raw, struct slice name, const char *const *names,
                                  struct error *err)
{
    struct buffer pointer = {0};
    struct buffer known = {0};

    add_reference_token(&pointer, name);
    const bool shown = pointer.len < sizeof(err->field) &&
                       memchr(pointer.data, '\0', pointer.len) == NULL &&
                       !json_string_has_lone_surrogate(raw);
    buffer_add_char(&pointer, '\0');
    for (size_t i = 0; names[i] != NULL; i++)
        buffer_printf(&known, "%s%s", i == 0 ? "" : ", ", names[i]);
    buffer_add_char(&known, '\0');
    error_set(err, ERROR_INVALID_PAYLOAD, shown ? pointer.data : "",
              "unknown member; the members are %s", known.data);
    buffer_release(&known);
    buffer_release(&pointer);
    return false;
}

/* The scanner has rejected duplicate names, and no route knows more than JSON_OUTLINE_MEMBERS
 * names. So an object with more members has an unknown name among the first JSON_OUTLINE_MEMBERS.
 */
static bool check_names(const struct json_outline *outline, const char *const *names,
                        struct error *err)
{
    struct buffer name = {0};
    bool known = true;

    for (size_t i = 0; i < outline->member_count && i < JSON_OUTLINE_MEMBERS && known; i++) {
        name.len = 0;
        json_string_decode(outline->members[i].name, &name);
        known = is_known_name(buffer_slice(&name), names) ||
                reject_unknown_member(outline->members[i].name, buffer_slice(&name), names, err);
    }
    buffer_release(&name);
    if (known && outline->member_count > JSON_OUTLINE_MEMBERS)
        abort();
    return known;
}

/* Parses the value with json-c, an array or object as an empty one. The scanner has accepted the
 * text, so only a failed allocation makes json-c fail: abort. */
static struct json_object *parse_value(struct json_tokener *tokener,
                                       const struct json_member *member, struct buffer *text)
{
    text->len = 0;
    if (member->type == JSON_OBJECT)
        buffer_add_text(text, "{}");
    else if (member->type == JSON_ARRAY)
        buffer_add_text(text, "[]");
    else
        buffer_add(text, member->value);
    buffer_add_char(text, '\0'); /* without it json-c does not know that a number is complete */
    json_tokener_reset(tokener);
    struct json_object *value = json_tokener_parse_ex(tokener, text->data, (int)text->len);
    if (json_tokener_get_error(tokener) != json_tokener_success ||
        (value == NULL) != (member->type == JSON_NULL))
        abort();
    return value;
}

/* Parses each member by itself: when json-c 0.16 parses an object and cannot allocate a member
 * name, it crashes. */
static struct json_object *parse_members(const struct json_outline *outline)
{
    struct json_object *tree = json_object_new_object();
    struct json_tokener *tokener = json_tokener_new();
    struct buffer name = {0};
    struct buffer text = {0};

    if (tree == NULL || tokener == NULL)
        abort();
    for (size_t i = 0; i < outline->member_count; i++) {
        name.len = 0;
        json_string_decode(outline->members[i].name, &name);
        buffer_add_char(&name, '\0');
        struct json_object *value = parse_value(tokener, &outline->members[i], &text);
        if (json_object_object_add_ex(tree, name.data, value, JSON_C_OBJECT_ADD_KEY_IS_NEW) != 0)
            abort();
    }
    json_tokener_free(tokener);
    buffer_release(&name);
    buffer_release(&text);
    return tree;
}

bool json_body_new(struct slice body, size_t max_depth, const char *const *names,
                   struct json_body **out, struct error *err)
{
    struct json_outline outline;

    if (!json_scan(body, max_depth, &outline, err))
        return false;
    if (outline.type != JSON_OBJECT)
        return error_set(err, ERROR_INVALID_PAYLOAD, "", "the body must be a JSON object");
    if (!check_names(&outline, names, err))
        return false;

    struct json_body *payload = malloc(sizeof(*payload));
    if (payload == NULL)
        abort();
    payload->outline = outline;
    payload->tree = parse_members(&outline);
    *out = payload;
    return true;
}

void json_body_free(struct json_body *payload)
{
    if (payload == NULL)
        return;
    json_object_put(payload->tree);
    free(payload);
}

bool json_body_has(const struct json_body *payload, const char *name)
{
    return json_object_object_get_ex(payload->tree, name, NULL);
}

static void format_name_list(const char *const *names, unsigned count, char *out, size_t size)
{
    size_t len = 0;

    for (unsigned i = 0; i < count && len < size; i++) {
        const char *separator = i == 0 ? "" : i + 1 == count ? " and " : ", ";
        len += (size_t)snprintf(out + len, size - len, "%s%s", separator, names[i]);
    }
}

static bool reject_missing_members(const char *const *missing, unsigned count, struct error *err)
{
    char text[128];

    format_name_list(missing, count, text, sizeof(text));
    error_set(err, ERROR_INVALID_PAYLOAD, "", "%s %s missing", text, count == 1 ? "is" : "are");
    for (unsigned i = 0; i < count; i++)
        err->missing[err->missing_count++] = missing[i];
    return false;
}

bool json_body_require(const struct json_body *payload, const char *const *names, struct error *err)
{
    const char *missing[ERROR_MISSING_MAX];
    unsigned count = 0;

    for (; *names != NULL && count < ERROR_MISSING_MAX; names++) {
        if (!json_body_has(payload, *names))
            missing[count++] = *names;
    }
    return count == 0 || reject_missing_members(missing, count, err);
}

bool json_body_is_null(const struct json_body *payload, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(payload->tree, name, &value) && value == NULL;
}

/* The member's text as sent. Known names are plain ASCII, but a client may send them with escapes.
 */
static struct slice find_member_text(const struct json_body *payload, const char *name)
{
    struct slice found = {0};
    struct buffer decoded = {0};

    for (size_t i = 0; i < payload->outline.member_count && found.data == NULL; i++) {
        decoded.len = 0;
        json_string_decode(payload->outline.members[i].name, &decoded);
        if (slice_is(buffer_slice(&decoded), name))
            found = payload->outline.members[i].value;
    }
    buffer_release(&decoded);
    return found;
}

bool json_body_text(const struct json_body *payload, const char *name, size_t max_bytes,
                    struct slice *out, struct error *err)
{
    struct json_object *value;
    char why[64];

    if (!json_object_object_get_ex(payload->tree, name, &value))
        return reject_member(name, "is missing", err);
    if (!json_object_is_type(value, json_type_string))
        return reject_member(name, "must be a string", err);
    const struct slice text = {json_object_get_string(value),
                               (size_t)json_object_get_string_len(value)};
    if (text.len == 0)
        return reject_member(name, "must not be empty", err);
    if (text.len > max_bytes) {
        snprintf(why, sizeof(why), "must not be longer than %zu bytes of UTF-8", max_bytes);
        return reject_member(name, why, err);
    }
    if (json_utf8_has_control(text))
        return reject_member(name, "must not contain control characters", err);
    const struct slice raw = find_member_text(payload, name);
    if (json_string_has_lone_surrogate((struct slice){raw.data + 1, raw.len - 2}))
        return reject_member(name, "must not contain half of a surrogate pair", err);
    *out = text;
    return true;
}

bool json_body_object(const struct json_body *payload, const char *name, struct slice *out,
                      struct error *err)
{
    struct json_object *value;

    if (!json_object_object_get_ex(payload->tree, name, &value)) {
        *out = (struct slice){0};
        return true;
    }
    if (!json_object_is_type(value, json_type_object))
        return reject_member(name, "must be an object", err);
    *out = find_member_text(payload, name);
    return true;
}

bool json_body_status(const struct json_body *payload, const char *name, bool *present,
                      enum session_status *out, struct error *err)
{
    struct json_object *value;

    *present = json_object_object_get_ex(payload->tree, name, &value);
    if (!*present)
        return true;
    if (!json_object_is_type(value, json_type_string) ||
        !session_status_parse((struct slice){json_object_get_string(value),
                                             (size_t)json_object_get_string_len(value)},
                              out))
        return reject_member(name, "must be one of CREATED, ACTIVE, PAUSED, TERMINATED", err);
    return true;
}

bool json_body_integer(const struct json_body *payload, const char *name, int64_t least,
                       int64_t most, int64_t *out, struct error *err)
{
    struct json_object *value;
    char why[96];

    if (!json_object_object_get_ex(payload->tree, name, &value))
        return reject_member(name, "is missing", err);
    /* json-c clamps a number beyond int64_t to the nearest int64_t, which is out of range here too.
     * 30.0 and 3e1 are accepted as whole numbers because some programs write every number so. */
    const int64_t number = json_object_get_int64(value);
    const bool is_whole = json_object_is_type(value, json_type_int) ||
                          (json_object_is_type(value, json_type_double) &&
                           json_object_get_double(value) == (double)number);
    if (is_whole && number >= least && number <= most) {
        *out = number;
        return true;
    }
    snprintf(why, sizeof(why), "must be a whole number from %lld to %lld", (long long)least,
             (long long)most);
    return reject_member(name, why, err);
}

bool json_body_flag(const struct json_body *payload, const char *name, bool *out, struct error *err)
{
    struct json_object *value;

    *out = false;
    if (!json_object_object_get_ex(payload->tree, name, &value))
        return true;
    if (!json_object_is_type(value, json_type_boolean))
        return reject_member(name, "must be true or false", err);
    *out = json_object_get_boolean(value);
    return true;
}
