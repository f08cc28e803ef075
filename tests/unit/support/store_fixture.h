/* A store in a folder of its own, and jobs that are waited for. */
#ifndef SESSIOND_TESTS_STORE_FIXTURE_H
#define SESSIOND_TESTS_STORE_FIXTURE_H

#include "db/store/open.h"

struct store_fixture {
    char folder[64];
    char path[96];
    struct store_options options; /* may be changed before the store is opened */
    struct store *store;
    char notices[4096]; /* "event: detail", one a line */
    int failures;
    struct store *abandoned;
};

void fixture_init(struct store_fixture *fixture);  /* an empty folder, no store yet */
void fixture_start(struct store_fixture *fixture); /* that, and a store is open */
void fixture_start_on_faulty_disk(struct store_fixture *fixture); /* that, on faulty_vfs.h */
void fixture_release(struct store_fixture *fixture); /* heals faulty_vfs.h, closes and removes */

bool fixture_open(struct store_fixture *fixture, struct error *err);
void fixture_close(struct store_fixture *fixture);

/* Ends a store whose storage has failed: its memory stays as it is, as in a process that ends. */
void fixture_abandon(struct store_fixture *fixture);

/* Submits and waits. The caller releases the job. */
void fixture_run(struct store_fixture *fixture, struct store_job *job);

/* Submits several at once, so that they may become one batch, and waits for all. */
void fixture_run_all(struct store_fixture *fixture, struct store_job *jobs, size_t count);

/* Creates a session and returns its id and seq. */
int64_t fixture_create(struct store_fixture *fixture, const char *project_path,
                       const char *thread_id, const char *context, char id[UUID_SIZE]);

/* Sets status and, unless NULL, context. Returns the kind of the error, if any. */
enum error_kind fixture_update(struct store_fixture *fixture, const char *id,
                               const enum session_status *status, const char *context);

/* Runs SQL on the file with a connection of its own; returns the first value as a text (malloc'ed)
 * or NULL. Fails the test when SQLite does. */
char *fixture_sql(struct store_fixture *fixture, const char *sql);

/* Expects this first value of it; "NULL" for none. */
void fixture_expect(struct store_fixture *fixture, const char *sql, const char *wanted);

#endif
