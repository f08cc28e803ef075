#include "service/sandbox/sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* RLIMIT_CORE does not apply when the kernel pipes core dumps to a program (core(5)). A process
 * that is not dumpable creates no dump in that case either, and other processes of its user cannot
 * trace it. */
static bool disable_core_dumps(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) != 0)
        return false;
    if (limit.rlim_cur != 0 || limit.rlim_max != 0) {
        limit = (struct rlimit){0, 0};
        if (setrlimit(RLIMIT_CORE, &limit) != 0)
            return false;
    }
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

bool sandbox_init(struct sandbox *sandbox, bool wanted, struct error *err)
{
    *sandbox = (struct sandbox){.wanted = wanted};
    if (!wanted)
        return true;
    if (!disable_core_dumps())
        return error_set(
            err, ERROR_INTERNAL, "sandbox",
            "cannot disable core dumps: %s; use --sandbox off to start without the sandbox",
            strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set(
            err, ERROR_INTERNAL, "sandbox",
            "cannot set no_new_privs: %s; use --sandbox off to start without the sandbox",
            strerror(errno));
    return true;
}

void sandbox_log(const struct sandbox *sandbox, struct log *log)
{
    struct buffer line = {0};

    if (!sandbox->wanted) {
        log_event(log, LOG_WARNING, "sandbox_disabled",
                  "--sandbox off: the process runs without restrictions");
        return;
    }
    const bool is_complete = sandbox->landlock > 0 && sandbox->seccomp > 0;
    const enum log_level level = is_complete ? LOG_INFO : LOG_WARNING;
    if (!log_is_enabled(log, level))
        return;
    log_begin(&line, level, "sandbox_enabled");
    log_text(&line, "no_new_privs", slice_from("on"));
    if (sandbox->landlock > 0)
        log_integer(&line, "landlock", sandbox->landlock);
    else
        log_text(&line, "landlock", slice_from("unsupported"));
    log_text(&line, "seccomp", slice_from(sandbox->seccomp > 0 ? "on" : "unsupported"));
    log_text(&line, "core_dumps", slice_from("off"));
    log_end(log, &line, true);
    buffer_release(&line);
}
