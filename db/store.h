/*
 * The only door to storage. What stands here is all that routes/ knows of it: typed operations,
 * plain structs, a completion callback. A second engine implements this header.
 *
 * Reads (store_get, store_list) run on the caller's thread and show every write that was
 * acknowledged before they began. Writes, and lists that may take long, are jobs: reserve a
 * place, fill a job, submit it; `done` is called once, on a thread of the store, never from within
 * store_submit. A write's `done` comes after the write is on disk.
 */
#ifndef SESSIOND_DB_STORE_H
#define SESSIOND_DB_STORE_H

#include "db/id.h"
#include "db/session.h"
#include "db/store_snapshot.h"

/* As many versions as one If-Match may name. */
#define STORE_MATCH_MAX 32

struct store; /* db/store_open.h makes it */

enum store_visit { STORE_VISIT_NEXT, STORE_VISIT_STOP };

/* Gets one row; its slices are valid during the call. STOP refuses the row and ends the list. */
typedef enum store_visit (*store_visitor)(void *arg, const struct session *session);

struct store_list_query {
    struct slice thread_id;    /* data NULL: any */
    struct slice project_path; /* data NULL: any */
    unsigned statuses;         /* bit 1 << status for each that is wanted; 0: any */
    int64_t after;             /* the seq of the last row of the page before; 0: first page */
    int limit;                 /* rows, at least 1 */
    bool ascending;            /* oldest first */
    bool with_context;
};

struct store_page {
    int64_t last; /* the seq of the last row that was taken */
    bool more;    /* rows are left behind it */
};

/* Visits the session once. ERROR_NOT_FOUND when there is none. */
MUST_USE bool store_get(struct store *store, const char *id, store_visitor visit, void *arg,
                        struct error *err);

MUST_USE bool store_list(struct store *store, const struct store_list_query *query,
                         store_visitor visit, void *arg, struct store_page *page,
                         struct error *err);

enum store_operation {
    STORE_CREATE,
    STORE_PUT,
    STORE_UPDATE,
    STORE_DELETE,
    STORE_PROBE, /* commits a change of no consequence: shows that a write reaches the disk */
    STORE_LIST,
    STORE_BACKUP, /* one at a time: ERROR_BACKUP_RUNNING */
};

/* If-Match. The writer compares in the transaction that changes the row. */
struct store_match {
    bool present;
    bool any; /* `*` */
    size_t count;
    int64_t versions[STORE_MATCH_MAX];
};

/* Makes a new context out of the stored one, in the write transaction: pure, quick, and no call
 * back into the store. Returns false and sets `err` when it cannot be done; else *out is a
 * malloc'ed text that the store frees. */
typedef bool (*store_context_edit)(void *arg, struct slice current, char **out, size_t *len,
                                   struct error *err);

/* What a job asks and what it answers. The submitter owns it and all it points to, leaves both
 * alone from store_submit until `done`, and releases it afterwards. */
struct store_job {
    enum store_operation operation;
    void (*done)(struct store_job *job);
    void *arg; /* the submitter's own */

    /* In. STORE_CREATE makes the id; the others take it. */
    char id[ID_SIZE];
    struct slice project_path; /* CREATE, PUT */
    struct slice thread_id;    /* CREATE, PUT */
    struct slice context;      /* CREATE, PUT; UPDATE: data NULL leaves it */
    store_context_edit edit;   /* UPDATE: in place of `context`; NULL for none */
    void *edit_arg;
    bool has_status; /* UPDATE */
    enum session_status status;
    struct store_match match;      /* UPDATE, DELETE */
    struct store_list_query query; /* LIST */
    store_visitor visit;           /* LIST: called on the store's thread */
    void *visit_arg;

    /* Out. `session` is set on success, and also when the error is INVALID_TRANSITION,
     * PRECONDITION_FAILED or SESSION_EXISTS: it is what is stored (without its context). Its slices
     * point into the job's own input or memory. */
    struct error error;
    struct session session;
    bool created; /* PUT: false when the same session was there already */
    struct store_page page;
    struct store_snapshot snapshot; /* BACKUP */

    /* The store's own. */
    char *memory;
    char *edited;
    struct store_job *next;
};

/* Takes a place in the queue of such jobs. False when it is full: answer 503. A taken place is
 * used up by store_submit. Never blocks. */
MUST_USE bool store_reserve(struct store *store, enum store_operation operation);

/* Hands over a job whose place was reserved. Any thread; never blocks on the disk, never fails. */
void store_submit(struct store *store, struct store_job *job);

/* Frees what the store put into the job; the job may then be used again. */
void store_job_release(struct store_job *job);

#endif
