/* Limit of open file descriptors. A process without free descriptors cannot accept connections and
 * cannot report that. */
#ifndef SESSIOND_SERVICE_APP_FD_LIMIT_H
#define SESSIOND_SERVICE_APP_FD_LIMIT_H

#include "service/app/log.h"

/* Opens /dev/null in place of stdin, stdout and stderr where one of them is closed, so that no
 * socket and no database file gets its number. Reads from and writes to that descriptor fail. Call
 * it before anything is opened. Returns false when /dev/null cannot be opened. */
bool fd_limit_reserve_standard(void);

/* Raises the soft limit RLIMIT_NOFILE so that *connections connections fit beside the files of the
 * database. When the hard limit is too low, reduces *connections to the number that fits, at least
 * 1, and logs a warning. */
void fd_limit_raise(int64_t *connections, struct log *log);

#endif
