/*
 * The only door to storage. What stands here and in db/store/job.h is all that routes/ knows of it:
 * typed operations, plain structs, a completion callback. A second engine implements this header.
 *
 * Reads (store_get, store_list) run on the caller's thread and show every write that was
 * acknowledged before they began. Writes, and lists that may take long, are jobs: reserve a
 * place, fill a job, submit it; `done` is called once, on a thread of the store, never from within
 * store_submit. A write's `done` comes after the write is on disk.
 */
#ifndef SESSIOND_DB_STORE_H
#define SESSIOND_DB_STORE_H

#include "db/store/job.h"

struct store; /* db/store/open.h makes it */

/* Visits the session once. ERROR_NOT_FOUND when there is none. */
MUST_USE bool store_get(struct store *store, const char *id, store_row_fn visit, void *arg,
                        struct error *err);

MUST_USE bool store_list(struct store *store, const struct store_list_query *query,
                         store_row_fn visit, void *arg, struct store_page *page, struct error *err);

/* Whether a change was committed within the last second: the disk takes writes, and a probe would
 * write nothing. Any thread. */
MUST_USE bool store_has_just_committed(const struct store *store);

/* Takes a place in the queue of such jobs. False when it is full: answer 503. A taken place is
 * used up by store_submit. Never blocks. */
MUST_USE bool store_reserve(struct store *store, enum store_operation operation);

/* Hands over a job whose place was reserved. Any thread; never blocks on the disk, never fails. */
void store_submit(struct store *store, struct store_job *job);

#endif
