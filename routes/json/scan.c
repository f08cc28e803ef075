#include "routes/json/scan.h"

#include "routes/json/member_name.h"
#include "routes/json/scan_error.h"

#include <stdlib.h>

/* The value in scan.open of an array, in place of the index of an object's first name. */
#define ARRAY SIZE_MAX

struct scan {
    struct slice text;
    const char *at;
    const char *end;
    size_t *open; /* for each open container: ARRAY, or the index of its first name in `names` */
    size_t depth;
    size_t capacity;
    size_t max_depth;
    struct json_names names;
    struct json_outline outline;
    struct error *err;
};

/* What the scanner expects next. */
enum step { STEP_VALUE, STEP_AFTER_VALUE, STEP_DONE, STEP_FAILED };

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static bool is_at(const struct scan *s, char c)
{
    return s->at < s->end && *s->at == c;
}

static bool is_at_digit(const struct scan *s)
{
    return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static enum step fail(struct scan *s, const char *words)
{
    json_scan_error(s->text, s->at, s->err, "%s", words);
    return STEP_FAILED;
}

static enum step fail_expected(struct scan *s, const char *what)
{
    json_scan_error_expected(s->text, s->at, s->err, what);
    return STEP_FAILED;
}

static enum step fail_string(struct scan *s, enum json_string_error fault)
{
    unsigned byte = (unsigned char)*s->at;

    switch (fault) {
    case JSON_STRING_CONTROL:
        json_scan_error(s->text, s->at, s->err,
                        "a string has the unescaped control character 0x%02X; write \\u%04X", byte,
                        byte);
        return STEP_FAILED;
    case JSON_STRING_ESCAPE:
        return fail(s, "a backslash does not begin one of the escapes "
                       "\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    case JSON_STRING_UTF8:
        json_scan_error(s->text, s->at, s->err, "invalid UTF-8 at the byte 0x%02X", byte);
        return STEP_FAILED;
    case JSON_STRING_UNCLOSED:
    case JSON_STRING_VALID:
    default:
        return fail(s, "a string is not closed");
    }
}

static enum step scan_string(struct scan *s, struct slice *raw, bool *escaped)
{
    const char *start = ++s->at;
    enum json_string_error fault = json_string_check(&s->at, s->end, escaped);

    if (fault != JSON_STRING_VALID)
        return fail_string(s, fault);
    *raw = (struct slice){start, (size_t)(s->at - start)};
    s->at++;
    return STEP_AFTER_VALUE;
}

static enum step scan_digits(struct scan *s)
{
    if (!is_at_digit(s))
        return fail_expected(s, "a digit of a number");
    while (is_at_digit(s))
        s->at++;
    return STEP_AFTER_VALUE;
}

static enum step scan_exponent(struct scan *s)
{
    if (!is_at(s, 'e') && !is_at(s, 'E'))
        return STEP_AFTER_VALUE;
    s->at++;
    if (is_at(s, '+') || is_at(s, '-'))
        s->at++;
    return scan_digits(s);
}

static enum step scan_number(struct scan *s)
{
    if (is_at(s, '-'))
        s->at++;
    if (is_at(s, '0')) {
        s->at++;
        if (is_at_digit(s))
            return fail(s, "a number has a leading zero");
    } else if (scan_digits(s) == STEP_FAILED) {
        return STEP_FAILED;
    }
    if (is_at(s, '.')) {
        s->at++;
        if (scan_digits(s) == STEP_FAILED)
            return STEP_FAILED;
    }
    return scan_exponent(s);
}

static enum step scan_literal(struct scan *s, struct slice word)
{
    if ((size_t)(s->end - s->at) < word.len || memcmp(s->at, word.data, word.len) != 0)
        return fail(s, "a word is not true, false or null");
    s->at += word.len;
    return STEP_AFTER_VALUE;
}

static enum json_kind type_at(const struct scan *s)
{
    switch (s->at < s->end ? *s->at : '\0') {
    case 'n':
        return JSON_NULL;
    case 'f':
        return JSON_FALSE;
    case 't':
        return JSON_TRUE;
    case '"':
        return JSON_STRING;
    case '[':
        return JSON_ARRAY;
    case '{':
        return JSON_OBJECT;
    default:
        return JSON_NUMBER;
    }
}

static void outline_member(struct scan *s, struct slice name)
{
    size_t index = s->outline.member_count++;

    if (index < JSON_OUTLINE_MEMBERS)
        s->outline.members[index] = (struct json_member){name, {s->at, 0}, type_at(s)};
}

static void outline_value_end(struct scan *s)
{
    size_t count = s->outline.member_count;

    if (count > 0 && count <= JSON_OUTLINE_MEMBERS) {
        struct slice *value = &s->outline.members[count - 1].value;

        value->len = (size_t)(s->at - value->data);
    }
}

/* Scans a member name and its colon. */
static enum step scan_name(struct scan *s)
{
    struct slice raw = {0};
    bool escaped = false;

    skip_space(s);
    if (!is_at(s, '"'))
        return fail_expected(s, "a member name in double quotes");
    if (scan_string(s, &raw, &escaped) == STEP_FAILED)
        return STEP_FAILED;
    json_names_push(&s->names, json_name_make(raw, escaped));
    skip_space(s);
    if (!is_at(s, ':'))
        return fail_expected(s, "':'");
    s->at++;
    skip_space(s);
    if (s->depth == 1)
        outline_member(s, raw);
    return STEP_VALUE;
}

static bool open_container(struct scan *s, size_t frame)
{
    if (s->depth >= s->max_depth) {
        json_scan_error(s->text, s->at, s->err,
                        "arrays and objects are nested deeper than %zu levels, which is the limit",
                        s->max_depth);
        return false;
    }
    if (s->depth == s->capacity) {
        s->capacity = s->capacity == 0 ? 32 : 2 * s->capacity;
        s->open = reallocarray(s->open, s->capacity, sizeof(*s->open));
        if (s->open == NULL)
            abort();
    }
    s->open[s->depth++] = frame;
    s->at++;
    skip_space(s);
    return true;
}

static enum step close_container(struct scan *s)
{
    size_t frame = s->open[--s->depth];
    struct slice repeated = {0};

    s->at++;
    if (frame != ARRAY)
        repeated = json_names_pop(&s->names, frame);
    if (repeated.data == NULL)
        return STEP_AFTER_VALUE;
    json_scan_error_repeated_name(s->text, repeated, s->err);
    return STEP_FAILED;
}

static enum step scan_array_start(struct scan *s)
{
    if (!open_container(s, ARRAY))
        return STEP_FAILED;
    return is_at(s, ']') ? close_container(s) : STEP_VALUE;
}

static enum step scan_object_start(struct scan *s)
{
    if (!open_container(s, s->names.len))
        return STEP_FAILED;
    return is_at(s, '}') ? close_container(s) : scan_name(s);
}

static enum step fail_no_value(struct scan *s)
{
    if (s->at == s->end)
        return fail_expected(s, "a value");
    return fail_expected(s, "a value (object, array, string in double quotes, number, true, "
                            "false or null)");
}

/* Scans a scalar, or the start of a container. */
static enum step scan_value(struct scan *s)
{
    struct slice raw;
    bool escaped;

    skip_space(s);
    switch (s->at < s->end ? *s->at : '\0') {
    case '{':
        return scan_object_start(s);
    case '[':
        return scan_array_start(s);
    case '"':
        return scan_string(s, &raw, &escaped);
    case 't':
        return scan_literal(s, SLICE_LITERAL("true"));
    case 'f':
        return scan_literal(s, SLICE_LITERAL("false"));
    case 'n':
        return scan_literal(s, SLICE_LITERAL("null"));
    default:
        return is_at(s, '-') || is_at_digit(s) ? scan_number(s) : fail_no_value(s);
    }
}

static enum step scan_end(struct scan *s)
{
    skip_space(s);
    return s->at < s->end ? fail_expected(s, "the end of the document") : STEP_DONE;
}

/* Scans a comma and the start of the next member or element, or the end of the container. */
static enum step scan_after_value(struct scan *s)
{
    bool in_object;

    if (s->depth == 0)
        return scan_end(s);
    in_object = s->open[s->depth - 1] != ARRAY;
    if (s->depth == 1 && in_object)
        outline_value_end(s);
    skip_space(s);
    if (is_at(s, in_object ? '}' : ']'))
        return close_container(s);
    if (!is_at(s, ','))
        return fail_expected(s, in_object ? "',' or '}'" : "',' or ']'");
    s->at++;
    return in_object ? scan_name(s) : STEP_VALUE;
}

static enum step scan_start(struct scan *s)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";

    if (s->text.len >= 3 && memcmp(s->text.data, byte_order_mark, 3) == 0)
        return fail(s, "a byte order mark precedes the value; remove it");
    skip_space(s);
    s->outline.type = type_at(s);
    return STEP_VALUE;
}

static bool scan_text(struct scan *s)
{
    enum step step = scan_start(s);

    while (step == STEP_VALUE || step == STEP_AFTER_VALUE)
        step = step == STEP_VALUE ? scan_value(s) : scan_after_value(s);
    return step == STEP_DONE;
}

bool json_scan(struct slice text, size_t max_depth, struct json_outline *out, struct error *err)
{
    if (text.data == NULL)
        text = SLICE_LITERAL("");

    struct scan s = {
        .text = text,
        .at = text.data,
        .end = text.data + text.len,
        .max_depth = max_depth,
        .err = err,
    };
    bool ok = scan_text(&s);

    free(s.open);
    json_names_release(&s.names);
    if (ok && out != NULL)
        *out = s.outline;
    return ok;
}
