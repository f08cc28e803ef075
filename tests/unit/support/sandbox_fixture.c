#include "tests/unit/support/sandbox_fixture.h"

#include "tests/unit/support/database_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int port; /* where somebody listens */

int result_of(long result)
{
    return result < 0 ? errno : 0;
}

int connect_to_port(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return result_of(connect(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                             (const struct sockaddr *)&address, sizeof(address)));
}

int signal_the_parent(void)
{
    return result_of(kill(getppid(), 0));
}

void confine(int limits)
{
    static const char *const read_only[] = {"tokens/file", NULL, "links/secret"};
    const struct sandbox_files files = {.database = "data/sessions.db",
                                        .socket = "run/socket",
                                        .read_only = read_only,
                                        .read_only_count = COUNT(read_only)};
    struct sandbox sandbox;
    struct error err;

    const int lines = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (!sandbox_init(&sandbox, true, &err) ||
        ((limits & LIMITED_FILES) && !sandbox_apply_landlock(&sandbox, &files, &err)))
        _exit(BROKEN);
    struct log *log = log_new(lines, "info");
    if ((limits & LIMITED_CALLS) && !sandbox_apply_seccomp(&sandbox, &err))
        _exit(BROKEN);
    sandbox_log(&sandbox, log);
    log_flush(log, 10000);
}

/* What comes of it in a child: an errno, 0, or the signal that ended the child. */
int outcome(int limits, int (*make)(void))
{
    int status;
    const pid_t child = fork();

    cr_assert_geq(child, 0);
    if (child == 0) {
        if (limits != 0)
            confine(limits);
        _exit(make());
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}

static void write_file(const char *path)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    cr_assert_eq(write(fd, "x", 1), 1);
    close(fd);
}

void sandbox_make_files(void)
{
    static const char *const folders[] = {"data", "outside", "tokens", "run",
                                          "real", "links",   "secret"};
    static const char *const files[] = {"data/sessions.db", "outside/there",    "tokens/file",
                                        "run/socket",       "real/sessions.db", "secret/file"};

    cr_assert_eq(system("rm -rf data outside tokens run real links secret"), 0);
    for (size_t i = 0; i < COUNT(folders); i++)
        cr_assert(mkdir(folders[i], 0700) == 0);
    for (size_t i = 0; i < COUNT(files); i++)
        write_file(files[i]);
    cr_assert_eq(symlink("../real/sessions.db", "links/sessions.db"), 0);
    cr_assert_eq(symlink("../secret/file", "links/secret"), 0);
}

static void listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    cr_assert_eq(listen(fd, 100), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    port = ntohs(address.sin_port);
}

void sandbox_enter(void)
{
    folder_enter();
    sandbox_make_files();
    listen_somewhere();
}

void expect_outcome(const struct attempt *attempt, int limits, int wanted)
{
    sandbox_make_files();
    const int before = outcome(0, attempt->make);
    cr_expect(before == 0 || wanted == 0 || attempt->confined == ENOSYS,
              "%s: unconfined, it comes to %d", attempt->what, before);
    sandbox_make_files();
    const int found = outcome(limits, attempt->make);
    cr_expect_eq(found, wanted, "%s: %d, not %d", attempt->what, found, wanted);
}

bool sandbox_logged(const char *text)
{
    const struct slice log = database_bytes("log");
    const bool found = memmem(log.data, log.len, text, strlen(text)) != NULL;

    free((char *)(uintptr_t)log.data);
    return found;
}
