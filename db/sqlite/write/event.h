/* How operations record what they change: one row a change, in the transaction of the change.
 * Owned by the writer thread. */
#ifndef SESSIOND_DB_SQLITE_WRITE_EVENT_H
#define SESSIOND_DB_SQLITE_WRITE_EVENT_H

#include "db/sqlite/write/context.h"
#include "db/store/events.h"

/* An event of this session as it is after the change, at the time of the change (updated_us). Its
 * slices are the session's. */
struct store_event write_event_of(const struct session *session, enum store_event_type type);

/* Says that the status went from one to the other, if it is another. */
void write_event_status(struct store_event *event, enum session_status from,
                        enum session_status to);

/* Writes the event. Its id is the latest time that the clock gave, and no other event has it. */
MUST_USE bool write_event(struct write_operations *ops, const struct store_event *event,
                          struct error *err);

/* Removes some of the oldest events that are too old or too many, and keeps in mind which one was
 * the last. *more tells whether there may be others. */
MUST_USE bool write_event_expire(struct write_operations *ops, bool *more, struct error *err);

#endif
