/* A request in the HTTP server: its exchange, and the data for limits and logging. HTTP thread of
 * the connection. */
#ifndef SESSIOND_SERVICE_HTTP_REQUEST_H
#define SESSIOND_SERVICE_HTTP_REQUEST_H

#include "routes/core/exchange.h"
#include "service/app/log.h"
#include "service/auth/tokens.h"
#include "service/events/waiters.h"
#include "service/limits/quota.h"

#include <stdatomic.h>

struct request_ids {
    uint32_t process; /* random, constant for the process */
    atomic_uint_least64_t next;
};

enum request_phase {
    REQUEST_NEW,
    REQUEST_BODY,
    REQUEST_WHOLE,     /* complete; about to wait for its job or for an event */
    REQUEST_WAITING,   /* waits for its job */
    REQUEST_LISTENING, /* waits for an event */
    REQUEST_ANSWERED
};

struct request {
    struct exchange ex;
    enum request_phase phase;
    bool awaits_event;  /* in REQUEST_WHOLE: waits for an event, not for its job */
    int64_t began_us;   /* monotonic */
    size_t input_bytes; /* bytes of the response body */
    /* the client accepts a chunked response */
    bool chunked;
    bool streams; /* streaming response */
    int64_t streams_since_us;
    int64_t last_piece_us; /* when the last piece of the stream was made */
    bool is_endless;       /* the response is endless */
    bool is_waiting;       /* `waiter` is registered, or was until the connection was resumed */
    struct waiter waiter;
    char method[16];       /* as sent, truncated */
    const char *target_at; /* in libmicrohttpd's buffer; valid until the body arrives */
    struct buffer joined[REQUEST_HEADER_COUNT]; /* joined values of repeated headers */
    void *server;
    void *connection;
    struct tracked_connection *client; /* the tracked connection of the request; borrowed */
    struct quota *quota;               /* of the token or, without a token, of the address */
    /* units held of each kind; of bytes see memory_budget_bytes */
    bool holds[QUOTA_KINDS];
    bool over_quota;                     /* the quota rejected bytes, not the budget */
    uint64_t memory_budget_bytes;        /* bytes charged for its bodies */
    struct slice authority;              /* authority of an absolute target; data NULL: none */
    char token_name[TOKEN_NAME_MAX + 1]; /* empty: no token, or an unknown one */
    unsigned char token_digest[SHA256_BYTES];
    uint64_t token_generation; /* authorizer_generation() at the last authorization */
    char target[];             /* path and query as sent, NUL-terminated */
};

/* Initializes the id generator with a random process number. Aborts without random numbers. */
void request_ids_init(struct request_ids *ids);

/* Creates a request with a copy of `target`. The caller frees it with request_free(). */
struct request *request_new(const char *target);

/* Frees the request and its exchange. `request` may be NULL. */
void request_free(struct request *request);

/* Stores a header that routes use; ignores other headers. Borrows `value` unless the header is
 * repeated. */
void request_header(struct request *request, const char *name, const char *value);

/* Writes a new id of at most EXCHANGE_REQUEST_ID_MAX characters. Any thread. */
void request_make_id(struct request_ids *ids, char *id);

/* Returns the authority of the target, or the Host when the target has none (RFC 9112 §3.3).
 * Borrowed. */
struct slice request_authority(const struct request *request);

/* Wipes the credentials in libmicrohttpd's buffer, which may be reused for the response. */
void request_wipe_credentials(struct request *request);

/* Uses the client's X-Request-Id when it is 1 to 64 visible characters that are safe in a log;
 * otherwise creates an id. */
void request_identify(struct request *request, struct request_ids *ids);

/* Sets the method of the exchange; METHOD_OTHER when the method is unknown. */
void request_set_method(struct request *request, const char *method);

/* Logs the access line of a finished request. */
void request_log(const struct request *request, struct log *log, int64_t duration_us);

#endif
