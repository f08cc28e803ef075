/* What recoveries and relocations have in common: the sessions of one page, found before any of
 * them is changed. Writer thread, inside its open transaction. */
#ifndef SESSIOND_DB_SQLITE_WRITE_BULK_H
#define SESSIOND_DB_SQLITE_WRITE_BULK_H

#include "db/sqlite/write/context.h"

/* Limit of the rows that a page reads, which takes about 10 ms. */
#define WRITE_MANY_ROWS 4096

/* A session that is to be changed; its texts are in the job's memory. */
struct many_row {
    struct session session;
    struct slice destination; /* RELOCATE: its project_path afterwards */
};

struct many_rows {
    struct store_job *job;
    struct many_row *all;
    size_t count;
    size_t bytes;  /* of their texts */
    size_t looked; /* rows that were read, added or not */
};

/* Refuses the job when no earlier page can have returned its place. */
bool write_many_check_place(const struct write_operations *ops, struct store_job *job);

/* Counts a row that was read. False when the page ends before it. */
bool write_many_looks_on(struct many_rows *rows);

/* Takes the row on which `stmt` stands; its columns are WRITE_MANY_COLUMNS and, for a move, the
 * destination. False when the page is full: it ends before the row. */
bool write_many_add(struct many_rows *rows, sqlite3_stmt *stmt);

/* Charges the memory of the page to the client. False when the job is refused. */
bool write_many_admit(const struct many_rows *rows);

/* Puts the sessions into the job's result, as they are now, the oldest first. */
void write_many_answer(const struct many_rows *rows);

#endif
