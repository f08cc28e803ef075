/*
 * One HTTP request and its response, as plain data: all that routes/ sees of HTTP. The server
 * fills the request part and sends the response part; a route fills the response part.
 *
 * One thread at a time: the HTTP thread of the connection, except between a job's submission and
 * its completion, when it belongs to the store's thread that runs the job.
 */
#ifndef SESSIOND_ROUTES_CORE_EXCHANGE_H
#define SESSIOND_ROUTES_CORE_EXCHANGE_H

#include "routes/core/buffer.h"
#include "routes/core/stream.h"

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_COUNT,
    METHOD_OTHER = METHOD_COUNT
};

/* The request headers that mean something to a route, or to who may use it. */
enum request_header {
    REQUEST_ACCEPT,
    REQUEST_AUTHORIZATION,
    REQUEST_CONTENT_ENCODING,
    REQUEST_CONTENT_TYPE,
    REQUEST_HOST,
    REQUEST_IF_MATCH,
    REQUEST_IF_NONE_MATCH,
    REQUEST_IDEMPOTENCY_KEY,
    REQUEST_LAST_EVENT_ID,
    REQUEST_LEASE_TOKEN,
    REQUEST_ORIGIN,
    REQUEST_SEC_FETCH_SITE,
    REQUEST_X_REQUEST_ID,
    REQUEST_HEADER_COUNT
};

#define EXCHANGE_REQUEST_ID_MAX 64
#define EXCHANGE_RESPONSE_HEADERS 6

struct route;
struct routes;
struct json_body;
struct json_patch;
struct entries_body;
struct import_body;

struct exchange {
    /* The request. Borrowed from the server until the response is sent. */
    enum method method;
    struct slice path;                          /* as sent, without the query */
    struct slice query;                         /* as sent, without the `?` */
    struct slice headers[REQUEST_HEADER_COUNT]; /* data NULL: absent; repeated ones joined by `,` */
    uint64_t content_length;
    bool has_chunked_body; /* its length is not known before its end */
    struct buffer body;    /* owned */
    char request_id[EXCHANGE_REQUEST_ID_MAX + 1];

    /* What the router found. */
    const struct routes *routes;
    const struct route *route; /* NULL: none */
    struct slice id_text;      /* the {id} or {name} of the path */

    /* The response. */
    int status; /* 0: none yet */
    const char *content_type;
    struct buffer response;        /* owned */
    struct slice fixed_response;   /* sent in place of `response` when its data is set; static */
    bool sends_snapshot;           /* the body is job.snapshot, in place of `response` */
    struct exchange_stream stream; /* in place of `response` when its `read` is set */
    bool close;                    /* the connection ends with this response */
    struct {
        const char *name;
        size_t value; /* offset of a NUL-terminated text in header_text */
    } response_headers[EXCHANGE_RESPONSE_HEADERS];
    size_t response_header_count;
    struct buffer header_text; /* owned */

    /* The work between the two halves of a route. */
    struct exchange_wait wait;
    struct store_job job;
    struct json_body *payload;    /* owned */
    struct json_patch *patch;     /* owned */
    struct entries_body *entries; /* owned */
    struct import_body *import;   /* owned */
    struct buffer query_text;     /* owned: decoded query values */
    struct buffer key_text;       /* owned: decoded Idempotency-Key */
    struct buffer kept_answer;    /* owned: what is kept under the key */
    size_t max_page_bytes;        /* of a list */
    size_t page_items;            /* in the page so far */
    size_t max_context_bytes;     /* that a merge may make */
};

/* Adds a response header; the value is copied. Aborts beyond EXCHANGE_RESPONSE_HEADERS: the number
 * depends on the code of the route only, never on a request or on stored data. */
void exchange_header(struct exchange *ex, const char *name, struct slice value);

/* Adds the headers of a stream or long poll: no proxy may keep it back or store it. nginx buffers
 * responses unless X-Accel-Buffering says no. */
void exchange_forbid_buffering(struct exchange *ex);

/* The value of response header i. */
const char *exchange_header_value(const struct exchange *ex, size_t i);

/* Drops everything that was answered so far, to answer something else. */
void exchange_restart(struct exchange *ex);

/* Frees what the exchange owns. */
void exchange_release(struct exchange *ex);

#endif
