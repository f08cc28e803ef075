/* Reads the streams and entries of a session on a leased reader. The visitor runs while the
 * statement stands on the row. The thread that leases the reader. */
#ifndef SESSIOND_DB_SQLITE_READ_ENTRIES_H
#define SESSIOND_DB_SQLITE_READ_ENTRIES_H

#include "db/sqlite/connection/reader_pool.h"
#include "db/store/entries.h"

/* See store_entries. Errors: ERROR_NOT_FOUND, ERROR_READ_TIMEOUT, ERROR_STORAGE_BUSY,
 * ERROR_INTERNAL. */
MUST_USE bool read_entries(struct reader *reader, const struct store_entry_query *query,
                           store_entry_fn visit, void *arg, struct store_entry_page *page,
                           struct error *err);

/* See store_streams. Errors: the same. */
MUST_USE bool read_streams(struct reader *reader, const char *id, struct slice after, int limit,
                           store_stream_fn visit, void *arg, bool *more, struct error *err);

#endif
