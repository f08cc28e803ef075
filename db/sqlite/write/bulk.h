/* Code that recoveries and relocations share: a page collects its sessions before it changes any of
 * them. Writer thread, inside its open transaction. */
#ifndef SESSIOND_DB_SQLITE_WRITE_BULK_H
#define SESSIOND_DB_SQLITE_WRITE_BULK_H

#include "db/sqlite/write/context.h"

/* Limit of the rows that a page reads. Reading this many takes about 10 ms. */
#define WRITE_BULK_ROWS 4096

/* A session to change; its texts are in the job's arena. */
struct bulk_row {
    struct session session;
    struct slice destination; /* RELOCATE: its new project_path */
};

struct bulk_rows {
    struct store_job *job;
    struct bulk_row *all;
    size_t count;
    size_t bytes;     /* of their texts */
    size_t rows_read; /* rows that were read, added or not */
};

/* Validates the start position of the page. False fails the job with ERROR_INVALID_QUERY: no
 * earlier page can have returned the position. */
bool write_bulk_check_position(const struct write_operations *ops, struct store_job *job);

/* Counts a row that was read. False when the page must end before this row. */
bool write_bulk_count_row(struct bulk_rows *rows);

/* Adds the current row of `stmt`. Its columns are WRITE_BULK_COLUMNS and, for a relocation, the
 * destination. False when the page is full and must end before this row. */
bool write_bulk_add(struct bulk_rows *rows, sqlite3_stmt *stmt);

/* Charges the memory of the page to the client. False when the job was rejected. */
bool write_bulk_admit(const struct bulk_rows *rows);

/* Writes the sessions in their current state to the job's result, oldest first. */
void write_bulk_set_result(const struct bulk_rows *rows);

#endif
