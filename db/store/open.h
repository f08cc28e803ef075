/* Opens and closes the store. For the process that owns the store, not for its clients. */
#ifndef SESSIOND_DB_STORE_OPEN_H
#define SESSIOND_DB_STORE_OPEN_H

#include "db/store.h"

enum store_severity { STORE_INFO, STORE_WARNING, STORE_ERROR };

/* Callbacks for the operator's messages and for events. Called from any thread. */
struct store_observer {
    void *arg;
    void (*notice)(void *arg, enum store_severity severity, const char *event, const char *detail);

    /* A COMMIT or a checkpoint failed in a way that leaves the state of the file unknown. All jobs
     * have been completed and every further job fails. End the process without closing the
     * store. */
    void (*failed)(void *arg);

    /* A commit wrote events; `newest` is the highest id. Reads show them; no job of the commit has
     * been completed yet. Called on the writer thread: must not block. NULL: no callback. */
    void (*events)(void *arg, int64_t newest);
};

struct store_options {
    const char *path;           /* the database file; a missing folder is created */
    int readers;                /* limit of the threads that call the store's reads at once */
    int64_t read_limit_ms;      /* a read that takes longer is interrupted: ERROR_READ_TIMEOUT */
    size_t max_queue;           /* limit of the reserved jobs */
    int64_t max_forks;          /* limit of long forks in progress; above it: ERROR_QUEUE_FULL */
    int64_t max_client_forks;   /* the same limit for one client */
    int64_t key_ttl_us;         /* how long an idempotency key is kept */
    int64_t event_retention_us; /* how long an event is kept */
    /* limit of the kept events; exceeded by at most the events of a few seconds */
    int64_t max_events;
    int64_t max_consumers;    /* limit of the stored consumers; above it: ERROR_DATABASE_FULL */
    int64_t max_streams;      /* limit of the streams of a session; above it: ERROR_DATABASE_FULL */
    int64_t checkpoint_pages; /* number of WAL pages at which the writer checkpoints */
    /* age at which sessions are deleted, by reason; 0: never */
    int64_t retain_us[STORE_PURGE_REASONS];
    /* size at which writes that grow the database are rejected; 0: no limit */
    int64_t max_db_bytes;
    struct store_observer observer;

    /* Checks a context that another program wrote. Returns NULL when the text is valid, else a
     * malloc'ed text that replaces it in responses. The store frees it. Any thread. */
    char *(*fix_legacy_context)(struct slice text);

    /* Extracts the searchable text; NULL: search is off. The store rebuilds texts that were
     * extracted by another version. */
    store_extract_fn search_text;
    int search_rule;
};

/* Opens and migrates the database, and starts the threads. On failure no thread is left running and
 * the file is unchanged. `options` is copied; the strings it points to must live as long as the
 * store. The caller owns *out and closes it with store_close. Not thread-safe. */
MUST_USE bool store_open(const struct store_options *options, struct store **out,
                         struct error *err);

/* Completes an error that concerns the file at `path` and prevents the store from opening: appends
 * the file and the next step to the detail if they are missing. Returns false. Any thread. */
MUST_USE bool store_open_explain(const char *path, struct error *err);

/* From now on backups and long forks fail with ERROR_STOPPING, including those in progress. They
 * may take long, and ending them loses no data. Any thread. */
void store_reject_long_jobs(struct store *store);

/* Completes all submitted jobs, checkpoints and closes. `store` may be NULL. No other call may be
 * in progress. If the storage has failed, or fails now, the store calls the observer's `failed` and
 * closes and frees nothing: the process has to end. Not thread-safe. */
void store_close(struct store *store);

#endif
