#include "routes/json/skip.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

const char *json_skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

/* A quote is escaped when an odd number of backslashes precedes it. The loop ends at the opening
 * quote at the latest. */
static bool is_escaped(const char *quote)
{
    const char *at = quote;

    while (at[-1] == '\\')
        at--;
    return (quote - at) % 2 != 0;
}

/* `at` is the opening quote. The byte after the closing quote; NULL when the string is not closed.
 */
static const char *skip_string(const char *at, const char *end)
{
    do {
        at++;
        at = at == end ? NULL : memchr(at, '"', (size_t)(end - at));
        if (at == NULL)
            return NULL;
    } while (is_escaped(at));
    return at + 1;
}

static const char *skip_container(const char *at, const char *end)
{
    size_t depth = 0;

    do {
        if (at == NULL || at == end)
            return NULL;
        switch (*at) {
        case '"':
            at = skip_string(at, end);
            continue;
        case '[':
        case '{':
            depth++;
            break;
        case ']':
        case '}':
            depth--;
            break;
        default:
            break;
        }
        at++;
    } while (depth > 0);
    return at;
}

const char *json_skip_value(const char *at, const char *end)
{
    const char *begin = at;

    if (at == end)
        return NULL;
    if (*at == '"')
        return skip_string(at, end);
    if (*at == '[' || *at == '{')
        return skip_container(at, end);
    while (at < end && *at != ',' && *at != ']' && *at != '}' && !is_space(*at))
        at++;
    return at == begin ? NULL : at;
}

/* Skips the character `c` at `at` and the white space after it; NULL when another character is at
 * `at`, or when the text ends after it. */
static const char *skip_char(const char *at, const char *end, char c)
{
    if (at == NULL || at == end || *at != c)
        return NULL;
    at = json_skip_space(at + 1, end);
    return at == end ? NULL : at;
}

bool json_skip_to_member(const char **at, const char *end, struct json_name *name)
{
    const char *next = json_skip_space(*at, end);
    struct slice raw;

    *at = NULL;
    if (next < end && *next == ',')
        next = json_skip_space(next + 1, end);
    if (next == end)
        return false;
    if (*next == '}') {
        *at = next + 1;
        return false;
    }
    if (*next != '"')
        return false;
    raw.data = next + 1;
    next = skip_string(next, end);
    if (next == NULL)
        return false;
    raw.len = (size_t)(next - raw.data) - 1;
    *name = json_name_make(raw, memchr(raw.data, '\\', raw.len) != NULL);
    *at = skip_char(json_skip_space(next, end), end, ':');
    return *at != NULL;
}
