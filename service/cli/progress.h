/*
 * A thread beside a long command: once a second it says on stderr how far the command is, and on
 * SIGINT, SIGTERM or SIGHUP it removes the file that is not finished and ends the process.
 */
#ifndef SESSIOND_SERVICE_CLI_PROGRESS_H
#define SESSIOND_SERVICE_CLI_PROGRESS_H

#include "db/base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct progress {
    const char *command; /* its name */
    pthread_t thread;
    _Atomic(const char *) step;
    atomic_int_least64_t done_bytes;
    atomic_int_least64_t total_bytes; /* 0: it is not known how much there is to do */
    _Atomic(const char *) unfinished; /* NULL: there is no such file */
};

/* All texts are borrowed until the end. */
MUST_USE bool progress_start(struct progress *progress, const char *command, struct error *err);

/* What is done from now on. */
void progress_begin(struct progress *progress, const char *step);

void progress_set(struct progress *progress, int64_t done_bytes, int64_t total_bytes);

/* The file that a signal removes. */
void progress_set_unfinished(struct progress *progress, const char *path);

void progress_end(struct progress *progress);

#endif
