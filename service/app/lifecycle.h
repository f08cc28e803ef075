/*
 * The parts of the running service, and the order in which they start and stop. Main thread.
 */
#ifndef SESSIOND_SERVICE_APP_LIFECYCLE_H
#define SESSIOND_SERVICE_APP_LIFECYCLE_H

#include "service/app/config.h"
#include "service/events/source.h"
#include "service/http/server.h"
#include "service/net/listener.h"
#include "service/sandbox/sandbox.h"

struct service {
    struct config config;
    struct log *log;
    struct tls *tls;
    struct authorizer *access;
    struct store *store;
    struct sse_buffer *ring;
    struct notifier *notifier;
    struct event_source_context event_source_context;
    struct http_server *server;
    struct routes routes;
    struct sandbox sandbox;
    atomic_bool storage_failed;
    int manager; /* socket of the service manager; -1: none */
    struct listener listener;
};

/* Does the work that needs a single thread and an unrestricted process: opens the listener and
 * applies the Landlock sandbox. */
MUST_USE bool service_prepare(struct service *service, struct error *err);

/* Opens the store and starts the HTTP server. The caller has set `service->log`. */
MUST_USE bool service_start(struct service *service, struct error *err);

/* Rejects new requests, drains running requests for at most --shutdown-timeout, and closes
 * everything. Returns the exit code. Exits the process itself when the storage has failed or writes
 * are still running after that time. */
int service_stop(struct service *service);

/* Exits the process when the storage has failed, after pending responses had a short time to be
 * sent. The state of the disk is known only after a restart, so nothing else is closed or
 * written. */
void service_exit_if_failed(struct service *service);

#endif
