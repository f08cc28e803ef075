/* Garbage collection of the entries of deleted sessions, which may be millions, in small steps.
 * Writer thread, inside its open transaction. */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_ENTRY_GC_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_ENTRY_GC_H

#include "db/sqlite/write/context.h"

/* Deletes entries of orphaned streams for about a millisecond. *more: others are left. */
MUST_USE bool entry_gc_step(struct write_operations *ops, bool *more, struct error *err);

#endif
