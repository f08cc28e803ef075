/* The listening socket: addresses that are taken and refused, and where it really listens. */

#include "service/net/listener.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct error err;
static struct listener listener;
static const char *const where = listener.address;

static int listen_on(const char *address)
{
    listener = (struct listener){.descriptor = -1};
    cr_assert(listener_open(address, 0600, &listener, &err), "%s", err.detail);
    cr_assert_geq(listener.descriptor, 0);
    return listener.descriptor;
}

/* The number behind the last colon. */
static int port_of(const char *address)
{
    return atoi(strrchr(address, ':') + 1);
}

/* Whether somebody listens there. */
static bool connects(const char *host, int port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found;
    char digits[8];

    snprintf(digits, sizeof(digits), "%d", port);
    cr_assert_eq(getaddrinfo(host, digits, &hints, &found), 0);
    const int fd = socket(found->ai_family, SOCK_STREAM, 0);
    const bool connected = connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    close(fd);
    return connected;
}

Test(listener, port_0_picks_a_free_one)
{
    const int fd = listen_on("127.0.0.1:0");

    cr_expect_eq(strncmp(where, "127.0.0.1:", 10), 0, "%s", where);
    cr_expect_gt(port_of(where), 0);
    cr_expect(connects("127.0.0.1", port_of(where)));
    close(fd);
}

/* A container may know IPv6 and yet have no address of it: the file is there and empty. */
static bool has_ipv6(void)
{
    FILE *addresses = fopen("/proc/net/if_inet6", "re");

    if (addresses == NULL)
        return false;
    const bool any = fgetc(addresses) != EOF;
    fclose(addresses);
    return any;
}

Test(listener, ipv6_stands_in_brackets)
{
    if (!has_ipv6())
        cr_skip_test("this machine has no IPv6");
    const int fd = listen_on("[::1]:0");

    cr_expect_eq(strncmp(where, "[::1]:", 6), 0, "%s", where);
    cr_expect(connects("::1", port_of(where)));
    close(fd);
}

Test(listener, a_name_is_looked_up)
{
    const int fd = listen_on("localhost:0");

    cr_expect(strncmp(where, "127.0.0.1:", 10) == 0 || strncmp(where, "[::1]:", 6) == 0, "%s",
              where);
    close(fd);
}

Test(listener, where_it_listens_can_be_listened_on)
{
    char address[128];

    const int fd = listen_on("127.0.0.1:0");
    snprintf(address, sizeof(address), "%s", where);
    close(fd);
    const int again = listen_on(address);
    cr_expect_str_eq(where, address);
    close(again);
}

Test(listener, an_occupied_port_is_refused)
{
    char address[128];
    struct listener other = {.descriptor = -1};
    const int occupied = listen_on("127.0.0.1:0");

    snprintf(address, sizeof(address), "%s", where);
    cr_expect_not(listener_open(address, 0600, &other, &err));
    cr_expect_eq(err.kind, ERROR_INTERNAL);
    cr_expect(strstr(err.detail, address), "%s", err.detail);
    cr_expect(strstr(err.detail, "in use"), "%s", err.detail);
    cr_expect_eq(other.descriptor, -1, "untouched on failure");
    close(occupied);
}

/* A restart must not wait for the connections of the process before to be forgotten. */
Test(listener, a_port_with_old_connections_is_free)
{
    char address[128];
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);

    const int fd = listen_on("127.0.0.1:0");
    snprintf(address, sizeof(address), "%s", where);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&peer, &length), 0);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(client, (struct sockaddr *)&peer, length), 0);
    cr_assert_eq(fcntl(fd, F_SETFL, 0), 0);
    const int served = accept(fd, NULL, NULL);
    cr_assert_geq(served, 0);
    close(served); /* the side that closes first is the one that waits */
    close(client);
    close(fd);
    close(listen_on(address));
}

Test(listener, the_socket_is_not_inherited_and_does_not_block)
{
    const int fd = listen_on("127.0.0.1:0");

    cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
}

Test(listener, what_is_no_address_is_refused)
{
    static const char *const bad[] = {
        "",          ":",           ":8082",         "127.0.0.1", "127.0.0.1:",   "8082",
        "::1:8082",  "[::1]",       "[::1]8082",     "[]:8082",   "[::1:8082",    "::1]:8082",
        "[::1]x:80", "127.0.0.1:x", "127.0.0.1:80x", "[::g]:80",  "256.0.0.1:80", "127.0.0.1:-1",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        listener = (struct listener){.descriptor = -1};
        const bool opened = listener_open(bad[i], 0600, &listener, &err);
        cr_expect_not(opened, "\"%s\" is taken for %s", bad[i], where);
        if (opened)
            close(listener.descriptor);
        else
            cr_expect(strstr(err.detail, bad[i]) != NULL && err.kind == ERROR_INVALID_PAYLOAD, "%s",
                      err.detail);
        cr_expect(opened || listener.descriptor == -1);
    }
}

Test(listener, a_long_host_is_refused)
{
    char address[600];

    memset(address, 'a', sizeof(address));
    snprintf(address + sizeof(address) - 6, 6, ":8082");
    cr_expect_not(listener_open(address, 0600, &listener, &err));
    cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
}

/* TEST-NET-1 of RFC 5737 is nobody's. */
Test(listener, an_address_of_another_machine_is_refused)
{
    listener.descriptor = -1;
    cr_expect_not(listener_open("192.0.2.1:0", 0600, &listener, &err));
    cr_expect_eq(err.kind, ERROR_INTERNAL);
    cr_expect_eq(listener.descriptor, -1);
}

static char path[64];

static int listen_on_a_file(void)
{
    char address[80];

    snprintf(path, sizeof(path), "/tmp/sessiond-listener-%d", getpid());
    snprintf(address, sizeof(address), "unix:%s", path);
    const int fd = listen_on(address);
    cr_expect_str_eq(where, address);
    return fd;
}

Test(listener, a_socket_file_goes_when_it_is_withdrawn)
{
    const int fd = listen_on_a_file();

    cr_expect_eq(access(path, F_OK), 0);
    listener_unlink_socket(&listener);
    cr_expect_eq(access(path, F_OK), -1);
    close(fd);
}

/* Somebody removed ours and another process took the name. */
Test(listener, the_socket_file_of_another_stays)
{
    const int fd = listen_on_a_file();

    struct listener first = listener;
    unlink(path);
    const int other = listen_on_a_file();
    listener_unlink_socket(&first);
    cr_expect_eq(access(path, F_OK), 0);
    listener_unlink_socket(&listener);
    close(other);
    close(fd);
}

Test(listener, a_port_has_nothing_to_withdraw)
{
    const int fd = listen_on("127.0.0.1:0");

    listener_unlink_socket(&listener);
    cr_expect(connects("127.0.0.1", port_of(where)));
    close(fd);
}
