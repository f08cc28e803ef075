/* What a deleted session leaves behind: its entries, which may be millions, go in small steps.
 * Writer thread, inside its open transaction. */
#ifndef SESSIOND_DB_SQLITE_MAINTENANCE_ENTRY_GC_H
#define SESSIOND_DB_SQLITE_MAINTENANCE_ENTRY_GC_H

#include "db/sqlite/write/context.h"

/* Deletes entries of discarded streams for a millisecond. *more: there are others left. */
MUST_USE bool entry_gc_step(struct write_operations *ops, bool *more, struct error *err);

#endif
