/* What a confined process can do no longer, and what it still can. Each attempt is made by a child
 * that is confined first, and by one that is not, which shows that nothing else stops it. */

#include "tests/unit/support/database_fixture.h"
#include "tests/unit/support/sandbox_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

TestSuite(sandbox, .init = sandbox_enter, .fini = folder_leave);

static int open_and_close(const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int read_outside(void)
{
    return open_and_close("/etc/passwd", O_RDONLY);
}

static int list_outside(void)
{
    return open_and_close("/", O_RDONLY | O_DIRECTORY);
}

static int make_outside(void)
{
    return open_and_close("outside/made", O_WRONLY | O_CREAT);
}

static int truncate_outside(void)
{
    return result_of(truncate("outside/there", 0));
}

static int remove_outside(void)
{
    return result_of(unlink("outside/there"));
}

static int write_what_is_read_only(void)
{
    return open_and_close("tokens/file", O_WRONLY);
}

static int make_beside_what_is_read_only(void)
{
    return open_and_close("tokens/other", O_WRONLY | O_CREAT);
}

static int make_beside_the_socket(void)
{
    return open_and_close("run/other", O_WRONLY | O_CREAT);
}

static int make_a_folder(void)
{
    return result_of(mkdir("data/folder", 0700));
}

static int make_a_link(void)
{
    return result_of(symlink("/etc/passwd", "data/link"));
}

static int move_outside(void)
{
    return result_of(rename("data/sessions.db", "outside/sessions.db"));
}

static int open_a_port(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return result_of(bind(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                          (const struct sockaddr *)&address, sizeof(address)));
}

static const struct attempt file_attempts[] = {
    {"to read a file elsewhere", read_outside, EACCES, 1},
    {"to list a folder elsewhere", list_outside, EACCES, 1},
    {"to make a file elsewhere", make_outside, EACCES, 1},
    {"to cut a file elsewhere", truncate_outside, EACCES, 3},
    {"to remove a file elsewhere", remove_outside, EACCES, 1},
    {"to write a file that is only read", write_what_is_read_only, EACCES, 1},
    {"to make a file beside it", make_beside_what_is_read_only, EACCES, 1},
    {"to make a file beside the socket", make_beside_the_socket, EACCES, 1},
    {"to make a folder", make_a_folder, EACCES, 1},
    {"to make a symbolic link", make_a_link, EACCES, 1},
    {"to move the database away", move_outside, EACCES, 1},
    {"to connect to a port", connect_to_port, EACCES, 4},
    {"to open a port", open_a_port, EACCES, 4},
    {"to signal another process", signal_the_parent, EPERM, 6},
};

static int use_the_database(void)
{
    return open_and_close("data/sessions.db", O_RDWR) +
           open_and_close("data/sessions.db-wal", O_RDWR | O_CREAT) +
           open_and_close("data/sessions.db-wal", O_RDWR | O_TRUNC) +
           result_of(unlink("data/sessions.db-wal")) +
           open_and_close("data", O_RDONLY | O_DIRECTORY);
}

static int use_where_a_link_leads(void)
{
    return open_and_close("real/sessions.db", O_RDWR) +
           open_and_close("real/sessions.db-wal", O_RDWR | O_CREAT) +
           open_and_close("links/sessions.db.snapshot", O_RDWR | O_CREAT);
}

static int use_what_is_named(void)
{
    return open_and_close("tokens/file", O_RDONLY) + open_and_close("secret/file", O_RDONLY) +
           result_of(unlink("run/socket")) + open_and_close("/dev/urandom", O_RDONLY);
}

/* The kernel's own, not what the code under test made of it. */
static int landlock_abi(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

Test(sandbox, keeps_other_files_ports_and_processes_out_of_reach)
{
    for (size_t i = 0; i < COUNT(file_attempts); i++) {
        const bool stopped = landlock_abi() >= file_attempts[i].landlock;
        expect_outcome(&file_attempts[i], LIMITED_FILES, stopped ? file_attempts[i].confined : 0);
    }
}

Test(sandbox, leaves_what_serving_needs)
{
    cr_expect_eq(outcome(LIMITED_FILES | LIMITED_CALLS, use_the_database), 0);
    sandbox_make_files();
    cr_expect_eq(outcome(LIMITED_FILES | LIMITED_CALLS, use_what_is_named), 0);
}

static int confine_and_use_a_link(void)
{
    const struct sandbox_files files = {.database = "links/sessions.db"};
    struct sandbox sandbox;
    struct error err;

    if (!sandbox_init(&sandbox, true, &err) || !sandbox_apply_landlock(&sandbox, &files, &err))
        return BROKEN;
    return use_where_a_link_leads();
}

Test(sandbox, follows_the_links_of_the_database)
{
    cr_expect_eq(outcome(0, confine_and_use_a_link), 0);
    cr_assert_eq(unlink("real/sessions.db"), 0);
    unlink("real/sessions.db-wal");
    unlink("links/sessions.db.snapshot");
    cr_expect_eq(outcome(0, confine_and_use_a_link), ENOENT, "one that leads to nothing yet");
}

static int look_at_memory(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0 &&
                   prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
               ? 0
               : BROKEN;
}

static int begin_and_look(void)
{
    struct sandbox sandbox;
    struct error err;

    return sandbox_init(&sandbox, true, &err) ? look_at_memory() : BROKEN;
}

Test(sandbox, leaves_no_core_dump_and_gains_no_privileges)
{
    cr_expect_eq(outcome(0, look_at_memory), BROKEN);
    cr_expect_eq(outcome(0, begin_and_look), 0);
}

static int confine_without_wanting(void)
{
    const struct sandbox_files files = {.database = "data/sessions.db"};
    struct log *log = log_new(open("log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), "info");
    struct sandbox sandbox;
    struct error err;

    if (!sandbox_init(&sandbox, false, &err) || !sandbox_apply_landlock(&sandbox, &files, &err) ||
        !sandbox_apply_seccomp(&sandbox, &err))
        return BROKEN;
    sandbox_log(&sandbox, log);
    log_flush(log, 10000);
    return look_at_memory() == 0 ? BROKEN : read_outside() + connect_to_port();
}

Test(sandbox, is_as_it_was_when_unwanted)
{
    cr_expect_eq(outcome(0, confine_without_wanting), 0);
    cr_expect(sandbox_logged("\"event\":\"sandbox_disabled\""));
}

Test(sandbox, says_what_is_on)
{
    char landlock[32];

    snprintf(landlock, sizeof(landlock), "\"landlock\":%d,", landlock_abi());
    cr_expect_eq(outcome(LIMITED_FILES | LIMITED_CALLS, use_the_database), 0);
    cr_expect(sandbox_logged("\"event\":\"sandbox_enabled\""));
    cr_expect(sandbox_logged("\"no_new_privs\":\"on\""));
    cr_expect(sandbox_logged(landlock_abi() > 0 ? landlock : "\"landlock\":\"unsupported\""));
    cr_expect(sandbox_logged("\"seccomp\":\"on\""));
    cr_expect(sandbox_logged("\"core_dumps\":\"off\""));
}

static int confine_in_a_folder_that_cannot_be(void)
{
    const struct sandbox_files files = {.database = "outside/there/sessions.db"};
    struct sandbox sandbox;
    struct error err;

    return sandbox_init(&sandbox, true, &err) && !sandbox_apply_landlock(&sandbox, &files, &err) &&
                   strstr(err.detail, "outside/there") != NULL
               ? 0
               : BROKEN;
}

Test(sandbox, names_the_folder_that_cannot_be_made)
{
    cr_expect_eq(outcome(0, confine_in_a_folder_that_cannot_be), 0);
}
