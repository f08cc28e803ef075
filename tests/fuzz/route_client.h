/*
 * Requests to the routes and the store of this process, without a socket. One request at a time, on
 * one thread.
 */
#ifndef SESSIOND_TESTS_ROUTE_CLIENT_H
#define SESSIOND_TESTS_ROUTE_CLIENT_H

#include "routes/core/route.h"

/* A request. Texts that are NULL are not sent. */
struct route_call {
    enum method method;
    const char *target; /* the path and the query */
    const char *body;   /* NULL: `lines` is the body */
    struct slice lines;
    const char *type; /* of the body; NULL: application/json */
    const char *key;  /* Idempotency-Key */
    const char *accept;
    const char *token; /* Lease-Token */
};

struct route_client {
    struct routes routes;
    struct exchange ex; /* the last request and its response */
    struct buffer body; /* the whole body of the last response */
};

/* Opens the store of a file with search on; `failed` ends the process. */
MUST_USE bool route_client_open(struct route_client *client, const char *path,
                                void (*failed)(void *arg), struct error *err);

/* Sends the request and reads the whole response into client->ex and client->body; a stream that
 * waits for events ends there. Returns the status. A stream that fails gives STREAM_CUT. */
#define STREAM_CUT 0
int route_client_call(struct route_client *client, const struct route_call *call);

void route_client_close(struct route_client *client);

#endif
