#include "routes/json/compact.h"

#include "routes/json/skip.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The next white space outside strings, or `end`. */
static const char *skip_to_space(const char *at, const char *end)
{
    while (at != NULL && at < end && !is_space(*at))
        at = *at == '"' ? json_skip_value(at, end) : at + 1;
    return at == NULL ? end : at;
}

char *json_compact(char *to, const char *at, const char *end)
{
    for (at = json_skip_space(at, end); at < end; at = json_skip_space(at, end)) {
        const char *start = at;
        at = skip_to_space(at, end);
        memmove(to, start, (size_t)(at - start));
        to += at - start;
    }
    return to;
}
