/* Records changes as events: one row per change, in the transaction of the change. Writer thread,
 * inside its open transaction. */
#ifndef SESSIOND_DB_SQLITE_WRITE_EVENT_H
#define SESSIOND_DB_SQLITE_WRITE_EVENT_H

#include "db/sqlite/write/context.h"
#include "db/store/events.h"

/* Returns an event of this session in its state after the change, at the time of the change
 * (updated_us). Its slices are borrowed from the session. */
struct store_event write_event_make(const struct session *session, enum store_event_type type);

/* Sets the event's old and new status if they differ. */
void write_event_status(struct store_event *event, enum session_status from,
                        enum session_status to);

/* Writes the event. Its id must be the last time from the clock, which no other event has. */
MUST_USE bool write_event(struct write_operations *ops, const struct store_event *event,
                          struct error *err);

/* Removes some of the oldest events that exceed the age or number limit, and stores the id of the
 * last removed event. *more: there may be others. */
MUST_USE bool write_event_expire(struct write_operations *ops, bool *more, struct error *err);

#endif
