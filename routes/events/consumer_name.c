#include "routes/events/consumer_name.h"

#define NAME_MAX_BYTES 128

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool consumer_name_is_valid(struct slice text)
{
    if (text.len == 0 || text.len > NAME_MAX_BYTES || !is_alphanumeric(text.data[0]))
        return false;
    for (size_t i = 1; i < text.len; i++) {
        const char c = text.data[i];
        if (!is_alphanumeric(c) && (c == '\0' || strchr("._~:@-", c) == NULL))
            return false;
    }
    return true;
}
