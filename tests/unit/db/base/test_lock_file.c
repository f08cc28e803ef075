/* The lock that keeps a second process away: taken by one, given back however it ends. */

#include "tests/unit/support/database_fixture.h"

#include "db/base/lock_file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(lock_file, .init = folder_enter, .fini = folder_leave);

static struct error err;

static int take(void)
{
    int descriptor = -1;

    cr_assert(lock_file_acquire(DATABASE_PATH, &descriptor, &err), "%s", err.detail);
    return descriptor;
}

static bool is_taken(void)
{
    int descriptor = -1;

    if (lock_file_acquire(DATABASE_PATH, &descriptor, &err)) {
        close(descriptor);
        return false;
    }
    cr_expect_eq(descriptor, -1, "untouched on failure");
    cr_expect(strstr(err.detail, "another sessiond"), "%s", err.detail);
    cr_expect(strstr(err.detail, DATABASE_PATH), "%s", err.detail);
    return true;
}

Test(lock_file, is_taken_once)
{
    const int descriptor = take();

    cr_expect(is_taken());
    cr_expect(is_taken(), "a refusal takes nothing away");
    close(descriptor);
    cr_expect_not(is_taken());
}

Test(lock_file, is_a_private_file_beside_the_database)
{
    struct stat status;
    const int descriptor = take();

    cr_assert_eq(stat(DATABASE_PATH ".lock", &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0600);
    cr_expect_eq(status.st_size, 0);
    cr_expect_neq(access(DATABASE_PATH, F_OK), 0, "the database itself is not opened");
    cr_expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, "no other program inherits it");
    close(descriptor);
    cr_expect_eq(access(DATABASE_PATH ".lock", F_OK), 0, "the file stays");
}

Test(lock_file, is_given_back_when_the_process_ends)
{
    int ready[2];
    char byte;

    cr_assert_eq(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        int descriptor;
        if (!lock_file_acquire(DATABASE_PATH, &descriptor, &err) || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    cr_expect(is_taken());
    kill(child, SIGKILL);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_expect_not(is_taken());
}

Test(lock_file, no_link_is_followed)
{
    int descriptor = -1;

    cr_assert_eq(symlink("elsewhere", DATABASE_PATH ".lock"), 0);
    cr_expect_not(lock_file_acquire(DATABASE_PATH, &descriptor, &err));
    cr_expect_neq(access("elsewhere", F_OK), 0);
}

Test(lock_file, a_path_that_leads_nowhere_is_refused)
{
    char longest[PATH_MAX];
    int descriptor = -1;

    cr_expect_not(lock_file_acquire("nowhere/sessions.db", &descriptor, &err));
    cr_expect(strstr(err.detail, "cannot find nowhere"), "%s", err.detail);
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    cr_expect_not(lock_file_acquire(longest, &descriptor, &err));
    cr_expect_eq(err.kind, ERROR_INTERNAL);
    cr_expect_eq(descriptor, -1);
}
