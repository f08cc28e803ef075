/*
 * A small program that changes rows of a valid database. Its bytes are those of a fuzz input:
 *
 *   options          one byte of enum row_option
 *   steps            until the bytes or ROW_STEPS_MAX end, each
 *     column         the index of a column in row_columns, modulo their number
 *     row            the row in the table's order, modulo the number of rows
 *     action         low half: enum row_value_kind; high half: enum row_action
 *     value          see enum row_value_kind; cut where the input ends
 *
 * Unlike an UPDATE by SQL, a step may break a NOT NULL constraint; each UNIQUE constraint holds.
 */
#ifndef SESSIOND_TESTS_ROW_PROGRAM_H
#define SESSIOND_TESTS_ROW_PROGRAM_H

#include "db/base/slice.h"

#include <sqlite3.h>

#define ROW_STEPS_MAX 32

enum row_option {
    ROW_REINDEX = 1,       /* all texts are put into the backlog of the search index */
    ROW_CONTEXT_BYTES = 2, /* the lengths of all contexts are corrected */
    ROW_CHECK = 4,         /* the rest is for the caller */
    ROW_START_TWICE = 8,
    ROW_BACK_UP = 16,
};

enum row_action {
    ROW_UPDATE,
    ROW_UPDATE_WITH_TRIGGERS, /* as a program does that uses SQL */
    ROW_UPDATE_ALL,           /* rows of the table */
    ROW_INSERT,               /* a copy of the row with another value in the column */
    ROW_DELETE,               /* with triggers */
    ROW_ACTIONS
};

/* Ends the process unless `row_columns` names every column of every table of this database. */
void row_program_check_columns(sqlite3 *db);

/* Runs the program in one transaction. Steps that SQLite refuses are left out. Returns the options.
 */
unsigned row_program_run(sqlite3 *db, struct slice program);

#endif
