/* The process: reads its configuration, starts everything, waits for a signal, stops everything. */

#include "db/monotonic.h"
#include "db/store_open.h"
#include "routes/json_adopt.h"
#include "service/access.h"
#include "service/command.h"
#include "service/config.h"
#include "service/descriptors.h"
#include "service/http_server.h"
#include "service/listener.h"
#include "service/notify.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define EXIT_DISK 74 /* EX_IOERR of sysexits.h */

/* Nothing has been under way for so long: then no request is left that anyone waits for. */
#define QUIET_MS 200
#define POLL_MS 5

/* How long a stop waits for the rest of a request that has begun to arrive. */
#define RECEIVE_MS 2000

/* A page of the longest contexts, read from a slow disk, takes less. */
#define READ_LIMIT_MS 5000

/* How long answers get to leave when the storage has failed. */
#define FAILED_MS 1000

struct service {
    struct config config;
    struct log *log;
    struct access *access;
    struct store *store;
    struct http_server *server;
    struct routes routes;
    atomic_bool storage_failed;
    int listener;
    char address[128];
};

static void on_notice(void *arg, enum store_severity severity, const char *event,
                      const char *detail)
{
    static const enum log_level levels[] = {
        [STORE_INFO] = LOG_INFO, [STORE_WARNING] = LOG_WARNING, [STORE_ERROR] = LOG_ERROR};
    struct service *service = arg;

    log_event(service->log, levels[severity], event, detail);
}

/* Called by the writer: wakes the main thread, which ends the process. */
static void on_storage_failed(void *arg)
{
    struct service *service = arg;

    atomic_store(&service->storage_failed, true);
    kill(getpid(), SIGTERM);
}

/* All threads inherit the mask, so that signals reach only the main thread's sigwait. */
static void block_signals(sigset_t *waited)
{
    sigemptyset(waited);
    sigaddset(waited, SIGTERM);
    sigaddset(waited, SIGINT);
    sigaddset(waited, SIGHUP);
    pthread_sigmask(SIG_BLOCK, waited, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool open_access(struct service *service, struct error *err)
{
    const struct access_options options = {
        .token_file = service->config.token_file,
        .token = service->config.token,
        .allow_anonymous = service->config.allow_anonymous,
        .listen = service->config.listen,
        .address = service->address,
    };

    return access_new(&options, &service->access, err);
}

static bool open_store(struct service *service, struct error *err)
{
    const struct config *config = &service->config;
    const struct store_options options = {
        .path = config->db,
        .readers = (int)config->threads,
        .read_limit_ms = READ_LIMIT_MS,
        .max_queue = (size_t)config->max_queue,
        .key_ttl_us = config->idempotency_ttl_s * 1000000,
        .checkpoint_pages = config->checkpoint_pages,
        .observer = {service, on_notice, on_storage_failed},
        .adopt_context = json_adopt_context,
    };

    return store_open(&options, &service->store, err);
}

static bool start_server(struct service *service, struct error *err)
{
    const struct config *config = &service->config;

    service->routes = (struct routes){
        .store = service->store,
        .metrics = metrics_new(),
        .max_body_bytes = (size_t)config->max_body_bytes,
        .max_json_depth = (size_t)config->max_json_depth,
        .max_page_bytes = (size_t)config->max_page_bytes,
        .version = SESSIOND_VERSION,
    };
    const struct http_server_options options = {
        .listener = service->listener,
        .threads = (int)config->threads,
        .max_connections = config->max_connections,
        .admission = {config->max_header_bytes, config->max_target_bytes},
        .access = service->access,
        .idle_timeout_ms = config->idle_timeout_ms,
        .routes = &service->routes,
        .log = service->log,
    };
    return http_server_start(&options, &service->server, err);
}

static void log_listening(struct service *service)
{
    struct buffer line = {0};

    log_begin(&line, LOG_INFO, "listening");
    log_text(&line, "address", slice_from(service->address));
    log_text(&line, "db", slice_from(service->config.db));
    log_text(&line, "version", slice_from(SESSIOND_VERSION));
    log_integer(&line, "pid", getpid());
    log_integer(&line, "tokens", (int64_t)access_count(service->access));
    log_end(service->log, &line, true);
    buffer_release(&line);
    if (service->config.allow_anonymous)
        log_event(service->log, LOG_WARNING, "anonymous",
                  "there are no tokens: whoever can connect may read and write");
}

/* On SIGHUP. */
static void reload_tokens(struct service *service)
{
    struct buffer line = {0};
    struct error err;

    if (service->config.token_file == NULL)
        return;
    if (!access_reload(service->access, &err)) {
        log_event(service->log, LOG_ERROR, "tokens_kept", err.detail);
        return;
    }
    log_begin(&line, LOG_INFO, "tokens_loaded");
    log_integer(&line, "tokens", (int64_t)access_count(service->access));
    log_end(service->log, &line, true);
    buffer_release(&line);
}

static void sleep_ms(int64_t ms)
{
    const struct timespec duration = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&duration, NULL);
}

/* A second SIGTERM or SIGINT says that nobody wants to wait. */
static bool is_hurried(void)
{
    const struct timespec now = {0};
    sigset_t hurry;

    sigemptyset(&hurry);
    sigaddset(&hurry, SIGTERM);
    sigaddset(&hurry, SIGINT);
    return sigtimedwait(&hurry, NULL, &now) > 0;
}

/* Requests that are still waited for: for those that have not wholly arrived only a while. */
static int64_t count_awaited(const struct service *service, int64_t waited_ms)
{
    const int64_t in_flight = http_server_in_flight(service->server);

    return waited_ms < RECEIVE_MS ? in_flight : in_flight - http_server_receiving(service->server);
}

/* Waits until nothing is under way, at most `limit_ms`. */
static void await_quiet(struct service *service, int64_t limit_ms)
{
    const int64_t began_us = monotonic_us();
    int64_t waited_ms = 0;
    int64_t busy_ms = 0; /* when something was last under way */

    while (waited_ms < limit_ms && waited_ms - busy_ms < QUIET_MS && !is_hurried()) {
        sleep_ms(POLL_MS);
        waited_ms = (monotonic_us() - began_us) / 1000;
        if (count_awaited(service, waited_ms) > 0)
            busy_ms = waited_ms;
    }
}

/* When the storage has failed, ends the process. What is on disk is only known after a restart: no
 * more than the answers may still leave. */
static void end_if_failed(struct service *service)
{
    if (!atomic_load(&service->storage_failed))
        return;
    log_event(service->log, LOG_ERROR, "ending", "the storage failed; restart to recover");
    if (service->server != NULL)
        await_quiet(service, FAILED_MS);
    log_flush(service->log, FAILED_MS);
    _exit(EXIT_DISK);
}

/* The last answers may be on their way from the store while nothing is in flight any more. */
static bool stop_server(struct service *service)
{
    for (int waited = 0; waited < QUIET_MS; waited += POLL_MS) {
        if (http_server_stop(service->server)) {
            service->server = NULL;
            return true;
        }
        sleep_ms(POLL_MS);
    }
    return false;
}

static int stop(struct service *service)
{
    log_event(service->log, LOG_INFO, "stopping", NULL);
    notify_manager("STOPPING=1");
    http_server_drain(service->server);
    store_refuse_backups(service->store);
    await_quiet(service, service->config.stop_timeout_ms);
    end_if_failed(service);
    if (!stop_server(service)) {
        log_event(service->log, LOG_ERROR, "stop_timed_out",
                  "writes were still under way; they may be on disk or not");
        log_flush(service->log, FAILED_MS);
        _exit(EXIT_FAILURE);
    }
    store_close(service->store);
    end_if_failed(service);
    metrics_free(service->routes.metrics);
    access_free(service->access);
    log_event(service->log, LOG_INFO, "stopped", NULL);
    log_free(service->log);
    return EXIT_SUCCESS;
}

static int serve(struct service *service, const sigset_t *waited)
{
    int signal_number;

    log_listening(service);
    notify_manager("READY=1");
    do {
        if (sigwait(waited, &signal_number) != 0)
            continue;
        end_if_failed(service);
        if (signal_number == SIGHUP)
            reload_tokens(service);
    } while (signal_number == SIGHUP);
    return stop(service);
}

static bool start(struct service *service, struct error *err)
{
    descriptors_provide(&service->config.max_connections, service->log);
    if (!listener_open(service->config.listen, &service->listener, service->address,
                       sizeof(service->address), err))
        return false;
    if (open_access(service, err) && open_store(service, err)) {
        if (start_server(service, err))
            return true;
        metrics_free(service->routes.metrics);
        store_close(service->store);
        end_if_failed(service);
    }
    access_free(service->access);
    close(service->listener);
    return false;
}

static int run(struct service *service)
{
    sigset_t waited;
    struct error err;

    umask(S_IRWXG | S_IRWXO); /* what is stored is the user's alone */
    block_signals(&waited);
    service->log = log_new(STDERR_FILENO, service->config.log_level);
    if (service->log == NULL)
        return EXIT_FAILURE;
    if (start(service, &err))
        return serve(service, &waited);
    log_event(service->log, LOG_ERROR, "cannot_start", err.detail);
    log_free(service->log);
    return err.kind == ERROR_INVALID_PAYLOAD ? EXIT_USAGE : EXIT_FAILURE;
}

static int run_command(int argc, char **argv)
{
    const struct command *command = command_find(argv[0]);

    if (command != NULL)
        return (int)command_main(command, argc, argv);
    fprintf(stderr, "sessiond: there is no command %.60s; --help lists them all\n", argv[0]);
    return EXIT_USAGE;
}

static bool no_word(const struct config *config, struct error *err)
{
    return config->file == NULL ||
           error_set(err, ERROR_INVALID_PAYLOAD, NULL,
                     "a command comes first, not after a flag: \"%.60s\"", config->file);
}

int main(int argc, char **argv)
{
    struct service service = {0};
    enum config_action action;
    struct error err;

    if (argc > 1 && argv[1][0] != '-')
        return run_command(argc - 1, argv + 1);
    if (!config_read(&service.config, argc, argv, &action, &err) ||
        (action == CONFIG_RUN && !no_word(&service.config, &err))) {
        fprintf(stderr, "sessiond: %s\n", err.detail);
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
