/* What recoveries and relocations have in common: the sessions of one page, found before any of
 * them is changed. Writer thread, inside its open transaction. */
#ifndef SESSIOND_DB_SQLITE_WRITE_BULK_H
#define SESSIOND_DB_SQLITE_WRITE_BULK_H

#include "db/sqlite/write/context.h"

/* Limit of the rows that a page reads, which takes about 10 ms. */
#define WRITE_BULK_ROWS 4096

/* A session that is to be changed; its texts are in the job's memory. */
struct bulk_row {
    struct session session;
    struct slice destination; /* RELOCATE: its project_path afterwards */
};

struct bulk_rows {
    struct store_job *job;
    struct bulk_row *all;
    size_t count;
    size_t bytes;  /* of their texts */
    size_t looked; /* rows that were read, added or not */
};

/* Refuses the job when no earlier page can have returned its place. */
bool write_bulk_check_place(const struct write_operations *ops, struct store_job *job);

/* Counts a row that was read. False when the page ends before it. */
bool write_bulk_count_row(struct bulk_rows *rows);

/* Takes the row on which `stmt` stands; its columns are WRITE_BULK_COLUMNS and, for a move, the
 * destination. False when the page is full: it ends before the row. */
bool write_bulk_add(struct bulk_rows *rows, sqlite3_stmt *stmt);

/* Charges the memory of the page to the client. False when the job is refused. */
bool write_bulk_admit(const struct bulk_rows *rows);

/* Puts the sessions into the job's result, as they are now, the oldest first. */
void write_bulk_answer(const struct bulk_rows *rows);

#endif
