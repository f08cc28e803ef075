/*
 * The process gives up what it needs no longer, so that a fault in it is worth little to whoever
 * finds it. The main thread calls these in the order in which they stand here, each once. None can
 * be taken back. What the kernel lacks is noted and left out; --sandbox off leaves out all of it.
 */
#ifndef SESSIOND_SERVICE_SANDBOX_SANDBOX_H
#define SESSIOND_SERVICE_SANDBOX_SANDBOX_H

#include "db/base/error.h"
#include "service/app/log.h"

#include <stddef.h>

#define SANDBOX_UNSUPPORTED (-1)

struct sandbox {
    bool wanted;
    int landlock; /* its ABI version, or SANDBOX_UNSUPPORTED */
    int seccomp;  /* 1, or SANDBOX_UNSUPPORTED */
};

/* The files that are opened after the start. Their folders are allowed, as they are named and
 * where symbolic links lead: a file may be replaced while the service runs. */
struct sandbox_files {
    const char *database;         /* its folder is read and written; made when missing */
    const char *socket;           /* a listening socket's, which is removed at the stop; or NULL */
    const char *const *read_only; /* read again on SIGHUP; those that are NULL are passed over */
    size_t read_only_count;
};

/* No core dump, of which the memory's secrets would be part, and nothing run from here gains
 * privileges (PR_SET_NO_NEW_PRIVS). Before any secret is read. Unless it is `wanted`, this and the
 * following do nothing. */
MUST_USE bool sandbox_begin(struct sandbox *sandbox, bool wanted, struct error *err);

/* Landlock: of all files only these, no TCP connection, no further port, no signal to others.
 * Before the first thread is made, since it holds for the caller and the threads that it makes
 * from then on; after the sockets are bound. */
MUST_USE bool sandbox_limit_files(struct sandbox *sandbox, const struct sandbox_files *files,
                                  struct error *err);

/* seccomp, for all threads: what the service never does ends the process with SIGSYS, other calls
 * that it does not need fail with ENOSYS. After the last thread is made. */
MUST_USE bool sandbox_limit_calls(struct sandbox *sandbox, struct error *err);

/* Says what is on: event `sandbox_enabled`, or a warning `sandbox_disabled`. */
void sandbox_log(const struct sandbox *sandbox, struct log *log);

#endif
