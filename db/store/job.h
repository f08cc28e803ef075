/*
 * What a job asks of the store and what it answers; see db/store.h for how it is handed over. The
 * submitter owns a job and all it points to, leaves both alone from store_submit until `done`, and
 * releases the job afterwards.
 */
#ifndef SESSIOND_DB_STORE_JOB_H
#define SESSIOND_DB_STORE_JOB_H

#include "db/base/uuid.h"
#include "db/store/backup.h"
#include "db/store/bulk.h"
#include "db/store/entries.h"
#include "db/store/events.h"
#include "db/store/existing.h"
#include "db/store/fork.h"
#include "db/store/idempotency.h"
#include "db/store/import.h"
#include "db/store/list.h"
#include "db/store/preconditions.h"
#include "db/store/retention.h"
#include "db/store/search.h"

enum store_operation {
    STORE_CREATE,
    STORE_PUT,
    STORE_UPDATE,
    STORE_DELETE,
    STORE_LEASE,    /* grant, renew or steal */
    STORE_RELEASE,  /* of a lease */
    STORE_RECOVER,  /* pauses what a crashed owner left ACTIVE */
    STORE_RELOCATE, /* rewrites project paths */
    STORE_APPEND,   /* to a session's log */
    STORE_FORK,
    STORE_IMPORT,
    STORE_PROBE, /* shows that a write reaches the disk; commits at most once a second */
    STORE_CONSUMER_PUT,
    STORE_CONSUMER_DELETE,
    STORE_LIST,
    STORE_EVENTS,
    STORE_ENTRIES,
    STORE_SEARCH,
    STORE_BACKUP,    /* one at a time: ERROR_BACKUP_RUNNING */
    STORE_PURGE,     /* deletes some of what retention does not keep */
    STORE_RETENTION, /* tells what that would be; a read */
};

/* Makes a new context out of the stored one, in the write transaction: pure, quick, and no call
 * back into the store. Returns false and sets `err` when it cannot be done; else *out is a
 * malloc'ed text that the store frees. */
typedef bool (*store_context_edit)(void *arg, struct slice current, char **out, size_t *len,
                                   struct error *err);

struct store_job;
/* Asked before so many bytes that are stored are copied into the job, on the store's thread. False
 * refuses the job with ERROR_OVERLOADED. What was admitted stays until the job is released; a job
 * that is run anew asks anew. */
typedef bool (*store_admit_fn)(struct store_job *job, size_t bytes);

struct store_job {
    enum store_operation operation;
    void (*done)(struct store_job *job);
    void *arg;       /* the submitter's own */
    uint64_t client; /* whose job it is; 0: not known */

    /* In. STORE_CREATE makes the id; operations on one session take it. */
    char id[UUID_SIZE];
    struct slice project_path; /* CREATE, PUT; RELOCATE: the folder to move from */
    struct slice thread_id;    /* CREATE, PUT */
    struct slice context;      /* CREATE, PUT; UPDATE: data NULL leaves it */
    bool or_existing; /* CREATE: the newest session of these two that is not TERMINATED, if any */
    store_context_edit edit; /* UPDATE: in place of `context`; NULL for none */
    void *edit_arg;
    size_t edit_bytes;    /* of the text by which it edits */
    store_admit_fn admit; /* NULL: however much */
    void *admit_arg;
    bool (*has_left)(const struct store_job *job); /* FORK: the client has left; NULL: never */
    bool has_status;                               /* UPDATE */
    enum session_status status;
    bool has_expected; /* UPDATE: the status has to be `expected` */
    enum session_status expected;
    struct store_match match;      /* If-Match: UPDATE, DELETE, PUT */
    struct store_match none_match; /* If-None-Match: the same */
    struct store_fence fence;      /* UPDATE, DELETE, LEASE (to renew), RELEASE, APPEND */
    struct slice owner;            /* LEASE; RECOVER: data NULL for all that no lease protects */
    int64_t ttl_ms;                /* LEASE */
    bool steal;                    /* LEASE */
    struct store_bulk bulk;        /* RECOVER, RELOCATE; out, too */
    struct store_idempotency idempotency; /* any write */
    struct store_purge purge;             /* PURGE, RETENTION; out, too */
    struct store_list_query query;        /* LIST */
    store_row_fn visit;                   /* LIST: called on the store's thread */
    void *visit_arg;                      /* LIST, EVENTS */
    struct store_events_job events;
    struct store_consumer consumer;     /* CONSUMER_PUT, CONSUMER_DELETE */
    struct store_append append;         /* APPEND; out, too */
    struct store_fork fork;             /* FORK */
    struct store_import import;         /* IMPORT; out, too */
    struct store_entry_read entry_read; /* ENTRIES; out, too */
    struct store_search search;         /* SEARCH; out, too */

    /* Out. `session` is set on success, and also when what is stored refused the job: it is what
     * is stored (without its context). Its slices point into the job's own input or memory. */
    struct error error;
    struct session session;
    bool created; /* CREATE, PUT, CONSUMER_PUT: false when it was there already */
    struct store_page page;
    struct store_snapshot snapshot;    /* BACKUP */
    struct store_retention *retention; /* RETENTION: in the job's memory */
    /* The store's own. */
    struct store_memory *memory;
    char *edited;
    struct store_existing existing; /* CREATE */
    struct store_job *next;
    uint64_t round; /* in a struct fair_queue */
};

/* Frees what the store put into the job; the job may then be used again. */
void store_job_release(struct store_job *job);

#endif
