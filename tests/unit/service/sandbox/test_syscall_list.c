/* seccomp: the calls that end a confined process, and those that it is told are not there. */

#include "tests/unit/support/database_fixture.h"
#include "tests/unit/support/sandbox_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

TestSuite(sandbox_calls, .init = sandbox_enter, .fini = folder_leave);

static int run_a_program(void)
{
    return result_of(execl("/bin/true", "true", NULL));
}

static int make_a_process(void)
{
    const pid_t child = fork();

    if (child == 0)
        _exit(0);
    return result_of(child);
}

static void *do_nothing(void *arg)
{
    return arg;
}

static int make_a_thread(void)
{
    pthread_t thread;

    return pthread_create(&thread, NULL, do_nothing, NULL);
}

static int make_a_socket(void)
{
    return result_of(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int trace_the_parent(void)
{
    return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int make_code(void)
{
    void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return map == MAP_FAILED ? errno : 0;
}

static int turn_data_into_code(void)
{
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return result_of(mprotect(map, 4096, PROT_READ | PROT_EXEC));
}

static int become_another_user(void)
{
    return result_of(syscall(SYS_setuid, getuid()));
}

static int use_a_call_that_is_not_needed(void)
{
    return result_of(syscall(SYS_getpriority, 0, 0));
}

static int signal_itself(void)
{
    return result_of(kill(getpid(), 0)) + result_of(tgkill(getpid(), gettid(), 0));
}

static const struct attempt call_attempts[] = {
    {"to run a program", run_a_program, SIGNALLED + SIGSYS, 0},
    {"to make a process", make_a_process, SIGNALLED + SIGSYS, 0},
    {"to make a thread", make_a_thread, SIGNALLED + SIGSYS, 0},
    {"to make a socket", make_a_socket, SIGNALLED + SIGSYS, 0},
    {"to connect to a port", connect_to_port, SIGNALLED + SIGSYS, 0},
    {"to trace a process", trace_the_parent, SIGNALLED + SIGSYS, 0},
    {"to signal another process", signal_the_parent, SIGNALLED + SIGSYS, 0},
    {"to map memory as code", make_code, SIGNALLED + SIGSYS, 0},
    {"to turn data into code", turn_data_into_code, SIGNALLED + SIGSYS, 0},
    {"to set the user", become_another_user, SIGNALLED + SIGSYS, 0},
    {"a call that is not needed", use_a_call_that_is_not_needed, ENOSYS, 0},
    {"to signal itself", signal_itself, 0, 0},
};

Test(sandbox_calls, keeps_calls_out_of_reach)
{
    for (size_t i = 0; i < COUNT(call_attempts); i++)
        expect_outcome(&call_attempts[i], LIMITED_CALLS, call_attempts[i].confined);
}

static void *run_when_told(void *arg)
{
    char told;

    if (read(*(int *)arg, &told, 1) == 1)
        run_a_program();
    return NULL;
}

/* A thread that was there before the filter. */
static int run_a_program_in_an_older_thread(void)
{
    int ends[2];
    pthread_t thread;

    if (pipe2(ends, O_CLOEXEC) != 0 || pthread_create(&thread, NULL, run_when_told, ends) != 0)
        return BROKEN;
    confine(LIMITED_CALLS);
    if (write(ends[1], "", 1) != 1)
        return BROKEN;
    pthread_join(thread, NULL);
    return 0;
}

Test(sandbox_calls, holds_for_threads_that_are_there)
{
    cr_expect_eq(outcome(0, run_a_program_in_an_older_thread), SIGNALLED + SIGSYS);
}
