/* File descriptors: a process that runs out of them neither accepts nor says so. */
#ifndef SESSIOND_SERVICE_APP_FD_LIMIT_H
#define SESSIOND_SERVICE_APP_FD_LIMIT_H

#include "service/app/log.h"

/* Puts /dev/null in the place of stdin, stdout and stderr where one is closed, so that no socket
 * and no database gets its number; what is read from it or written to it fails. Before anything is
 * opened. False when there is no /dev/null. */
bool fd_limit_reserve_standard(void);

/* Raises the soft limit (RLIMIT_NOFILE) so far that so many connections can be open beside the
 * database's files. Where the hard limit is too low, *connections becomes what fits, at least 1,
 * and the log warns. */
void fd_limit_raise(int64_t *connections, struct log *log);

#endif
