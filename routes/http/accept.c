#include "routes/http/accept.h"

#include <string.h>
#include <strings.h>

static struct slice trimmed(struct slice text)
{
    while (text.len > 0 && (*text.data == ' ' || *text.data == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Takes what stands in front of the next `separator` off the front of *rest. */
static struct slice next_part(struct slice *rest, char separator)
{
    const char *end = memchr(rest->data, separator, rest->len);
    const size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    const struct slice part = {rest->data, len};
    const size_t passed = end == NULL ? len : len + 1;

    rest->data += passed;
    rest->len -= passed;
    return trimmed(part);
}

/* q=0, q=0.0, q=0.00 or q=0.000 */
static bool is_weight_of_none(struct slice parameter)
{
    if (parameter.len < 3 || strncasecmp(parameter.data, "q=0", 3) != 0)
        return false;
    for (size_t i = 3; i < parameter.len; i++) {
        if (parameter.data[i] != '.' && parameter.data[i] != '0')
            return false;
    }
    return true;
}

static bool names(struct slice range, const char *type)
{
    const struct slice name = next_part(&range, ';');

    if (name.len != strlen(type) || strncasecmp(name.data, type, name.len) != 0)
        return false;
    while (range.len > 0) {
        if (is_weight_of_none(next_part(&range, ';')))
            return false;
    }
    return true;
}

bool accept_names(struct slice accept, const char *type)
{
    while (accept.data != NULL && accept.len > 0) {
        if (names(next_part(&accept, ','), type))
            return true;
    }
    return false;
}
