/* Sockets that are files: names, modes, and what may stand under the name already. */

#include "service/net/unix_socket.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct error err;
static char folder[] = "/tmp/sessiond-socket-XXXXXX";
static struct sockaddr_un address;

static void make_folder(void)
{
    char text[64];

    cr_assert(mkdtemp(folder) != NULL);
    snprintf(text, sizeof(text), "unix:%s/a", folder);
    cr_assert(unix_socket_address(text, &address, &err), "%s", err.detail);
}

static void remove_folder(void)
{
    unlink(address.sun_path);
    rmdir(folder);
}

TestSuite(unix_socket, .init = make_folder, .fini = remove_folder);

static int listen_with(mode_t mode)
{
    int fd = -1;

    cr_assert(unix_socket_listen(&address, mode, &fd, &err), "%s", err.detail);
    return fd;
}

static void expect_refusal(const char *words)
{
    int fd = -1;

    cr_expect_not(unix_socket_listen(&address, 0600, &fd, &err));
    cr_expect(strstr(err.detail, words) != NULL, "%s", err.detail);
    cr_expect(strstr(err.detail, address.sun_path) != NULL, "%s", err.detail);
    cr_expect_eq(fd, -1, "untouched on failure");
}

static bool connects(void)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    const bool connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    close(fd);
    return connected;
}

Test(unix_socket, the_prefix_names_one)
{
    cr_expect(unix_socket_is_address("unix:/run/a"));
    cr_expect(unix_socket_is_address("unix:"));
    cr_expect_not(unix_socket_is_address("unix"));
    cr_expect_not(unix_socket_is_address("127.0.0.1:8082"));
    cr_expect_not(unix_socket_is_address("UNIX:/run/a"));
}

Test(unix_socket, the_path_is_what_follows)
{
    struct sockaddr_un parsed;

    cr_assert(unix_socket_address("unix:a:b", &parsed, &err));
    cr_expect_eq(parsed.sun_family, AF_UNIX);
    cr_expect_str_eq(parsed.sun_path, "a:b");
}

Test(unix_socket, no_path_and_an_abstract_name_are_refused)
{
    static const char *const bad[] = {"unix:", "unix:@sessiond"};

    for (size_t i = 0; i < 2; i++) {
        cr_expect_not(unix_socket_address(bad[i], &address, &err), "%s", bad[i]);
        cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
        cr_expect(strstr(err.detail, "such as unix:/run/sessiond.sock"), "%s", err.detail);
    }
}

Test(unix_socket, a_path_has_107_bytes_at_most)
{
    char text[5 + 108 + 1] = "unix:/";
    struct sockaddr_un parsed;

    memset(text + 6, 'a', 106);
    cr_assert(unix_socket_address(text, &parsed, &err), "%s", err.detail);
    cr_expect_eq(strlen(parsed.sun_path), 107);
    text[5 + 107] = 'a';
    cr_expect_not(unix_socket_address(text, &parsed, &err));
    cr_expect_eq(err.kind, ERROR_INVALID_PAYLOAD);
    cr_expect(strstr(err.detail, "has 108 bytes; the limit is 107"), "%s", err.detail);
}

Test(unix_socket, listens_without_being_inherited_or_blocking)
{
    const int fd = listen_with(0600);

    cr_expect(connects());
    cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
}

Test(unix_socket, the_file_has_the_mode_whatever_the_umask)
{
    static const mode_t modes[] = {0600, 0660, 0666, 0777};
    struct stat status;

    for (size_t i = 0; i < 4; i++) {
        umask(i % 2 == 0 ? 077 : 0);
        const int fd = listen_with(modes[i]);
        cr_assert_eq(stat(address.sun_path, &status), 0);
        cr_expect_eq(status.st_mode & 07777, modes[i], "%o", status.st_mode);
        cr_expect_eq(umask(0), i % 2 == 0 ? 077U : 0U, "the process's own mask is as before");
        close(fd);
        unlink(address.sun_path);
    }
}

Test(unix_socket, one_that_nobody_answers_is_replaced)
{
    close(listen_with(0600));
    cr_assert_not(connects());
    const int fd = listen_with(0600);
    cr_expect(connects());
    close(fd);
}

/* Else the second of two could take away what the first has made since it looked. */
Test(unix_socket, a_process_that_is_about_to_listen_keeps_others_waiting)
{
    struct stat stale;
    struct stat status;
    int ended;

    close(listen_with(0600));
    cr_assert_eq(stat(address.sun_path, &stale), 0);
    const int first = open(folder, O_RDONLY | O_DIRECTORY);
    cr_assert_eq(flock(first, LOCK_EX), 0);
    const pid_t second = fork();
    if (second == 0) {
        int fd;
        close(first); /* or the lock would be its own, too */
        _exit(!unix_socket_listen(&address, 0600, &fd, &err));
    }
    usleep(200000);
    cr_expect_eq(waitpid(second, &ended, WNOHANG), 0, "it does not wait");
    cr_assert_eq(stat(address.sun_path, &status), 0, "it takes the file away");
    cr_expect_eq(status.st_ino, stale.st_ino, "it takes the file away");
    close(first);
    cr_assert_eq(waitpid(second, &ended, 0), second);
    cr_expect_eq(ended, 0);
}

Test(unix_socket, one_that_is_served_is_left_alone)
{
    const int fd = listen_with(0600);

    expect_refusal("a process listens");
    cr_expect(connects());
    close(fd);
}

/* Who does not come to accept is there all the same. */
Test(unix_socket, one_whose_backlog_is_full_is_served)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int waiting[8];
    int count = 0;

    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(fd, 0), 0);
    for (; count < 8; count++) {
        waiting[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(waiting[count], (struct sockaddr *)&address, sizeof(address)) != 0)
            break;
    }
    cr_assert_lt(count, 8, "the backlog is full");
    expect_refusal("a process listens");
    for (int i = 0; i <= count; i++)
        close(waiting[i]);
    close(fd);
}

Test(unix_socket, another_kind_of_file_is_left_alone)
{
    close(open(address.sun_path, O_CREAT | O_WRONLY, 0600));
    expect_refusal("not a socket");
    cr_expect_eq(access(address.sun_path, F_OK), 0);
}

/* Not followed: the name is given anew, not what it points to. */
Test(unix_socket, a_link_is_left_alone)
{
    cr_assert_eq(symlink("/tmp/sessiond-nothing", address.sun_path), 0);
    expect_refusal("not a socket");
}

Test(unix_socket, one_of_datagrams_is_left_alone)
{
    const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    expect_refusal("another program");
    close(fd);
}

Test(unix_socket, a_missing_folder_is_told)
{
    strcat(address.sun_path, "/b");
    expect_refusal("No such file");
}
