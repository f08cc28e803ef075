/* The values of tests/fuzz/row_program.h. */
#ifndef SESSIOND_TESTS_ROW_VALUE_H
#define SESSIOND_TESTS_ROW_VALUE_H

#include "db/base/slice.h"
#include "tests/fuzz/row_columns.h"

#include <sqlite3.h>
#include <stdint.h>

/* What bytes of the program a value has. */
enum row_value_kind {
    ROW_NULL,
    ROW_INTEGER,      /* length, at most 8 bytes */
    ROW_NAMED_NUMBER, /* an index of numbers that are likely to be at an edge */
    ROW_REAL,         /* 8 bytes */
    ROW_TEXT,         /* length, bytes */
    ROW_BLOB,         /* length, bytes */
    ROW_REPEATED,     /* times / 256, length, bytes: a text */
    ROW_EDITED,       /* offset, byte: the stored value with another byte */
    ROW_CUT,          /* offset: the stored value up to there */
    ROW_ADDED,        /* a signed byte: the stored number plus that */
    ROW_COPIED,       /* column, row: the value of another cell */
    ROW_VALUE_KINDS
};

struct row_value {
    int type; /* SQLITE_NULL, … */
    int64_t integer;
    double real;
    char *bytes; /* malloc'ed */
    size_t len;
};

/* A column of a row, by the place of the row in the order of the table's key. */
struct row_cell {
    const struct row_column *column;
    int64_t row;
};

/* Takes a column and a row of its table from the program. False when the table has none. */
bool row_take_cell(sqlite3 *db, struct slice *rest, struct row_cell *out);

/* The next byte of the program, 0 at its end. */
uint8_t row_take_byte(struct slice *rest);

/* The value that the program has for the cell. The caller frees its bytes. */
struct row_value row_value_take(sqlite3 *db, const struct row_cell *cell, enum row_value_kind kind,
                                struct slice *rest);

/* Binds it to parameter 1. The value must outlive the statement. */
void row_value_bind(sqlite3_stmt *stmt, const struct row_value *value);

/* Prepares a statement; ends the process when SQLite refuses it. */
sqlite3_stmt *row_prepare(sqlite3 *db, const char *format, ...);

/* The key columns of the column's table. */
const char *row_key(const struct row_column *column);

#endif
