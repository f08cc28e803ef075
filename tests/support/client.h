/*
 * An HTTP client with one kept-alive connection to a service, which may be started again in
 * between. One thread at a time. Nothing here fails the test, so any thread may call it.
 */
#ifndef SESSIOND_TESTS_CLIENT_H
#define SESSIOND_TESTS_CLIENT_H

#include "tests/support/process.h"

#include <stdint.h>

#define REQUEST_HEADERS_MAX 4

struct tracked_connection;

struct request {
    const char *method;
    const char *target; /* path and query, sent as they are */
    const char *type;   /* Content-Type; NULL: application/json, where there is a body */
    const char *body;   /* NULL: none */
    size_t body_len;    /* 0: as long as the text */
    const char *headers[REQUEST_HEADERS_MAX]; /* "Name: value" */
};

struct response {
    int status;       /* 0: none came, and `body` says why */
    const char *body; /* NUL-terminated */
    size_t body_len;
    struct tracked_connection *client;
};

struct tracked_connection *client_new(const struct service *service);
void client_free(struct tracked_connection *client);

/* The response stays until the next call on this client. */
const struct response *client_call(struct tracked_connection *client,
                                   const struct request *request);

/* The same without a body, and with a JSON body; the target is a format. */
const struct response *client_get(struct tracked_connection *client, const char *target, ...)
    __attribute__((format(printf, 2, 3)));
const struct response *client_send(struct tracked_connection *client, const char *method,
                                   const char *body, const char *target, ...)
    __attribute__((format(printf, 4, 5)));

/* The value of a header; NULL when there is none. */
const char *response_header(const struct response *response, const char *name);

/* What a JSON pointer points at: the text of a string, "" when there is none; a number, -1 when
 * there is none; how many elements or members, -1 when it is neither array nor object. */
const char *response_text(const struct response *response, const char *pointer, ...)
    __attribute__((format(printf, 2, 3)));
int64_t response_number(const struct response *response, const char *pointer);
int64_t response_length(const struct response *response, const char *pointer);

/* Whether the response is application/problem+json of this name. */
bool response_is_problem(const struct response *response, const char *name);

/* The text of `context` in a body of one session, copied. The caller frees it. */
char *response_context(const struct response *response);

#endif
