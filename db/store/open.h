/* Starting and ending the store: for the process that owns it, not for those who use it. */
#ifndef SESSIOND_DB_STORE_OPEN_H
#define SESSIOND_DB_STORE_OPEN_H

#include "db/store.h"

enum store_severity { STORE_INFO, STORE_WARNING, STORE_ERROR };

/* Where the store puts what an operator should know. Called from any thread. */
struct store_observer {
    void *arg;
    void (*notice)(void *arg, enum store_severity severity, const char *event, const char *detail);

    /* A COMMIT or a checkpoint failed in a way that leaves the file's state unknown. All jobs have
     * been answered and no further one will succeed: end the process, without closing the store. */
    void (*failed)(void *arg);

    /* A commit wrote events, this the newest; reads show them, and nobody has been answered yet.
     * The writer's thread: must not block. NULL: nobody wants to know. */
    void (*events)(void *arg, int64_t newest);
};

struct store_options {
    const char *path;           /* the database file; its folder is made when missing */
    int readers;                /* threads that may call store_get/store_list at once */
    int64_t read_limit_ms;      /* a read that takes longer is ended: ERROR_READ_TIMEOUT */
    size_t max_queue;           /* jobs reserved at once */
    int64_t max_forks;          /* long forks in progress; a further one: ERROR_QUEUE_FULL */
    int64_t max_client_forks;   /* the same for one client */
    int64_t key_ttl_us;         /* how long an Idempotency-Key is remembered */
    int64_t event_retention_us; /* how long an event is kept */
    int64_t max_events;         /* that are kept, the newest, give or take those of some seconds */
    int64_t max_consumers;      /* that are stored; a further one: ERROR_DATABASE_FULL */
    int64_t max_streams;        /* of a session, for an append that makes one: the same */
    int64_t checkpoint_pages;   /* write-ahead log pages that make the writer checkpoint */
    int64_t retain_us[STORE_PURGE_REASONS]; /* when sessions are deleted by themselves; 0: never */
    int64_t max_db_bytes; /* from which on the database does not grow any more; 0: no limit */
    struct store_observer observer;

    /* Asked about a context that another program wrote. Returns NULL when the text may be served
     * as it is, else a malloc'ed text that takes its place. */
    char *(*fix_legacy_context)(struct slice text);

    /* What is searched; NULL: search is off. Texts that were made by a rule of another number are
     * made anew. */
    store_extract_fn search_text;
    int search_rule;
};

/* Opens, migrates and starts the threads. On failure nothing is left running and the file is as
 * it was. `options` is copied; the strings it points to must live as long as the store. */
MUST_USE bool store_open(const struct store_options *options, struct store **out,
                         struct error *err);

/* For an error that concerns the file at `path` and keeps the store from opening: adds the file and
 * the next step to its detail where it does not name them. Returns false. */
MUST_USE bool store_open_explain(const char *path, struct error *err);

/* From now on backups and long forks end with ERROR_STOPPING, those under way included: they may
 * take long, and nothing is lost with them. Any thread. */
void store_refuse_long_jobs(struct store *store);

/* Finishes all submitted jobs, checkpoints and closes. No call may be under way. When the storage
 * has failed, or does so now, of which the observer is told, nothing is closed or freed: the
 * process has to end. */
void store_close(struct store *store);

#endif
