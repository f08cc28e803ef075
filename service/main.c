/* The process: reads its configuration, starts everything, waits for a signal, stops everything. */

#include "db/monotonic.h"
#include "db/store_open.h"
#include "routes/json_adopt.h"
#include "service/command.h"
#include "service/config.h"
#include "service/confinement.h"
#include "service/descriptors.h"
#include "service/http_server.h"
#include "service/listener.h"
#include "service/notify.h"

#include <errno.h>
#include <malloc.h>
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

/* Texts from this size on are mapped one by one. */
#define LARGE_BYTES (1 << 20)

struct service {
    struct config config;
    struct log *log;
    struct tls *tls;
    struct store *store;
    struct http_server *server;
    struct routes routes;
    struct confinement confinement;
    atomic_bool storage_failed;
    int manager; /* the service manager's socket; -1: none */
    struct listener listener;
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

static struct http_server_limits limits_of(const struct config *config)
{
    return (struct http_server_limits){
        .max_connections = config->max_connections,
        .max_connections_per_address = config->max_connections_per_address,
        .max_kept_connections = config->max_kept_connections,
        .max_requests_per_connection = config->max_requests_per_connection,
        .max_bodies_bytes = config->max_bodies_bytes,
        .rate_per_second = config->rate_per_second,
        .request_timeout_ms = config->request_timeout_ms,
        .response_timeout_ms = config->response_timeout_ms,
        .idle_timeout_ms = config->idle_timeout_ms,
    };
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
        .listener = service->listener.descriptor,
        .listener_passed = service->listener.passed,
        .tls = service->tls,
        .threads = (int)config->threads,
        .admission = {.max_header_bytes = config->max_header_bytes,
                      .max_target_bytes = config->max_target_bytes,
                      .max_query_parameters = config->max_query_parameters},
        .limits = limits_of(config),
        .routes = &service->routes,
        .log = service->log,
    };
    return http_server_start(&options, &service->server, err);
}

static void log_listening(struct service *service)
{
    struct buffer line = {0};

    log_begin(&line, LOG_INFO, "listening");
    log_text(&line, "address", slice_from(service->listener.address));
    log_text(&line, "db", slice_from(service->config.db));
    log_text(&line, "scheme", slice_from(service->tls == NULL ? "http" : "https"));
    if (service->listener.passed)
        log_text(&line, "socket", SLICE_LITERAL("passed by the service manager"));
    log_text(&line, "version", slice_from(SESSIOND_VERSION));
    log_integer(&line, "pid", getpid());
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
    notify_manager(service->manager, "STOPPING=1");
    listener_withdraw(&service->listener);
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
    tls_close(service->tls);
    log_event(service->log, LOG_INFO, "stopped", NULL);
    log_free(service->log);
    return EXIT_SUCCESS;
}

static int serve(struct service *service, const sigset_t *waited)
{
    int signal_number;

    log_listening(service);
    confinement_log(&service->confinement, service->log);
    notify_manager(service->manager, "READY=1");
    do {
        if (sigwait(waited, &signal_number) != 0)
            continue;
        end_if_failed(service);
        if (signal_number == SIGHUP)
            tls_reload(service->tls);
    } while (signal_number == SIGHUP);
    return stop(service);
}

static void close_listener(struct service *service)
{
    listener_withdraw(&service->listener);
    close(service->listener.descriptor);
}

static bool limit_files(struct service *service, struct error *err)
{
    const struct config *config = &service->config;
    const char *const read_only[] = {config->tls_cert, config->tls_key};
    const struct confinement_files files = {
        .database = config->db,
        .socket = service->listener.path[0] == '\0' ? NULL : service->listener.path,
        .read_only = read_only,
        .read_only_count = sizeof(read_only) / sizeof(read_only[0]),
    };

    return confinement_limit_files(&service->confinement, &files, err);
}

/* What has to be done while the process has one thread and may still do everything. */
static bool prepare(struct service *service, struct error *err)
{
    const struct config *config = &service->config;

    if (!confinement_begin(&service->confinement, strcmp(config->confine, "on") == 0, err))
        return false;
    service->manager = notify_connect();
    if (!listener_open(config->listen, (mode_t)config->socket_mode, &service->listener, err))
        return false;
    if (limit_files(service, err))
        return true;
    close_listener(service);
    return false;
}

static bool start(struct service *service, struct error *err)
{
    const struct config *config = &service->config;

    descriptors_provide(&service->config.max_connections, service->log);
    if (!tls_open(config->tls_cert, config->tls_key, service->log, &service->tls, err))
        goto done;
    if (open_store(service, err)) {
        if (start_server(service, err))
            return true;
        metrics_free(service->routes.metrics);
        store_close(service->store);
        end_if_failed(service);
    }
    tls_close(service->tls);
done:
    close_listener(service);
    return false;
}

/* A large body goes back to the system when it is done with: by itself the allocator takes the
 * size of the last one for usual, and keeps all that is smaller. */
static void give_memory_back(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BYTES);
}

static int run(struct service *service)
{
    sigset_t waited;
    struct error err;

    umask(S_IRWXG | S_IRWXO); /* what is stored is the user's alone */
    give_memory_back();
    block_signals(&waited);
    const bool prepared = prepare(service, &err);
    service->log = log_new(STDERR_FILENO, service->config.log_level);
    if (service->log == NULL)
        return EXIT_FAILURE;
    if (prepared && start(service, &err)) {
        if (confinement_limit_calls(&service->confinement, &err))
            return serve(service, &waited);
        log_event(service->log, LOG_ERROR, "cannot_start", err.detail);
        (void)stop(service);
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
