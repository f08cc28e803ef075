#include "service/app/fd_limit.h"

#include "service/http/lingering_close.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors that are not client connections: the database files of all readers, the listener, the
 * epolls, the log, and connections in lingering close. */
#define RESERVED_DESCRIPTORS (256 + LINGERING_CLOSE_MAX)

/* open() returns the lowest free descriptor. */
bool fd_limit_reserve_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        const int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        const int opened = fcntl(fd, F_GETFD) < 0 ? open("/dev/null", flags) : fd;
        if (opened != fd)
            return false;
    }
    return true;
}

void fd_limit_raise(int64_t *connections, struct log *log)
{
    struct rlimit limit;
    char detail[192];

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    const rlim_t wanted = (rlim_t)*connections + RESERVED_DESCRIPTORS;
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == wanted)
        return;
    *connections =
        limit.rlim_cur > RESERVED_DESCRIPTORS ? (int64_t)limit.rlim_cur - RESERVED_DESCRIPTORS : 1;
    snprintf(detail, sizeof(detail),
             "the limit of %llu open files allows only %lld connections; raise it (LimitNOFILE=, "
             "ulimit -n) or lower --max-connections",
             (unsigned long long)limit.rlim_cur, (long long)*connections);
    log_event(log, LOG_WARNING, "nofile_limit_low", detail);
}
