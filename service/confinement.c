#include "service/confinement.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* The limit alone does not hold where the kernel hands core dumps to a program (core(5)); a process
 * that is not dumpable leaves none to that either, and cannot be traced by others of its user. */
static bool forbid_core_dumps(void)
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

bool confinement_begin(struct confinement *confinement, bool wanted, struct error *err)
{
    *confinement = (struct confinement){.wanted = wanted};
    if (!wanted)
        return true;
    if (!forbid_core_dumps())
        return error_set(err, ERROR_INTERNAL, "confine",
                         "cannot forbid core dumps: %s; --confine off does without",
                         strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set(err, ERROR_INTERNAL, "confine",
                         "cannot give up new privileges: %s; --confine off does without",
                         strerror(errno));
    return true;
}
