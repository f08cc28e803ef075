/*
 * A sessiond of the test's own, in a folder of its own and on a free port. SESSIOND_BINARY in the
 * environment names another program to start, such as one that runs it under a checker. What does
 * not go as it should fails the test. Only the test's main thread starts, signals and waits.
 */
#ifndef SESSIOND_TESTS_PROCESS_H
#define SESSIOND_TESTS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* How long anything may take: enough for a service under valgrind on a busy machine. */
#define PATIENCE_MS 120000

struct service {
    char folder[64];   /* removed at the end */
    char database[96]; /* --db */
    char address[64];  /* HOST:PORT, of the present life or the last one */
    bool bare;         /* started with the given flags alone, without --listen and --db */
    pid_t pid;         /* 0: none runs */
    size_t log_begin;  /* where in the log the present life begins */
};

/* The flags of one start; NULL stands for none. */
#define FLAGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Makes the folder; nothing is started. Variables of the environment that would configure the
 * service are forgotten. */
void service_init(struct service *service);

/* Kills what still runs and removes the folder. False, with the log on stderr, when a sanitizer
 * has left a report in the log. */
bool service_release(struct service *service);

/* Starts the process and does not wait for it. */
void service_launch(struct service *service, const char *const *flags);

/* Returns when it listens. */
void service_start(struct service *service, const char *const *flags);

/* Starts what is expected to end by itself, and returns its exit status. */
int service_run(struct service *service, const char *const *flags);

void service_signal(const struct service *service, int signal_number);

/* Waits for the end: the exit status, or 128 + the signal that ended it. */
int service_await_end(struct service *service);

/* SIGTERM. False, with the log on stderr, when the exit status is not 0. */
bool service_end(struct service *service);

/* The same, asserted. */
void service_stop(struct service *service);

/* Whether the process has not ended. */
bool service_is_running(const struct service *service);

/* What the present life, or the last one, wrote to stderr and to stdout. The caller frees it. */
char *service_log(const struct service *service);
char *service_output(const struct service *service);

/* Whether the log has a line with this event and this text behind it. */
bool service_logged(const struct service *service, const char *event, const char *text);

#endif
