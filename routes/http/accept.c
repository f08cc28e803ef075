#include "routes/http/accept.h"

#include <string.h>
#include <strings.h>

static struct slice trim_spaces(struct slice text)
{
    while (text.len > 0 && (*text.data == ' ' || *text.data == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Removes the part before the next `separator`, and the separator, from the front of *rest. Returns
 * the part without surrounding white space. */
static struct slice split_next(struct slice *rest, char separator)
{
    const char *end = memchr(rest->data, separator, rest->len);
    const size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    const struct slice part = {rest->data, len};
    const size_t consumed = end == NULL ? len : len + 1;

    rest->data += consumed;
    rest->len -= consumed;
    return trim_spaces(part);
}

/* Matches q=0, q=0.0, q=0.00 and q=0.000. */
static bool is_zero_weight(struct slice parameter)
{
    if (parameter.len < 3 || strncasecmp(parameter.data, "q=0", 3) != 0)
        return false;
    for (size_t i = 3; i < parameter.len; i++) {
        if (parameter.data[i] != '.' && parameter.data[i] != '0')
            return false;
    }
    return true;
}

static bool names_media_type(struct slice range, const char *type)
{
    const struct slice name = split_next(&range, ';');

    if (name.len != strlen(type) || strncasecmp(name.data, type, name.len) != 0)
        return false;
    while (range.len > 0) {
        if (is_zero_weight(split_next(&range, ';')))
            return false;
    }
    return true;
}

bool accept_includes(struct slice accept, const char *type)
{
    while (accept.data != NULL && accept.len > 0) {
        if (names_media_type(split_next(&accept, ','), type))
            return true;
    }
    return false;
}
