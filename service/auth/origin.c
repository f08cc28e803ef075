#include "service/auth/origin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

#define HTTP_SCHEME "http://"
#define HTTPS_SCHEME "https://"

static bool is_port(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    }
    return true;
}

struct slice origin_host(struct slice authority)
{
    const bool bracketed = authority.len > 0 && authority.data[0] == '[';
    const char *end =
        authority.len == 0 ? NULL : memchr(authority.data, bracketed ? ']' : ':', authority.len);
    struct slice host = authority;
    struct slice rest = {0};

    if (bracketed && end == NULL)
        return (struct slice){0};
    if (end != NULL) {
        const size_t at = (size_t)(end - authority.data) + (bracketed ? 1 : 0);
        host.len = at;
        rest = (struct slice){authority.data + at, authority.len - at};
    }
    if (rest.len > 0 &&
        (rest.data[0] != ':' || !is_port((struct slice){rest.data + 1, rest.len - 1})))
        return (struct slice){0};
    return bracketed ? (struct slice){host.data + 1, host.len - 2} : host;
}

static bool is_host_name(struct slice host, const char *name)
{
    return host.len == strlen(name) && strncasecmp(host.data, name, host.len) == 0;
}

bool origin_is_loopback(struct slice authority)
{
    const struct slice host = origin_host(authority);
    char text[INET6_ADDRSTRLEN];
    struct in_addr ipv4;
    struct in6_addr ipv6;

    if (is_host_name(host, "localhost"))
        return true;
    if (host.len == 0 || host.len >= sizeof(text) || memchr(host.data, '\0', host.len) != NULL)
        return false;
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    if (authority.data[0] == '[')
        return inet_pton(AF_INET6, text, &ipv6) == 1 && IN6_IS_ADDR_LOOPBACK(&ipv6);
    return inet_pton(AF_INET, text, &ipv4) == 1 && (ntohl(ipv4.s_addr) >> 24) == IN_LOOPBACKNET;
}

static bool strip_scheme(struct slice *origin, const char *scheme)
{
    const size_t len = strlen(scheme);

    if (origin->len < len || strncasecmp(origin->data, scheme, len) != 0)
        return false;
    *origin = (struct slice){origin->data + len, origin->len - len};
    return true;
}

bool origin_is_same(struct slice origin, struct slice authority)
{
    return (strip_scheme(&origin, HTTP_SCHEME) || strip_scheme(&origin, HTTPS_SCHEME)) &&
           origin.len > 0 && origin.len == authority.len &&
           strncasecmp(origin.data, authority.data, origin.len) == 0;
}
