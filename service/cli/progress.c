#include "service/cli/progress.h"

#include "db/base/monotonic.h"
#include "service/cli/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define SECOND_US INT64_C(1000000)

/* Stops the thread. */
#define STOP_SIGNAL SIGUSR1

static void print_progress(struct progress *progress, int64_t began_us)
{
    const long long done = atomic_load(&progress->done_bytes) >> 20;
    const long long total = atomic_load(&progress->total_bytes) >> 20;
    const long long seconds = (monotonic_us() - began_us) / SECOND_US;
    char amount[64] = "";

    if (total > 0)
        snprintf(amount, sizeof(amount), ", %lld of %lld MiB", done, total);
    fprintf(stderr, "sessiond %s: %s%s, %lld s\n", progress->command, atomic_load(&progress->step),
            amount, seconds);
}

static _Noreturn void exit_interrupted(struct progress *progress)
{
    const char *unfinished = atomic_load(&progress->unfinished);

    if (unfinished != NULL)
        unlink(unfinished);
    fprintf(stderr, "sessiond %s: interrupted\n", progress->command);
    _exit(COMMAND_UNAVAILABLE);
}

static void fill_signal_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, STOP_SIGNAL);
}

static void *progress_run(void *arg)
{
    static const struct timespec second = {.tv_sec = 1};
    const int64_t began_us = monotonic_us();
    struct progress *progress = arg;
    sigset_t set;
    int number;

    fill_signal_set(&set);
    while ((number = sigtimedwait(&set, NULL, &second)) != STOP_SIGNAL) {
        if (number > 0)
            exit_interrupted(progress);
        if (errno == EAGAIN)
            print_progress(progress, began_us);
    }
    return NULL;
}

bool progress_start(struct progress *progress, const char *command, struct error *err)
{
    sigset_t set;

    *progress = (struct progress){.command = command};
    progress_begin(progress, "starting");
    fill_signal_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&progress->thread, NULL, progress_run, progress) != 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot start a thread");
    return true;
}

void progress_begin(struct progress *progress, const char *step)
{
    progress_set(progress, 0, 0);
    atomic_store(&progress->step, step);
}

void progress_set(struct progress *progress, int64_t done_bytes, int64_t total_bytes)
{
    atomic_store(&progress->done_bytes, done_bytes);
    atomic_store(&progress->total_bytes, total_bytes);
}

void progress_set_unfinished(struct progress *progress, const char *path)
{
    atomic_store(&progress->unfinished, path);
}

void progress_end(struct progress *progress)
{
    pthread_kill(progress->thread, STOP_SIGNAL);
    pthread_join(progress->thread, NULL);
}
