/*
 * Sessions that another program wrote: the whole file of the Python SessionManager at the first
 * start, single rows of it later. All of it runs in the caller's transaction, at start.
 */
#ifndef SESSIOND_DB_SQLITE_FILE_LEGACY_IMPORT_H
#define SESSIOND_DB_SQLITE_FILE_LEGACY_IMPORT_H

#include "db/sqlite/connection/session_row.h"
#include "db/store/open.h"

/* The sessions whose context was replaced. All zero: none. */
struct legacy_replaced {
    char (*ids)[UUID_LENGTH];
    size_t count;
    size_t capacity;
};

/* Refuses a file in which the adoption would lose or break something, naming it: columns that
 * sessiond does not know; views, triggers and virtual tables, whose texts may speak of the table;
 * tables that refer to it. Other tables stay as they are. */
MUST_USE bool legacy_check(sqlite3 *db, struct error *err);

/* Renames the foreign table and drops its indexes, so that the schema can be made. */
MUST_USE bool legacy_rename_table(sqlite3 *db, struct error *err);

/* The Python program makes its indexes at its own start, if they are missing; of those, one is of
 * no use here and would be paid for with every write. */
MUST_USE bool legacy_drop_recreated_index(sqlite3 *db, struct error *err);

/* Moves the rows over in the order of (created_at, rowid); their times stay as they are. */
MUST_USE bool legacy_copy_rows(sqlite3 *db, struct error *err);

/* Checks each row that is not adopted yet. One that could not be served (an id that is no UUID, a
 * status or time that is not valid) fails the whole, naming it. Notes in *replaced which contexts
 * `adopter` has replaced. The writer's clock is made to go on from the newest time. */
MUST_USE bool legacy_import_rows(sqlite3 *db, session_context_fix adopter,
                                 struct legacy_replaced *replaced, struct error *err);

/* `id` has UUID_LENGTH bytes. */
void legacy_note_replaced(struct legacy_replaced *replaced, struct slice id);

/* After COMMIT: tells the observer of each. */
void legacy_log_replaced(const struct legacy_replaced *replaced,
                         const struct store_observer *observer);

void legacy_release(struct legacy_replaced *replaced);

#endif
