/*
 * The event log. Each committed change of a session is one event, in commit order. This header has
 * the query, the result and the consumer offsets. Plain values.
 *
 * An event describes a change by reference: the old and new status, the range of entries, the
 * lease. It has no copy of the session. Events are kept for a limited time. The store records which
 * events have expired, so a reader with an expired cursor receives an error instead of an
 * incomplete page.
 */
#ifndef SESSIOND_DB_STORE_EVENTS_H
#define SESSIOND_DB_STORE_EVENTS_H

#include "db/store/list.h"

struct store;

/* Stored on disk: never renumber. */
enum store_event_type {
    EVENT_SESSION_CREATED = 1,
    EVENT_SESSION_UPDATED,
    EVENT_SESSION_TRANSITIONED, /* the status changed; the context may have changed, too */
    EVENT_SESSION_DELETED,
    EVENT_SESSION_RECOVERED,
    EVENT_SESSION_RELOCATED,
    EVENT_ENTRIES_APPENDED,
    EVENT_LEASE_GRANTED, /* a renewal is no change and has no event */
    EVENT_LEASE_RELEASED,
    EVENT_LEASE_EXPIRED,
    EVENT_LEASE_STOLEN,
    EVENT_TYPES
};

/* The name in the API: "session.created", … Static string. Any thread. */
const char *store_event_name(enum store_event_type type);

/* Parses an event name. False when the name is unknown; `type` is then unchanged. Any thread. */
MUST_USE bool store_event_parse(struct slice name, enum store_event_type *type);

struct store_event {
    int64_t id; /* increases in commit order; µs since 1970 by the writer's clock */
    enum store_event_type type;
    int64_t version; /* of the session after the change; SESSION_DELETED: its last version */
    struct slice session_id;
    struct slice thread_id;
    struct slice project_path; /* after the change */

    /* Members that do not apply have data NULL, or are 0. */
    /* the status before; RELOCATED: the path before; CREATED by a fork: the parent */
    struct slice from;
    struct slice to;      /* the status after, if it changed */
    bool context_changed; /* UPDATED, TRANSITIONED */
    struct slice stream;  /* APPENDED */
    int64_t first_seq;
    int64_t last_seq;
    struct slice lease_owner; /* LEASE_…; RECOVERED if it ended a lease */
    int64_t lease_token;
};

/* Receives one event; its slices are valid during the call. STOP rejects the event and ends the
 * page. */
typedef enum store_visit (*store_event_fn)(void *arg, const struct store_event *event);

struct store_event_query {
    int64_t after; /* oldest first, ids greater than this one; 0: from the oldest kept event */
    struct slice consumer; /* start at this consumer's offset instead of `after`; data NULL: none */
    bool timeline;         /* newest first, only events of the existing session session_id */
    int64_t before;        /* timeline: only ids below this one; 0: from the newest */
    unsigned types;        /* bit 1 << type for each wanted type; 0: any */
    struct slice session_id;   /* data NULL: any */
    struct slice thread_id;    /* data NULL: any */
    struct slice project_path; /* data NULL: any; matches the path before or after a move */
    int limit;                 /* events, at least 1 */
    int64_t scan;              /* rows to examine, at least 1: a page may be empty */
};

struct store_event_page {
    /* Nothing was visited: `after` is older than the oldest kept event, or newer than the newest
     * event. The latter happens after an older backup was restored. */
    bool gone;
    int64_t oldest; /* id of the oldest kept event; 0: none */
    int64_t newest; /* highest id ever assigned; 0: no event was ever written */
    int64_t last;   /* where the page ended: pass it as `after`, or `before`, of the next page */
    bool more;      /* rows follow that may match */
};

/* STORE_EVENTS: the parameters and results of store_events. */
struct store_events_job {
    struct store_event_query query;
    store_event_fn visit; /* called on a thread of the store, with the job's visit_arg */
    struct store_event_page page;
};

/* Reads one page of events and calls `visit` for each, on the caller's thread. Errors:
 * ERROR_NOT_FOUND (no such consumer, or no session for a timeline), and those of store_get. */
MUST_USE bool store_events(struct store *store, const struct store_event_query *query,
                           store_event_fn visit, void *arg, struct store_event_page *page,
                           struct error *err);

/* The highest event id that was committed; 0: no event was ever written. A read that begins after
 * this call shows that event's change. Any thread; one atomic load. */
int64_t store_newest_event(const struct store *store);

/* A consumer and its offset. STORE_CONSUMER_PUT and STORE_CONSUMER_DELETE have one in the job. */
struct store_consumer {
    struct slice name;
    int64_t after; /* id of the last event that the consumer has processed; 0: none */
    int64_t updated_us;
};

/* Reads the consumer `name` into *out, on the caller's thread. Errors: ERROR_NOT_FOUND (no such
 * consumer), and those of store_get. */
MUST_USE bool store_consumer(struct store *store, struct slice name, struct store_consumer *out,
                             struct error *err);

#endif
