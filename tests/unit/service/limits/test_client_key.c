/* Which requests count as those of one client. */

#include "service/limits/client_key.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#define SEED UINT64_C(7)

static uint64_t key_of(const char *text)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(1)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(2)};

    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
        return client_key_of_address(SEED, (const struct sockaddr *)&ipv4);
    cr_assert_eq(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1, "%s", text);
    return client_key_of_address(SEED, (const struct sockaddr *)&ipv6);
}

Test(client_key, ipv4_addresses_are_told_apart)
{
    cr_expect_eq(key_of("192.0.2.1"), key_of("192.0.2.1"));
    cr_expect_neq(key_of("192.0.2.1"), key_of("192.0.2.2"));
}

Test(client_key, ipv6_addresses_of_one_network_are_one_client)
{
    cr_expect_eq(key_of("2001:db8::1"), key_of("2001:db8::ffff:1"));
    cr_expect_neq(key_of("2001:db8::1"), key_of("2001:db8:0:1::1"));
}

Test(client_key, an_ipv4_address_in_ipv6_form_is_that_ipv4_address)
{
    cr_expect_eq(key_of("::ffff:192.0.2.1"), key_of("192.0.2.1"));
    cr_expect_neq(key_of("::ffff:192.0.2.1"), key_of("::ffff:192.0.2.2"));
}

Test(client_key, a_connection_without_an_ip_address_has_key_0)
{
    const struct sockaddr_un local = {.sun_family = AF_UNIX};

    cr_expect_eq(client_key_of_address(SEED, NULL), 0);
    cr_expect_eq(client_key_of_address(SEED, (const struct sockaddr *)&local), 0);
    cr_expect_neq(key_of("192.0.2.1"), 0);
}

Test(client_key, keys_depend_on_the_seed)
{
    cr_expect_eq(client_key_of_token(1, "agent"), client_key_of_token(1, "agent"));
    cr_expect_neq(client_key_of_token(1, "agent"), client_key_of_token(2, "agent"));
    cr_expect_neq(client_key_of_token(1, "agent"), client_key_of_token(1, "other"));
}
