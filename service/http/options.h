/* Options of the HTTP server. */
#ifndef SESSIOND_SERVICE_HTTP_OPTIONS_H
#define SESSIOND_SERVICE_HTTP_OPTIONS_H

#include "service/app/log.h"
#include "service/auth/authorize.h"
#include "service/events/notifier.h"
#include "service/http/admission.h"
#include "service/net/tls.h"

struct http_server_limits {
    int64_t max_connections;
    int64_t reserved_connections; /* part of max_connections; at most an eighth of it */
    int64_t max_connections_per_address;
    int64_t max_connections_per_token;
    int64_t max_streams_per_client;
    int64_t max_queue_per_client;
    int64_t max_bodies_bytes_per_client;
    int64_t max_keepalive_connections;
    int64_t max_requests_per_connection; /* 0: no limit */
    int64_t max_bodies_bytes;
    int64_t rate_per_second; /* 0: no limit */
    int64_t request_timeout_ms;
    int64_t response_timeout_ms;
    int64_t idle_timeout_ms;
};

struct http_server_options {
    int listener; /* owned by the server, which closes it */
    /* another process also listens on it and continues when this process ends */
    bool listener_passed;
    struct tls *tls; /* borrowed; NULL: plain HTTP */
    int threads;
    struct admission admission;
    struct authorizer *access; /* borrowed */
    struct http_server_limits limits;
    const struct routes *routes;
    struct notifier *notifier; /* borrowed; wakes requests that wait for events */
    struct log *log;
};

#endif
