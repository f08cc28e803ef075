/*
 * What the service may ask of the kernel once it serves: the calls that strace saw in its tests,
 * with what the same functions of glibc, SQLite, libmicrohttpd and GnuTLS use on another version,
 * architecture or file system. Names are those of Linux; an architecture lacks some.
 */
#ifndef SESSIOND_SERVICE_SANDBOX_SYSCALL_LIST_H
#define SESSIOND_SERVICE_SANDBOX_SYSCALL_LIST_H

/* Each list ends with NULL. */
extern const char *const sandbox_calls_allowed[];

/* Calls that only foreign code in the process would make. */
extern const char *const sandbox_calls_fatal[];

#endif
