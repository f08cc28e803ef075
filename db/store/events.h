/*
 * The events: each committed change of a session is one, in the order of the commits. What a query
 * asks, how events come back, and where readers keep their place. Plain values.
 *
 * An event says what changed by reference (from what to what, which entries, whose lease); the
 * session itself is where it always was. Events are kept for a time: what was removed is known, so
 * a reader is told that it missed something instead of being given less.
 */
#ifndef SESSIOND_DB_STORE_EVENTS_H
#define SESSIOND_DB_STORE_EVENTS_H

#include "db/store/list.h"

struct store;

/* The numbers are those in the file. */
enum store_event_type {
    EVENT_SESSION_CREATED = 1,
    EVENT_SESSION_UPDATED,
    EVENT_SESSION_TRANSITIONED, /* the status changed, and perhaps the context */
    EVENT_SESSION_DELETED,
    EVENT_SESSION_RECOVERED,
    EVENT_SESSION_RELOCATED,
    EVENT_ENTRIES_APPENDED,
    EVENT_LEASE_GRANTED, /* a renewal is no change, so there is no event of one */
    EVENT_LEASE_RELEASED,
    EVENT_LEASE_EXPIRED,
    EVENT_LEASE_STOLEN,
    EVENT_TYPES
};

/* As sent: "session.created", … */
const char *store_event_name(enum store_event_type type);

/* False, and `type` untouched, when `name` is none of them. */
MUST_USE bool store_event_parse(struct slice name, enum store_event_type *type);

struct store_event {
    int64_t id; /* grows in the order of commits; µs since 1970, by the writer's clock */
    enum store_event_type type;
    int64_t version; /* the session's after the change; of one that was deleted, its last */
    struct slice session_id;
    struct slice thread_id;
    struct slice project_path; /* after the change */

    /* What does not apply has data NULL, or is 0. */
    struct slice from; /* the status before; RELOCATED: the path; CREATED by a fork: the parent */
    struct slice to;   /* the status after, when it is another */
    bool context_changed; /* UPDATED, TRANSITIONED */
    struct slice stream;  /* APPENDED */
    int64_t first_seq;
    int64_t last_seq;
    struct slice lease_owner; /* LEASE_…; RECOVERED when a lease ended with it */
    int64_t lease_token;
};

/* Gets one event; its slices are valid during the call. STOP refuses it and ends the page. */
typedef enum store_visit (*store_event_fn)(void *arg, const struct store_event *event);

struct store_event_query {
    int64_t after;             /* oldest first, behind this id; 0: from the oldest that is kept */
    struct slice consumer;     /* in place of `after`: from where this reader is; data NULL: none */
    bool timeline;             /* newest first, of the session that is there now as session_id */
    int64_t before;            /* timeline: only below this id; 0: from the newest */
    unsigned types;            /* bit 1 << type for each that is wanted; 0: any */
    struct slice session_id;   /* data NULL: any, as below */
    struct slice thread_id;    /*  */
    struct slice project_path; /* of an event that left the path, or came to it, too */
    int limit;                 /* events, at least 1 */
    int64_t scan;              /* rows that are looked at, at least 1: a page may be empty */
};

struct store_event_page {
    bool gone;      /* nothing was visited: `after` lies before what is kept, or behind the newest,
                       as it does after an older backup was put in the database's place */
    int64_t oldest; /* that is kept; 0: none is */
    int64_t newest; /* that there was, kept or not; 0: there never was one */
    int64_t last;   /* how far the page got: the next one's `after`, or `before` */
    bool more;      /* rows are left behind it, of which some may be asked for */
};

/* STORE_EVENTS: what store_events takes and gives, as a job. */
struct store_events_job {
    struct store_event_query query;
    store_event_fn visit; /* called on the store's thread, with the job's visit_arg */
    struct store_event_page page;
};

/* One page of events, on the caller's thread. ERROR_NOT_FOUND when there is no such consumer, or no
 * session for a timeline. */
MUST_USE bool store_events(struct store *store, const struct store_event_query *query,
                           store_event_fn visit, void *arg, struct store_event_page *page,
                           struct error *err);

/* The id of the newest event that was committed, kept or not; 0: there never was one. What a read
 * shows that begins afterwards is not older. Any thread, cheap. */
int64_t store_newest_event(const struct store *store);

/* A reader's place. STORE_CONSUMER_PUT and STORE_CONSUMER_DELETE take it in a job. */
struct store_consumer {
    struct slice name;
    int64_t after; /* the last event that it is done with; 0: none */
    int64_t updated_us;
};

/* Reads the place of the consumer `name` into *out, on the caller's thread. ERROR_NOT_FOUND when
 * there is none. */
MUST_USE bool store_consumer(struct store *store, struct slice name, struct store_consumer *out,
                             struct error *err);

#endif
