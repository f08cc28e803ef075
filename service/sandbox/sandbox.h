/*
 * Sandbox: the process gives up privileges that it no longer needs, so that an attacker who takes
 * over the process gains little. The main thread calls these functions once each, in the order of
 * their declaration. Restrictions cannot be undone. Features that the kernel does not support are
 * recorded and skipped. --sandbox off skips everything.
 */
#ifndef SESSIOND_SERVICE_SANDBOX_SANDBOX_H
#define SESSIOND_SERVICE_SANDBOX_SANDBOX_H

#include "db/base/error.h"
#include "service/app/log.h"

#include <stddef.h>

#define SANDBOX_UNSUPPORTED (-1)

struct sandbox {
    bool wanted;
    int landlock; /* Landlock ABI version, or SANDBOX_UNSUPPORTED */
    int seccomp;  /* 1, or SANDBOX_UNSUPPORTED */
};

/* Files that are opened after the start. Their folders are allowed, both as named and after
 * symbolic links, since a file may be replaced while the service runs. Borrowed for the call. */
struct sandbox_files {
    const char *database; /* its folder is readable and writable; created when missing */
    /* listening Unix domain socket, removed at shutdown; NULL: none */
    const char *socket;
    /* read again on SIGHUP; entries may be NULL */
    const char *const *read_only;
    size_t read_only_count;
};

/* Disables core dumps, which would contain secrets, and forbids new privileges for this process and
 * its children (PR_SET_NO_NEW_PRIVS). Call it before secrets are read. When `wanted` is false, this
 * function and the following ones do nothing. */
MUST_USE bool sandbox_init(struct sandbox *sandbox, bool wanted, struct error *err);

/* Applies Landlock: no other files, no TCP connections, no other ports, no signals to other
 * processes. Restricts the calling thread and the threads that it creates later. So call it after
 * the sockets are bound and before the first thread is created. */
MUST_USE bool sandbox_apply_landlock(struct sandbox *sandbox, const struct sandbox_files *files,
                                     struct error *err);

/* Applies seccomp to all threads. System calls that the service never makes kill the process with
 * SIGSYS; other calls that it does not need fail with ENOSYS. Call it after the last thread is
 * created. */
MUST_USE bool sandbox_apply_seccomp(struct sandbox *sandbox, struct error *err);

/* Logs the active restrictions: event `sandbox_enabled`, or a warning `sandbox_disabled`. */
void sandbox_log(const struct sandbox *sandbox, struct log *log);

#endif
