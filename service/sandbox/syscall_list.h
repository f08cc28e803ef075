/*
 * System calls that the running service may use: those that strace recorded in the tests, and those
 * that the same functions of glibc, SQLite, libmicrohttpd and GnuTLS use in other versions, on
 * other architectures or on other file systems. The names are those of Linux; some do not exist on
 * every architecture.
 */
#ifndef SESSIOND_SERVICE_SANDBOX_SYSCALL_LIST_H
#define SESSIOND_SERVICE_SANDBOX_SYSCALL_LIST_H

/* Each list ends with NULL. */
extern const char *const sandbox_calls_allowed[];

/* Calls that only injected code would make. They kill the process. */
extern const char *const sandbox_calls_fatal[];

#endif
