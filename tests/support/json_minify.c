#include "tests/support/json_minify.h"

#include <stdbool.h>
#include <stdlib.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

char *json_minify(const char *text, size_t len)
{
    char *out = malloc(len + 1);
    size_t used = 0;
    bool in_string = false;

    if (out == NULL)
        abort();
    for (size_t i = 0; i < len; i++) {
        if (!in_string && is_space(text[i]))
            continue;
        out[used++] = text[i];
        if (text[i] == '"')
            in_string = !in_string;
        if (in_string && text[i] == '\\' && i + 1 < len)
            out[used++] = text[++i];
    }
    out[used] = '\0';
    return out;
}
