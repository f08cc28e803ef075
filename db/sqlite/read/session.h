/* The two reads, on a leased reader. The visitor runs while the row is on the statement. */
#ifndef SESSIOND_DB_SQLITE_READ_SESSION_H
#define SESSIOND_DB_SQLITE_READ_SESSION_H

#include "db/sqlite/connection/reader_pool.h"
#include "db/store.h"

MUST_USE bool read_get(struct reader *reader, const char *id, store_row_fn visit, void *arg,
                       struct error *err);

MUST_USE bool read_list(struct reader *reader, const struct store_list_query *query,
                        store_row_fn visit, void *arg, struct store_page *page, struct error *err);

#endif
