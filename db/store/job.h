/*
 * The parameters and results of a job; db/store.h describes how to submit it. The submitter owns
 * the job and everything that the job points to. It must access neither from store_submit until
 * `done`, and releases the job afterwards with store_job_release.
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
    STORE_LEASE,    /* acquire, renew or steal */
    STORE_RELEASE,  /* releases a lease */
    STORE_RECOVER,  /* pauses the ACTIVE sessions of a crashed owner */
    STORE_RELOCATE, /* rewrites project paths */
    STORE_APPEND,   /* to a stream of a session */
    STORE_FORK,
    STORE_IMPORT,
    STORE_PROBE, /* checks that a write reaches the disk; commits at most once a second */
    STORE_CONSUMER_PUT,
    STORE_CONSUMER_DELETE,
    STORE_LIST,
    STORE_EVENTS,
    STORE_ENTRIES,
    STORE_SEARCH,
    STORE_BACKUP,    /* one at a time: ERROR_BACKUP_RUNNING */
    STORE_PURGE,     /* deletes a bounded number of expired sessions */
    STORE_RETENTION, /* reads what STORE_PURGE would delete now (dry run) */
};

/* Edits the stored context, in the write transaction. Must be pure and fast, and must not call the
 * store. On success *out is a malloc'ed text that the store frees. Returns false and sets *err on
 * failure. */
typedef bool (*store_context_edit)(void *arg, struct slice current, char **out, size_t *len,
                                   struct error *err);

struct store_job;
/* Called on a thread of the store before it copies that many stored bytes into the job. False fails
 * the job with ERROR_OVERLOADED. The admitted bytes are charged until the job is released. A job
 * that is executed again calls it again. */
typedef bool (*store_admit_fn)(struct store_job *job, size_t bytes);

struct store_job {
    enum store_operation operation;
    void (*done)(struct store_job *job);
    void *arg;       /* for the submitter */
    uint64_t client; /* the client that submitted the job; 0: unknown */

    /* In. STORE_CREATE writes the id; operations on one session read it. */
    char id[UUID_SIZE];
    struct slice project_path; /* CREATE, PUT; RELOCATE: the source folder */
    struct slice thread_id;    /* CREATE, PUT */
    struct slice context;      /* CREATE, PUT; UPDATE: data NULL keeps the stored one */
    /* CREATE: return the newest session with this path and thread that is not TERMINATED, if there
     * is one. */
    bool or_existing;
    store_context_edit edit; /* UPDATE: used instead of `context`; NULL: none */
    void *edit_arg;
    size_t edit_bytes;    /* length of the edit's input */
    store_admit_fn admit; /* NULL: no limit */
    void *admit_arg;
    /* FORK: whether the client has disconnected; NULL: never. Called on a thread of the store. */
    bool (*is_client_gone)(const struct store_job *job);
    bool has_status; /* UPDATE */
    enum session_status status;
    bool has_expected; /* UPDATE: the stored status must be `expected` */
    enum session_status expected;
    struct store_match match;      /* If-Match: UPDATE, DELETE, PUT */
    struct store_match none_match; /* If-None-Match: the same operations */
    struct store_fence fence;      /* UPDATE, DELETE, LEASE (renewal), RELEASE, APPEND */
    struct slice owner;            /* LEASE; RECOVER: data NULL: all sessions without a lease */
    int64_t ttl_ms;                /* LEASE */
    bool steal;                    /* LEASE */
    struct store_bulk bulk;        /* RECOVER, RELOCATE; also out */
    struct store_idempotency idempotency; /* any write */
    struct store_purge purge;             /* PURGE, RETENTION; also out */
    struct store_list_query query;        /* LIST */
    store_row_fn visit;                   /* LIST: called on a thread of the store */
    void *visit_arg;                      /* LIST, EVENTS */
    struct store_events_job events;
    struct store_consumer consumer;     /* CONSUMER_PUT, CONSUMER_DELETE */
    struct store_append append;         /* APPEND; also out */
    struct store_fork fork;             /* FORK */
    struct store_import import;         /* IMPORT; also out */
    struct store_entry_read entry_read; /* ENTRIES; also out */
    struct store_search search;         /* SEARCH; also out */

    /* Out. `session` is set on success, and when the stored session rejected the job. It is then
     * the stored session, without its context. Its slices point into the job's input or its
     * arena. */
    struct error error;
    struct session session;
    bool created; /* CREATE, PUT, CONSUMER_PUT: false when it existed already */
    struct store_page page;
    struct store_snapshot snapshot;    /* BACKUP */
    struct store_retention *retention; /* RETENTION: in the job's arena */
    /* Private to the store. */
    struct store_memory *memory;
    char *edited;
    struct store_existing existing; /* CREATE */
    struct store_job *next;
    uint64_t round; /* position in a struct fair_queue */
};

/* Frees everything that the store allocated for the job, and closes its snapshot. The job may then
 * be used again. Any thread, after `done`; never fails. */
void store_job_release(struct store_job *job);

#endif
