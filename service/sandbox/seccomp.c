/* The seccomp filter for the system calls of service/sandbox/syscall_list.h, by libseccomp. */
#include "service/sandbox/sandbox.h"

#include "service/sandbox/syscall_list.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Calls on neither list fail as on a kernel that lacks them. Libraries handle that: newer versions
 * try newer calls first. */
#define ACTION_ENOSYS SCMP_ACT_ERRNO(ENOSYS)

/* A rule that depends on one argument of the call. */
struct arg_filter {
    const char *call;
    uint32_t action;
    struct scmp_arg_cmp argument;
};

static int add_rule(scmp_filter_ctx filter, uint32_t action, const char *call, unsigned count,
                    const struct scmp_arg_cmp *argument)
{
    const int number = seccomp_syscall_resolve_name(call);

    /* Skips calls that this libseccomp does not know: the default action applies to them. */
    if (number == __NR_SCMP_ERROR)
        return 0;
    return seccomp_rule_add_array(filter, action, number, count, argument);
}

static int add_rules(scmp_filter_ctx filter, uint32_t action, const char *const *calls)
{
    int result = 0;

    for (; *calls != NULL && result == 0; calls++)
        result = add_rule(filter, action, *calls, 0, NULL);
    return result;
}

/* Signals may go to the process itself only: for abort(), and from the writer to the main thread.
 * Datagrams may go to the connected address only. Memory must not become executable. */
static int add_arg_filters(scmp_filter_ctx filter)
{
    const scmp_datum_t self = (scmp_datum_t)getpid();
    const struct arg_filter filters[] = {
        {"kill", SCMP_ACT_ALLOW, SCMP_A0(SCMP_CMP_EQ, self)},
        {"kill", SCMP_ACT_KILL_PROCESS, SCMP_A0(SCMP_CMP_NE, self)},
        {"tgkill", SCMP_ACT_ALLOW, SCMP_A0(SCMP_CMP_EQ, self)},
        {"tgkill", SCMP_ACT_KILL_PROCESS, SCMP_A0(SCMP_CMP_NE, self)},
        {"sendto", SCMP_ACT_ALLOW, SCMP_A4(SCMP_CMP_EQ, 0)},
        {"sendto", SCMP_ACT_KILL_PROCESS, SCMP_A4(SCMP_CMP_NE, 0)},
        {"mmap", SCMP_ACT_ALLOW, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {"mmap", SCMP_ACT_KILL_PROCESS, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)},
        {"mmap2", SCMP_ACT_ALLOW, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {"mmap2", SCMP_ACT_KILL_PROCESS, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)},
        {"mprotect", SCMP_ACT_ALLOW, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {"mprotect", SCMP_ACT_KILL_PROCESS, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)},
        {"prctl", SCMP_ACT_ALLOW, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)},
    };
    int result = 0;

    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]) && result == 0; i++)
        result = add_rule(filter, filters[i].action, filters[i].call, 1, &filters[i].argument);
    return result;
}

static int configure_filter(scmp_filter_ctx filter)
{
    const struct {
        enum scmp_filter_attr attribute;
        uint32_t value;
    } attributes[] = {
        {SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS},
        {SCMP_FLTATR_CTL_TSYNC, 1},
        {SCMP_FLTATR_CTL_OPTIMIZE, 2}, /* a binary tree */
        {SCMP_FLTATR_API_SYSRAWRC, 1}, /* return the kernel's own error */
    };
    int result = 0;

    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]) && result == 0; i++)
        result = seccomp_attr_set(filter, attributes[i].attribute, attributes[i].value);
    if (result == 0)
        result = add_rules(filter, SCMP_ACT_ALLOW, sandbox_calls_allowed);
    if (result == 0)
        result = add_rules(filter, SCMP_ACT_KILL_PROCESS, sandbox_calls_fatal);
    return result == 0 ? add_arg_filters(filter) : result;
}

/* EINVAL: the kernel, or its emulation, lacks filters or these actions; libseccomp detects that
 * while it builds the filter. EPERM: a container engine forbids filters. */
static bool is_unsupported(int result)
{
    return result == -ENOSYS || result == -EINVAL || result == -EPERM || result == -EOPNOTSUPP;
}

bool sandbox_apply_seccomp(struct sandbox *sandbox, struct error *err)
{
    if (!sandbox->wanted)
        return true;
    scmp_filter_ctx filter = seccomp_init(ACTION_ENOSYS);
    int result = filter == NULL ? -EINVAL : configure_filter(filter);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    sandbox->seccomp = result == 0 ? 1 : SANDBOX_UNSUPPORTED;
    return result == 0 || is_unsupported(result) ||
           error_set(err, ERROR_INTERNAL, "sandbox",
                     "cannot install the seccomp filter: %s; use --sandbox off to start without "
                     "the sandbox",
                     strerror(-result));
}
