/*
 * Progress thread of a long command. It prints the progress to stderr every second. On SIGINT,
 * SIGTERM or SIGHUP it removes the unfinished file and exits the process.
 */
#ifndef SESSIOND_SERVICE_CLI_PROGRESS_H
#define SESSIOND_SERVICE_CLI_PROGRESS_H

#include "db/base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct progress {
    const char *command; /* name of the command */
    pthread_t thread;
    _Atomic(const char *) step;
    atomic_int_least64_t done_bytes;
    atomic_int_least64_t total_bytes; /* 0: unknown */
    _Atomic(const char *) unfinished; /* path of the unfinished file; NULL: none */
};

/* Blocks these signals in the calling thread and starts the progress thread. All texts are borrowed
 * until progress_end(). */
MUST_USE bool progress_start(struct progress *progress, const char *command, struct error *err);

/* Begins a step: sets its description and resets the counters. */
void progress_begin(struct progress *progress, const char *step);

/* Sets how many bytes of the step are done. `total_bytes` 0: unknown. */
void progress_set(struct progress *progress, int64_t done_bytes, int64_t total_bytes);

/* Sets the file that the thread removes on a signal. */
void progress_set_unfinished(struct progress *progress, const char *path);

/* Stops the thread. */
void progress_end(struct progress *progress);

#endif
