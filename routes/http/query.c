#include "routes/http/query.h"

#include "routes/json/utf8.h"

#include <stdio.h>

bool query_next(struct slice *rest, struct query_parameter *out)
{
    while (rest->len > 0) {
        const char *end = memchr(rest->data, '&', rest->len);
        const size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
        const struct slice raw = {rest->data, len};
        const size_t consumed = end == NULL ? len : len + 1;

        rest->data += consumed;
        rest->len -= consumed;
        if (len == 0)
            continue;
        const char *equals = memchr(raw.data, '=', raw.len);
        const size_t name_len = equals == NULL ? len : (size_t)(equals - raw.data);
        const size_t value_at = equals == NULL ? len : name_len + 1;
        *out = (struct query_parameter){
            .raw = raw,
            .name = {raw.data, name_len},
            .value = {raw.data + value_at, len - value_at},
        };
        return true;
    }
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that the %XX at `at` denotes; -1 when it is invalid. */
static int decode_percent_escape(const char *at, const char *end)
{
    if (end - at < 3)
        return -1;
    const int high = hex_digit(at[1]);
    const int low = hex_digit(at[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool query_reject(const struct query_parameter *parameter, const char *why, struct error *err)
{
    char name[sizeof(err->field)];
    const struct slice sent = parameter->name;

    snprintf(name, sizeof(name), "%.*s", (int)(sent.len < sizeof(name) ? sent.len : sizeof(name)),
             sent.data);
    return error_set(err, ERROR_INVALID_QUERY, name, "%s", why);
}

static bool is_utf8(const char *at, const char *end)
{
    while (at < end) {
        const size_t len = (unsigned char)*at < 0x80 ? 1 : json_utf8_length(at, end);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

bool query_decode(const struct query_parameter *parameter, struct buffer *out, struct error *err)
{
    const char *at = parameter->value.data;
    const char *end = at + parameter->value.len;
    const size_t began = out->len;

    for (; at < end; at++) {
        int byte = (unsigned char)*at;
        if (*at == '+' && at > parameter->value.data)
            byte = ' ';
        if (*at == '%') {
            byte = decode_percent_escape(at, end);
            at += 2;
        }
        if (byte < 0)
            return query_reject(
                parameter, "the value has a % that is not followed by two hexadecimal digits", err);
        if (byte == 0)
            return query_reject(parameter, "the value contains a NUL", err);
        buffer_add_char(out, (char)byte);
    }
    if (out->len > began && !is_utf8(out->data + began, out->data + out->len))
        return query_reject(parameter, "the value is not valid UTF-8", err);
    return true;
}

bool query_number(struct slice text, int64_t least, int64_t most, int64_t *out)
{
    int64_t number = 0;

    if (text.len == 0 || text.len > 18)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (text.data[i] - '0');
    }
    if (number < least || number > most)
        return false;
    *out = number;
    return true;
}

void query_add_raw(struct buffer *out, struct slice raw)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < raw.len; i++) {
        const unsigned char c = (unsigned char)raw.data[i];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') ||
                           (c != '\0' && strchr("-._~!$'()*+,;=:@/?%", c) != NULL);
        if (plain) {
            buffer_add_char(out, (char)c);
            continue;
        }
        const char escape[] = {'%', hex[c >> 4], hex[c & 15]};
        buffer_add(out, (struct slice){escape, sizeof(escape)});
    }
}
