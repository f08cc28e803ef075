/* A socket that the service manager passes: which are served, and what is said of the others. */

#include "service/net/socket_activation.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASSED 3

/* What a process says to which a socket was passed. */
struct transaction_result {
    bool ok;
    int descriptor;
    int descriptor_flags;
    int status_flags;
    struct error err;
};

/* As a manager does before exec; a child takes the place of the program, since descriptor 3 is
 * Criterion's here. `fd` -1: nothing is passed; `pid` NULL: the child's own. */
static struct transaction_result take(int fd, const char *count, const char *pid)
{
    struct transaction_result outcome = {.descriptor = -2};
    char own[16];
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        snprintf(own, sizeof(own), "%d", getpid());
        setenv("LISTEN_PID", pid == NULL ? own : pid, 1);
        setenv("LISTEN_FDS", count, 1);
        if (fd < 0)
            close(PASSED);
        else
            dup2(fd, PASSED);
        outcome.ok = socket_activation_receive(&outcome.descriptor, &outcome.err);
        outcome.descriptor_flags = fcntl(PASSED, F_GETFD);
        outcome.status_flags = fcntl(PASSED, F_GETFL);
        _exit(write(ends[1], &outcome, sizeof(outcome)) != sizeof(outcome));
    }
    cr_assert_gt(child, 0);
    cr_assert_eq(read(ends[0], &outcome, sizeof(outcome)), sizeof(outcome));
    cr_assert_eq(waitpid(child, NULL, 0), child);
    close(ends[0]);
    close(ends[1]);
    return outcome;
}

static int listening(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
    cr_assert_eq(listen(fd, 1), 0);
    return fd;
}

static void expect_refusal(int fd, const char *count, const char *words)
{
    const struct transaction_result outcome = take(fd, count, NULL);

    cr_expect_not(outcome.ok);
    cr_expect_eq(outcome.err.kind, ERROR_INVALID_PAYLOAD);
    cr_expect(strstr(outcome.err.detail, words) != NULL, "%s", outcome.err.detail);
    cr_expect_eq(outcome.descriptor, -2, "untouched on failure");
}

Test(activation, without_a_manager_nothing_is_taken)
{
    struct error err;
    int taken = -2;

    unsetenv("LISTEN_PID");
    setenv("LISTEN_FDS", "1", 1);
    cr_expect(socket_activation_receive(&taken, &err));
    cr_expect_eq(taken, -1);
}

/* The variables of a parent that did not clear them. */
Test(activation, what_is_meant_for_another_process_is_not_taken)
{
    const struct transaction_result outcome = take(listening(), "1", "1");

    cr_expect(outcome.ok);
    cr_expect_eq(outcome.descriptor, -1);
}

Test(activation, a_listening_socket_is_taken)
{
    const struct transaction_result outcome = take(listening(), "1", NULL);

    cr_assert(outcome.ok, "%s", outcome.err.detail);
    cr_expect_eq(outcome.descriptor, PASSED);
    cr_expect(outcome.descriptor_flags & FD_CLOEXEC);
    cr_expect(outcome.status_flags & O_NONBLOCK);
}

Test(activation, exactly_one_is_served)
{
    static const char *const counts[] = {"0", "2", "-1", "1x", ""};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        expect_refusal(listening(), counts[i], "exactly one");
}

Test(activation, one_that_does_not_listen_is_refused)
{
    expect_refusal(socket(AF_INET, SOCK_STREAM, 0), "1", "does not listen");
}

Test(activation, datagrams_are_refused)
{
    expect_refusal(socket(AF_UNIX, SOCK_DGRAM, 0), "1", "ListenStream=");
}

Test(activation, what_is_no_socket_is_refused)
{
    expect_refusal(open("/dev/null", O_RDONLY), "1", "is not a socket");
}

Test(activation, a_descriptor_that_is_not_there_is_refused)
{
    expect_refusal(-1, "1", "is not a socket");
}
