/*
 * One HTTP request and its response as plain data. routes/ sees nothing else of HTTP. The server
 * fills the request members and sends the response; a route fills the response members.
 *
 * Threads: one at a time. The connection's HTTP thread uses the exchange, except from a job's
 * submission to its completion: then the store's thread that runs the job uses it.
 * Errors: none of these functions fails; when memory runs out, the process aborts.
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

/* The request headers that routes or the authorization read. */
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
    /* The request. Slices are borrowed from the server until the response is sent. */
    enum method method;
    struct slice path;                          /* as sent, without the query */
    struct slice query;                         /* as sent, without the `?` */
    struct slice headers[REQUEST_HEADER_COUNT]; /* data NULL: absent; repeated: joined by `,` */
    uint64_t content_length;                    /* bytes; 0 without the header */
    bool has_chunked_body; /* the length of the body is unknown until its end */
    struct buffer body;    /* owned */
    char request_id[EXCHANGE_REQUEST_ID_MAX + 1];

    /* Set by the router. */
    const struct routes *routes;
    const struct route *route; /* NULL: no route matches */
    struct slice id_text;      /* the {id} or {name} in the path; data NULL: the path has none */

    /* The response. */
    int status;                    /* 0: no response yet */
    const char *content_type;      /* static; NULL: no Content-Type */
    struct buffer response;        /* owned */
    struct slice fixed_response;   /* static; if its data is set, sent instead of `response` */
    bool sends_snapshot;           /* the body is job.snapshot instead of `response` */
    struct exchange_stream stream; /* if its `read` is set, sent instead of `response` */
    bool close;                    /* the connection closes after this response */
    struct {
        const char *name; /* static */
        size_t value;     /* offset of a NUL-terminated text in header_text */
    } response_headers[EXCHANGE_RESPONSE_HEADERS];
    size_t response_header_count;
    struct buffer header_text; /* owned */

    /* State of a route between `begin` and `finish`. */
    struct exchange_wait wait;
    struct store_job job;
    struct json_body *payload;         /* owned */
    struct json_patch *patch;          /* owned */
    struct entries_body *entries;      /* owned */
    struct import_body *import;        /* owned */
    struct buffer query_text;          /* owned: decoded query values */
    struct buffer key_text;            /* owned: decoded Idempotency-Key */
    struct buffer serialized_response; /* owned: the serialized response to store under the key */
    size_t max_page_bytes;             /* limit of a list's response body */
    size_t page_items;                 /* items in the page so far */
    size_t max_context_bytes;          /* limit of a merged context */
};

/* Adds a response header. `name` is static, `value` is copied. Aborts beyond
 * EXCHANGE_RESPONSE_HEADERS: the number of headers depends only on the route's code, never on a
 * request or on stored data. */
void exchange_add_header(struct exchange *ex, const char *name, struct slice value);

/* Adds headers that forbid proxies to store or buffer a stream or a long poll. nginx buffers
 * responses unless X-Accel-Buffering is `no`. */
void exchange_forbid_buffering(struct exchange *ex);

/* The value of response header i, below response_header_count: NUL-terminated, borrowed until the
 * next header is added. */
const char *exchange_header_value(const struct exchange *ex, size_t i);

/* Discards the response so that another one can be written: status, headers, body and stream. */
void exchange_discard_response(struct exchange *ex);

/* Frees all that the exchange owns, the job's memory included. */
void exchange_release(struct exchange *ex);

#endif
