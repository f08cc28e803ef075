#include "service/http/target.h"

#include <arpa/inet.h>
#include <strings.h>

#define PORT_MAX 65535

struct target_parts target_split(struct slice target)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        const size_t scheme_len = strlen(schemes[i]);
        if (target.len < scheme_len || strncasecmp(target.data, schemes[i], scheme_len) != 0)
            continue;
        const char *authority = target.data + scheme_len;
        size_t len = 0;
        while (scheme_len + len < target.len && authority[len] != '/' && authority[len] != '?')
            len++;
        return (struct target_parts){{authority, len},
                                     {authority + len, target.len - scheme_len - len}};
    }
    return (struct target_parts){.rest = target};
}

static bool is_in_set(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_hex_digit(char c)
{
    return is_in_set(c, "0123456789abcdefABCDEF");
}

static bool port_is_valid(struct slice port)
{
    unsigned number = 0;

    for (size_t i = 0; i < port.len; i++) {
        if (port.data[i] < '0' || port.data[i] > '9')
            return false;
        number = number * 10 + (unsigned)(port.data[i] - '0');
        if (number > PORT_MAX)
            return false;
    }
    return true;
}

/* reg-name of RFC 3986 §3.2.2, which includes IPv4 addresses. */
static bool name_is_valid(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.data[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool digit = c >= '0' && c <= '9';
        const bool escape = c == '%' && name.len - i >= 3 && is_hex_digit(name.data[i + 1]) &&
                            is_hex_digit(name.data[i + 2]);
        if (!letter && !digit && !escape && !is_in_set(c, "-._~!$&'()*+,;="))
            return false;
    }
    return name.len > 0;
}

static bool ipv6_is_valid(struct slice address)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ignored;

    if (address.len >= sizeof(text))
        return false;
    memcpy(text, address.data, address.len);
    text[address.len] = '\0';
    return strlen(text) == address.len && inet_pton(AF_INET6, text, &ignored) == 1;
}

/* Length of the text before the port and its colon. */
static size_t host_length(struct slice authority)
{
    const char *close =
        authority.data[0] == '[' ? memchr(authority.data, ']', authority.len) : NULL;
    const char *colon = memchr(authority.data, ':', authority.len);

    if (close != NULL)
        return (size_t)(close - authority.data) + 1;
    return colon == NULL ? authority.len : (size_t)(colon - authority.data);
}

bool authority_is_valid(struct slice authority)
{
    if (authority.len == 0)
        return false;
    const struct slice host = {authority.data, host_length(authority)};
    const struct slice suffix = {host.data + host.len, authority.len - host.len};

    if (suffix.len > 0 &&
        (suffix.data[0] != ':' || !port_is_valid((struct slice){suffix.data + 1, suffix.len - 1})))
        return false;
    if (host.len >= 2 && host.data[0] == '[')
        return ipv6_is_valid((struct slice){host.data + 1, host.len - 2});
    return name_is_valid(host);
}
