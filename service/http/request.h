/* One request on its way through the server: its exchange, and what logging needs of it. */
#ifndef SESSIOND_SERVICE_HTTP_REQUEST_H
#define SESSIOND_SERVICE_HTTP_REQUEST_H

#include "routes/core/exchange.h"
#include "service/app/log.h"
#include "service/auth/tokens.h"
#include "service/events/waiters.h"
#include "service/limits/quota.h"

#include <stdatomic.h>

struct request_ids {
    uint32_t process; /* random, one a process */
    atomic_uint_least64_t next;
};

enum request_phase {
    REQUEST_NEW,
    REQUEST_BODY,
    REQUEST_WHOLE,     /* about to wait for its job or for an event */
    REQUEST_WAITING,   /* for its job */
    REQUEST_LISTENING, /* for an event */
    REQUEST_ANSWERED
};

struct request {
    struct exchange ex;
    enum request_phase phase;
    bool awaits_event; /* of REQUEST_WHOLE: an event, not its job */
    int64_t began_us;  /* monotonic */
    size_t sent_bytes; /* of the response's body */
    bool chunked;      /* the client takes a body of unknown length on a connection that stays */
    bool streams;      /* the response is made while it is sent */
    int64_t streams_since_us;
    int64_t last_piece_us; /* when the last piece of the stream was made */
    bool is_endless;       /* and has no end of its own */
    bool is_waiting;       /* `waiter` is, or was until the connection was resumed */
    struct waiter waiter;
    char method[16];       /* as sent, cut */
    const char *target_at; /* in libmicrohttpd's memory, until the body comes */
    struct buffer joined[REQUEST_HEADER_COUNT]; /* headers that came more than once */
    void *server;
    void *connection;
    struct tracked_connection *client;   /* at the other end of the connection */
    struct quota *quota;                 /* of the token, or without one of the address */
    bool holds[QUOTA_KINDS];             /* one of this kind is held; bytes: memory_budget_bytes */
    bool over_quota;                     /* bytes were refused by the quota, not by the budget */
    uint64_t memory_budget_bytes;        /* charged for its bodies */
    struct slice authority;              /* of a target that has one */
    char token_name[TOKEN_NAME_MAX + 1]; /* empty: no token, or none that is known */
    unsigned char token_digest[SHA256_BYTES];
    uint64_t token_generation; /* authorizer_generation when the request was last authorized */
    char target[];             /* path and query as sent, NUL-terminated */
};

void request_ids_init(struct request_ids *ids);

/* `target` is copied. */
struct request *request_new(const char *target);
void request_free(struct request *request);

/* Takes a header that a route may ask for; others are passed over. */
void request_header(struct request *request, const char *name, const char *value);

/* Makes an id of at most EXCHANGE_REQUEST_ID_MAX characters. Any thread. */
void request_make_id(struct request_ids *ids, char *id);

/* Which server the request names: the authority of its target, else its Host (RFC 9112 §3.3). */
struct slice request_authority(const struct request *request);

/* Overwrites the credentials where they were received, since that memory may be used again for what
 * is sent. */
void request_wipe_credentials(struct request *request);

/* Takes over the client's X-Request-Id where it is 1 to 64 visible characters that are safe in a
 * log, else makes one. */
void request_identify(struct request *request, struct request_ids *ids);

void request_set_method(struct request *request, const char *method);

/* Adds the access line of a finished request. */
void request_log(const struct request *request, struct log *log, int64_t duration_us);

#endif
