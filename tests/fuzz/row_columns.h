/* The columns of the database that tests/fuzz/row_program.h changes. */
#ifndef SESSIOND_TESTS_ROW_COLUMNS_H
#define SESSIOND_TESTS_ROW_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

struct row_column {
    const char *table;
    const char *name;
    const char *key; /* tells the rows apart; NULL: their rowid */
    bool is_rowid;   /* another name of the rowid */
};

/* A new column is added at the end, so that the seeds keep their meaning. Columns of one table need
 * not be neighbours. */
extern const struct row_column row_columns[];
extern const size_t row_column_count;

#endif
