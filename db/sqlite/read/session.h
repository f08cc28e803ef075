/* Reads of sessions on a leased reader. The visitor runs while the statement stands on the row. The
 * thread that leases the reader. */
#ifndef SESSIOND_DB_SQLITE_READ_SESSION_H
#define SESSIOND_DB_SQLITE_READ_SESSION_H

#include "db/sqlite/connection/reader_pool.h"
#include "db/store.h"

/* See store_get. Errors: ERROR_NOT_FOUND, ERROR_READ_TIMEOUT, ERROR_STORAGE_BUSY,
 * ERROR_INTERNAL. */
MUST_USE bool read_get(struct reader *reader, const char *id, store_row_fn visit, void *arg,
                       struct error *err);

/* See store_list. Errors: the same without ERROR_NOT_FOUND. */
MUST_USE bool read_list(struct reader *reader, const struct store_list_query *query,
                        store_row_fn visit, void *arg, struct store_page *page, struct error *err);

#endif
