/* The reads of events, on a leased reader. The visitor runs while the row is on the statement. */
#ifndef SESSIOND_DB_SQLITE_READ_EVENTS_H
#define SESSIOND_DB_SQLITE_READ_EVENTS_H

#include "db/sqlite/connection/reader_pool.h"
#include "db/store/events.h"

/* See store_events. A page costs the rows that it looks at, at most query->scan. */
MUST_USE bool read_events(struct reader *reader, const struct store_event_query *query,
                          store_event_fn visit, void *arg, struct store_event_page *page,
                          struct error *err);

/* See store_consumer. */
MUST_USE bool read_consumer(struct reader *reader, struct slice name, struct store_consumer *out,
                            struct error *err);

#endif
