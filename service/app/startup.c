#include "service/app/lifecycle.h"

#include "db/store/open.h"
#include "routes/json/legacy_context.h"
#include "routes/search/text_extract.h"
#include "service/app/fd_limit.h"
#include "service/app/file_permissions.h"
#include "service/app/sd_notify.h"

#include <signal.h>
#include <unistd.h>

/* Longer than reading a page of the longest contexts from a slow disk takes. */
#define READ_LIMIT_MS 5000

/* About 30,000 events. Streams that are further behind read from the store. */
#define RING_BYTES ((size_t)8 << 20)

static void on_notice(void *arg, enum store_severity severity, const char *event,
                      const char *detail)
{
    static const enum log_level levels[] = {
        [STORE_INFO] = LOG_INFO, [STORE_WARNING] = LOG_WARNING, [STORE_ERROR] = LOG_ERROR};
    struct service *service = arg;

    log_event(service->log, levels[severity], event, detail);
}

/* Called by the writer thread. Wakes the main thread, which exits the process. */
static void on_storage_failed(void *arg)
{
    struct service *service = arg;

    atomic_store(&service->storage_failed, true);
    kill(getpid(), SIGTERM);
}

/* Called by the writer thread. */
static void on_events(void *arg, int64_t newest)
{
    const struct service *service = arg;

    notifier_announce(service->notifier, newest);
}

static bool open_authorizer(struct service *service, struct error *err)
{
    const struct authorizer_options options = {
        .token_file = service->config.token_file,
        .token = service->config.token,
        .allow_anonymous = service->config.allow_anonymous,
        .listen = service->config.listen,
        .address = service->listener.address,
    };

    return authorizer_new(&options, &service->access, err);
}

static bool open_store(struct service *service, struct error *err)
{
    const struct config *config = &service->config;
    const struct store_options options = {
        .path = config->db,
        .readers = (int)config->threads + 1, /* one more for the notifier */
        .read_limit_ms = READ_LIMIT_MS,
        .max_queue = (size_t)config->max_queue,
        .max_consumers = config->max_consumers,
        .max_streams = config->max_streams,
        .max_forks = config->max_forks,
        .max_client_forks = config->max_client_forks,
        .key_ttl_us = config->idempotency_ttl_s * 1000000,
        .event_retention_us = config->event_retention_s * 1000000,
        .max_events = config->max_events,
        .checkpoint_pages = config->checkpoint_pages,
        .retain_us = {[STORE_PURGE_TERMINATED] = config->retain_terminated_s * 1000000,
                      [STORE_PURGE_IDLE] = config->retain_idle_s * 1000000},
        .max_db_bytes = config->max_db_bytes,
        .observer = {service, on_notice, on_storage_failed, on_events},
        .fix_legacy_context = legacy_context_wrap,
        .search_text = config->search ? search_text : NULL,
        .search_rule = SEARCH_EXTRACTOR_VERSION,
    };

    return store_open(&options, &service->store, err);
}

static struct http_server_limits make_limits(const struct config *config)
{
    return (struct http_server_limits){
        .max_connections = config->max_connections,
        .reserved_connections = config->reserved_connections,
        .max_connections_per_address = config->max_connections_per_address,
        .max_connections_per_token = config->max_connections_per_token,
        .max_streams_per_client = config->max_streams_per_client,
        .max_queue_per_client = config->max_queue_per_client,
        .max_bodies_bytes_per_client = config->max_bodies_bytes_per_client,
        .max_keepalive_connections = config->max_keepalive_connections,
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
        .events = service->ring,
        .max_body_bytes = (size_t)config->max_body_bytes,
        .max_json_depth = (size_t)config->max_json_depth,
        .max_page_bytes = (size_t)config->max_page_bytes,
        .max_batch_entries = (size_t)config->max_batch_entries,
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
        .access = service->access,
        .limits = make_limits(config),
        .routes = &service->routes,
        .notifier = service->notifier,
        .log = service->log,
    };
    return http_server_start(&options, &service->server, err);
}

/* The notifier wakes waiters when there are events or when their time limit is reached. */
static bool start_notifier(struct service *service, struct error *err)
{
    service->event_source_context =
        (struct event_source_context){service->store, service->ring, service->log};
    const struct event_source source = event_source_from_store(&service->event_source_context);

    return notifier_start(service->notifier, &source, err);
}

static void close_listener(struct service *service)
{
    listener_unlink_socket(&service->listener);
    close(service->listener.descriptor);
}

static bool limit_files(struct service *service, struct error *err)
{
    const struct config *config = &service->config;
    const char *const read_only[] = {config->token_file, config->tls_cert, config->tls_key};
    const struct sandbox_files files = {
        .database = config->db,
        .socket = service->listener.path[0] == '\0' ? NULL : service->listener.path,
        .read_only = read_only,
        .read_only_count = sizeof(read_only) / sizeof(read_only[0]),
    };

    return sandbox_apply_landlock(&service->sandbox, &files, err);
}

bool service_prepare(struct service *service, struct error *err)
{
    const struct config *config = &service->config;

    if (!config_check_db(config, err) || !sandbox_init(&service->sandbox, config->sandbox, err))
        return false;
    service->manager = sd_notify_connect();
    if (!listener_open(config->listen, (mode_t)config->socket_mode, &service->listener, err))
        return false;
    if (limit_files(service, err))
        return true;
    close_listener(service);
    return false;
}

bool service_start(struct service *service, struct error *err)
{
    const struct config *config = &service->config;

    fd_limit_raise(&service->config.max_connections, service->log);
    file_permissions_warn(config, service->log);
    service->ring = sse_buffer_new(RING_BYTES);
    service->notifier = notifier_new();
    if (open_authorizer(service, err) &&
        tls_open(config->tls_cert, config->tls_key, service->log, &service->tls, err) &&
        open_store(service, err)) {
        if (start_notifier(service, err)) {
            if (start_server(service, err))
                return true;
            notifier_stop(service->notifier);
        }
        metrics_free(service->routes.metrics);
        store_close(service->store);
        service_exit_if_failed(service);
    }
    notifier_free(service->notifier);
    sse_buffer_free(service->ring);
    tls_close(service->tls);
    authorizer_free(service->access);
    close_listener(service);
    return false;
}
