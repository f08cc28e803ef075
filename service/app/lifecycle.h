/*
 * Everything that serves, and the order in which it begins and ends. Main thread.
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
    int manager; /* the service manager's socket; -1: none */
    struct listener listener;
};

/* What has to be done while the process has one thread and may still do everything: listens, and
 * limits which files can be reached. */
MUST_USE bool service_prepare(struct service *service, struct error *err);

/* Opens the store and serves. `service->log` has been set. */
MUST_USE bool service_start(struct service *service, struct error *err);

/* Refuses what is new, waits for what is under way, at most --stop-timeout, and closes
 * everything. The exit code; or ends the process. */
int service_stop(struct service *service);

/* When the storage has failed, ends the process. What is on disk is only known after a restart: no
 * more than the answers may still leave. */
void service_exit_if_failed(struct service *service);

#endif
