/*
 * lacking_kernel CALL ERRNO PROGRAM ARGUMENT…: runs the program as on a kernel, or under a
 * container's engine, that answers every system call whose name begins with CALL so.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const calls[] = {"landlock_create_ruleset", "landlock_add_rule",
                                    "landlock_restrict_self", "seccomp"};

int main(int argc, char **argv)
{
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (argc < 4 || filter == NULL)
        return 2;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strncmp(calls[i], argv[1], strlen(argv[1])) == 0 &&
            seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)atoi(argv[2])),
                             seccomp_syscall_resolve_name(calls[i]), 0) != 0)
            return 2;
    }
    if (seccomp_load(filter) != 0)
        return 2;
    execv(argv[3], argv + 3);
    perror(argv[3]);
    return 2;
}
