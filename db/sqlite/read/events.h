/* Reads events on a leased reader. The visitor runs while the statement stands on the row. The
 * thread that leases the reader. */
#ifndef SESSIOND_DB_SQLITE_READ_EVENTS_H
#define SESSIOND_DB_SQLITE_READ_EVENTS_H

#include "db/sqlite/connection/reader_pool.h"
#include "db/store/events.h"

/* See store_events. The cost is proportional to the examined rows, at most query->scan. Errors:
 * ERROR_NOT_FOUND, ERROR_READ_TIMEOUT, ERROR_STORAGE_BUSY, ERROR_INTERNAL. */
MUST_USE bool read_events(struct reader *reader, const struct store_event_query *query,
                          store_event_fn visit, void *arg, struct store_event_page *page,
                          struct error *err);

/* See store_consumer. Errors: the same. */
MUST_USE bool read_consumer(struct reader *reader, struct slice name, struct store_consumer *out,
                            struct error *err);

#endif
