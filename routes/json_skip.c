#include "routes/json_skip.h"

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

/* A quote closes the string unless an odd number of backslashes stands before it. */
static bool is_escaped(const char *quote)
{
    const char *at = quote;

    while (at[-1] == '\\')
        at--;
    return (quote - at) % 2 != 0;
}

/* From the opening quote to behind the closing one. */
static const char *skip_string(const char *at, const char *end)
{
    do {
        at++;
        at = memchr(at, '"', (size_t)(end - at));
    } while (is_escaped(at));
    return at + 1;
}

static const char *skip_container(const char *at, const char *end)
{
    size_t depth = 0;

    do {
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
    if (*at == '"')
        return skip_string(at, end);
    if (*at == '[' || *at == '{')
        return skip_container(at, end);
    while (at < end && *at != ',' && *at != ']' && *at != '}' && !is_space(*at))
        at++;
    return at;
}

bool json_skip_to_member(const char **at, const char *end, struct json_name *name)
{
    struct slice raw;

    *at = json_skip_space(*at, end);
    if (**at == ',')
        *at = json_skip_space(*at + 1, end);
    if (**at == '}') {
        ++*at;
        return false;
    }
    raw.data = *at + 1;
    *at = skip_string(*at, end);
    raw.len = (size_t)(*at - raw.data) - 1;
    *name = json_name_make(raw, memchr(raw.data, '\\', raw.len) != NULL);
    *at = json_skip_space(*at, end);
    *at = json_skip_space(*at + 1, end); /* the colon */
    return true;
}
