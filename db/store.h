/*
 * The storage contract. This header and db/store/job.h are all that routes/ knows of storage: typed
 * operations, plain structs and a completion callback. An engine implements this header.
 *
 * Reads (store_get, store_list) run on the caller's thread and show every write that was
 * acknowledged before they began. Writes, and lists that may take long, are jobs: reserve a place
 * in the queue, fill in a job, submit it. The store calls `done` once, on a thread of its own,
 * never from within store_submit. It calls a write's `done` after the write is on disk.
 */
#ifndef SESSIOND_DB_STORE_H
#define SESSIOND_DB_STORE_H

#include "db/store/job.h"

struct store; /* opened by store_open (db/store/open.h) */

/* Reads the session `id` and calls `visit` once, on the caller's thread, before it returns. At most
 * store_options.readers threads may read at once. Errors: ERROR_NOT_FOUND, ERROR_READ_TIMEOUT,
 * ERROR_STORAGE_BUSY, ERROR_INTERNAL. */
MUST_USE bool store_get(struct store *store, const char *id, store_row_fn visit, void *arg,
                        struct error *err);

/* Reads one page of sessions and calls `visit` for each, on the caller's thread, before it returns.
 * Sets *page. Errors: those of store_get without ERROR_NOT_FOUND. */
MUST_USE bool store_list(struct store *store, const struct store_list_query *query,
                         store_row_fn visit, void *arg, struct store_page *page, struct error *err);

/* Whether a change was committed within the last second. Such a commit proves that the disk accepts
 * writes, so a STORE_PROBE job would write nothing. Any thread. */
MUST_USE bool store_has_just_committed(const struct store *store);

/* Reserves a place in the queue for jobs of this operation. False when the queue is full: respond
 * with 503. store_submit uses up the reserved place. Any thread; never blocks. */
MUST_USE bool store_reserve(struct store *store, enum store_operation operation);

/* Submits a job for which a place was reserved. The caller keeps the ownership of the job, but must
 * not access it until `done` is called. Any thread; never blocks on the disk, never fails. */
void store_submit(struct store *store, struct store_job *job);

#endif
