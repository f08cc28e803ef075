#include "service/limits/client_key.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

uint64_t client_key_seed(void)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        abort();
    return seed;
}

/* Finalizer of SplitMix64: each input bit affects each output bit. */
static uint64_t mix_bits(uint64_t number)
{
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

/* Never returns 0. */
static uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t key = seed;

    for (size_t i = 0; i < len; i++)
        key = mix_bits(key ^ at[i]);
    return key == 0 ? 1 : key;
}

uint64_t client_key_of_token(uint64_t seed, const char *name)
{
    return hash_bytes(seed, name, strlen(name));
}

uint64_t client_key_of_address(uint64_t seed, const struct sockaddr *address)
{
    if (address == NULL)
        return 0;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof(ipv4));
        return hash_bytes(seed, &ipv4.sin_addr, sizeof(ipv4.sin_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof(ipv6));
        if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr))
            return hash_bytes(seed, &ipv6.sin6_addr.s6_addr[12], sizeof(struct in_addr));
        return hash_bytes(seed, &ipv6.sin6_addr, sizeof(ipv6.sin6_addr) / 2);
    }
    return 0;
}
