/* A socket that the service manager passes: which are served, and what is said of the others. */

#include "service/activation.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PASSED 3

static struct error err;
static int taken;

static void forget(void)
{
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    taken = -2;
}

TestSuite(activation, .init = forget);

/* As a manager does before exec; its own process takes the place of the program here. */
static void pass(int fd, const char *count)
{
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", count, 1);
    if (fd != PASSED) {
        cr_assert_eq(dup2(fd, PASSED), PASSED);
        close(fd);
    }
}

static int listening(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
    cr_assert_eq(listen(fd, 1), 0);
    return fd;
}

static void expect_refusal(const char *words)
{
    cr_expect_not(activation_take(&taken, &err));
    cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
    cr_expect(strstr(err.detail, words) != NULL, "%s", err.detail);
    cr_expect_eq(taken, -2, "untouched on failure");
}

Test(activation, without_a_manager_nothing_is_taken)
{
    cr_expect(activation_take(&taken, &err));
    cr_expect_eq(taken, -1);
}

/* The variables of a parent that did not clear them. */
Test(activation, what_is_meant_for_another_process_is_not_taken)
{
    pass(listening(), "1");
    setenv("LISTEN_PID", "1", 1);
    cr_expect(activation_take(&taken, &err));
    cr_expect_eq(taken, -1);
    unsetenv("LISTEN_PID");
    cr_expect(activation_take(&taken, &err));
    cr_expect_eq(taken, -1);
}

Test(activation, a_listening_socket_is_taken)
{
    pass(listening(), "1");
    cr_assert(activation_take(&taken, &err), "%s", err.detail);
    cr_expect_eq(taken, PASSED);
    cr_expect(fcntl(PASSED, F_GETFD) & FD_CLOEXEC);
    cr_expect(fcntl(PASSED, F_GETFL) & O_NONBLOCK);
}

Test(activation, exactly_one_is_served)
{
    static const char *const counts[] = {"0", "2", "-1", "1x", ""};

    pass(listening(), "1");
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        setenv("LISTEN_FDS", counts[i], 1);
        expect_refusal("exactly one");
    }
}

Test(activation, one_that_does_not_listen_is_refused)
{
    pass(socket(AF_INET, SOCK_STREAM, 0), "1");
    expect_refusal("does not listen");
}

Test(activation, datagrams_are_refused)
{
    pass(socket(AF_UNIX, SOCK_DGRAM, 0), "1");
    expect_refusal("ListenStream=");
}

Test(activation, what_is_no_socket_is_refused)
{
    pass(open("/dev/null", O_RDONLY), "1");
    expect_refusal("no socket");
}

Test(activation, a_descriptor_that_is_not_there_is_refused)
{
    pass(listening(), "1");
    close(PASSED);
    expect_refusal("no socket");
}
