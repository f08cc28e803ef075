#include "routes/accept.h"

#include <strings.h>

/* Weights are told in thousandths (§12.4.2). */
#define FULL_WEIGHT 1000

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trim(struct slice text)
{
    while (text.len > 0 && is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* Takes what stands before `separator` off the front of *rest; false at the end. */
static bool take(struct slice *rest, char separator, struct slice *out)
{
    if (rest->data == NULL)
        return false;
    const char *end = memchr(rest->data, separator, rest->len);
    const size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);

    *out = trim((struct slice){rest->data, len});
    *rest =
        end == NULL ? (struct slice){0} : (struct slice){rest->data + len + 1, rest->len - len - 1};
    return true;
}

/* `0`, `1`, or one of them with a point and up to three digits; 0 for what is none. */
static int read_weight(struct slice text)
{
    int weight = 0;

    if (text.len == 0 || text.len > 5 || (text.len > 1 && text.data[1] != '.'))
        return 0;
    for (size_t i = 0, unit = FULL_WEIGHT; i < text.len; i += i == 0 ? 2 : 1, unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        weight += (text.data[i] - '0') * (int)unit;
    }
    return weight <= FULL_WEIGHT ? weight : 0;
}

static int weight_of(struct slice parameters)
{
    struct slice parameter;

    while (take(&parameters, ';', &parameter)) {
        if (parameter.len >= 2 && strncasecmp(parameter.data, "q=", 2) == 0)
            return read_weight((struct slice){parameter.data + 2, parameter.len - 2});
    }
    return FULL_WEIGHT;
}

/* 0: it is not named. */
static int weight_in(struct slice accept, const char *type)
{
    const size_t len = strlen(type);
    struct slice range;
    struct slice name;

    while (take(&accept, ',', &range)) {
        if (take(&range, ';', &name) && name.len == len && strncasecmp(name.data, type, len) == 0)
            return weight_of(range);
    }
    return 0;
}

bool accept_asks_for(struct slice accept, const char *type)
{
    const int weight = weight_in(accept, type);

    return weight > 0 && weight >= weight_in(accept, "application/json");
}
