/* Entry point: reads the configuration, starts the service, waits for a signal, stops the
 * service. */

#include "service/app/fd_limit.h"
#include "service/app/lifecycle.h"
#include "service/app/sd_notify.h"
#include "service/cli/command.h"
#include "service/cli/terminal.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE 2

/* malloc() maps blocks of this size and above individually. */
#define MMAP_THRESHOLD_BYTES (1 << 20)

/* All threads inherit the mask, so only sigwait() of the main thread receives the signals. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static void log_config_warnings(const struct config *config, struct log *log)
{
    char text[64];

    for (size_t i = 0; i < config->warning_count && i < CONFIG_WARNINGS_MAX; i++)
        log_event(log, LOG_WARNING, "configuration", config->warnings[i]);
    if (config->warning_count <= CONFIG_WARNINGS_MAX)
        return;
    snprintf(text, sizeof(text), "%zu further warnings are not shown",
             config->warning_count - CONFIG_WARNINGS_MAX);
    log_event(log, LOG_WARNING, "configuration", text);
}

static void log_listening(struct service *service)
{
    struct buffer line = {0};

    log_config_warnings(&service->config, service->log);
    log_begin(&line, LOG_INFO, "listening");
    log_text(&line, "address", slice_from(service->listener.address));
    log_text(&line, "db", slice_from(service->config.db));
    log_text(&line, "scheme", slice_from(service->tls == NULL ? "http" : "https"));
    if (service->listener.passed)
        log_text(&line, "socket", SLICE_LITERAL("passed by the service manager"));
    log_text(&line, "version", slice_from(SESSIOND_VERSION));
    log_text(&line, "libmicrohttpd", slice_from(http_server_library_version()));
    log_integer(&line, "pid", getpid());
    log_integer(&line, "tokens", (int64_t)authorizer_token_count(service->access));
    log_end(service->log, &line, true);
    buffer_release(&line);
    if (service->config.allow_anonymous)
        log_event(service->log, LOG_WARNING, "auth_disabled",
                  "there are no tokens: every client that can connect may read and write; set "
                  "--token-file to require tokens");
}

static void reload_tokens(struct service *service)
{
    struct buffer line = {0};
    struct error err;

    if (service->config.token_file == NULL)
        return;
    if (!authorizer_reload(service->access, &err)) {
        log_event(service->log, LOG_ERROR, "token_reload_failed", err.detail);
        return;
    }
    /* Ends the streams and long polls of tokens that were removed. */
    notifier_reauthorize(service->notifier, authorizer_generation(service->access));
    log_begin(&line, LOG_INFO, "tokens_loaded");
    log_integer(&line, "tokens", (int64_t)authorizer_token_count(service->access));
    log_end(service->log, &line, true);
    buffer_release(&line);
}

/* Handles SIGHUP. */
static void reload(struct service *service)
{
    reload_tokens(service);
    tls_reload(service->tls);
}

static int serve(struct service *service, const sigset_t *signals)
{
    int signal_number;

    log_listening(service);
    sandbox_log(&service->sandbox, service->log);
    sd_notify_send(service->manager, "READY=1");
    do {
        if (sigwait(signals, &signal_number) != 0)
            continue;
        service_exit_if_failed(service);
        if (signal_number == SIGHUP)
            reload(service);
    } while (signal_number == SIGHUP);
    return service_stop(service);
}

/* Makes free() return the memory of large bodies to the system. Without this, glibc adapts its
 * thresholds to the last large block and keeps smaller ones. */
static void configure_malloc(void)
{
    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
    mallopt(M_TRIM_THRESHOLD, 2 * MMAP_THRESHOLD_BYTES);
}

static int run(struct service *service)
{
    sigset_t signals;
    struct error err;

    umask(S_IRWXG | S_IRWXO); /* only the user may access stored files */
    configure_malloc();
    block_signals(&signals);
    const bool prepared = service_prepare(service, &err);
    service->log = log_new(STDERR_FILENO, service->config.log_level);
    if (service->log == NULL)
        return EXIT_FAILURE;
    if (prepared && service_start(service, &err)) {
        if (sandbox_apply_seccomp(&service->sandbox, &err))
            return serve(service, &signals);
        log_event(service->log, LOG_ERROR, "cannot_start", err.detail);
        (void)service_stop(service);
        return EXIT_FAILURE;
    }
    log_event(service->log, LOG_ERROR, "cannot_start", err.detail);
    log_free(service->log);
    return err.kind == ERROR_INVALID_PAYLOAD ? EXIT_USAGE : EXIT_FAILURE;
}

static int run_command(int argc, char **argv)
{
    const struct command *command = command_find(argv[0]);

    if (command != NULL)
        return (int)command_main(command, argc, argv);
    terminal_print(stderr, "sessiond: unknown command %.60s; --help lists all commands\n", argv[0]);
    return EXIT_USAGE;
}

static bool reject_positional(const struct config *config, struct error *err)
{
    return config->file == NULL ||
           error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                     "unexpected argument \"%.60s\"; a command must come before all flags",
                     config->file);
}

static int dispatch(int argc, char **argv)
{
    struct service service = {0};
    enum config_action action;
    struct error err;

    if (argc > 1 && argv[1][0] != '-')
        return run_command(argc - 1, argv + 1);
    if (!config_read(&service.config, argc, argv, &action, &err) ||
        (action == CONFIG_RUN && !reject_positional(&service.config, &err))) {
        terminal_print(stderr, "sessiond: %s\n", err.detail);
        return EXIT_USAGE;
    }
    if (action == CONFIG_HELP) {
        config_help(stdout);
        command_list(stdout);
        return EXIT_SUCCESS;
    }
    if (action == CONFIG_VERSION) {
        puts("sessiond " SESSIOND_VERSION);
        return EXIT_SUCCESS;
    }
    return run(&service);
}

/* Buffered output may be written only here, so a write error must change the exit status. */
static int flush_stdout(int status)
{
    const int cause = fflush(stdout) == 0 ? 0 : errno;

    if (cause == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "sessiond: cannot write all output to stdout: %s\n",
            cause == 0 ? "an earlier write failed" : strerror(cause));
    return status == EXIT_SUCCESS ? COMMAND_UNAVAILABLE : status;
}

int main(int argc, char **argv)
{
    if (!fd_limit_reserve_standard())
        return COMMAND_UNAVAILABLE;
    signal(SIGPIPE, SIG_IGN); /* a write to a closed pipe or socket fails with EPIPE instead */
    return flush_stdout(dispatch(argc, argv));
}
