#include "tests/fuzz/row_program.h"

#include "tests/fuzz/expect.h"
#include "tests/fuzz/row_value.h"

#include <stdlib.h>

static void run(sqlite3 *db, const char *sql)
{
    expect(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db),
           slice_from(sql));
}

static bool is_of(const struct row_column *column, const char *table)
{
    return strcmp(column->table, table) == 0;
}

static bool is_known(const char *table, const char *name)
{
    for (size_t i = 0; i < row_column_count; i++) {
        if (is_of(&row_columns[i], table) && strcmp(row_columns[i].name, name) == 0)
            return true;
    }
    return false;
}

void row_program_check_columns(sqlite3 *db)
{
    sqlite3_stmt *stmt = row_prepare(
        db, "SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_xinfo(m.name) AS c"
            " WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL %%'");

    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(stmt, 0);
        const char *name = (const char *)sqlite3_column_text(stmt, 1);
        if (!is_known(table, name))
            fprintf(stderr, "%s.%s: ", table, name);
        expect(is_known(table, name), "a column that tests/fuzz/row_program.c does not name",
               slice_from(name));
    }
    sqlite3_finalize(stmt);
}

/* --- Steps ---------------------------------------------------------------------------------- */

struct step {
    struct row_cell cell;
    enum row_action action;
};

/* A copy of the row: its rowid is new, unless that is what the step sets. */
static sqlite3_stmt *prepare_insert(sqlite3 *db, const struct step *step)
{
    const struct row_column *column = step->cell.column;
    sqlite3_str *names = sqlite3_str_new(db);
    sqlite3_str *values = sqlite3_str_new(db);

    for (size_t i = 0; i < row_column_count; i++) {
        const struct row_column *other = &row_columns[i];
        if (!is_of(other, column->table))
            continue;
        const char *comma = sqlite3_str_length(names) == 0 ? "" : ", ";
        sqlite3_str_appendf(names, "%s%s", comma, other->name);
        sqlite3_str_appendf(values, "%s%s", comma,
                            other == column   ? "?1"
                            : other->is_rowid ? "NULL"
                                              : other->name);
    }
    char *name_list = sqlite3_str_finish(names);
    char *value_list = sqlite3_str_finish(values);
    sqlite3_stmt *stmt = row_prepare(
        db, "INSERT INTO %s (%s) SELECT %s FROM %s ORDER BY %s LIMIT 1 OFFSET %lld", column->table,
        name_list, value_list, column->table, row_key(column), (long long)step->cell.row);
    sqlite3_free(name_list);
    sqlite3_free(value_list);
    return stmt;
}

static sqlite3_stmt *prepare_step(sqlite3 *db, const struct step *step)
{
    const char *table = step->cell.column->table;
    const char *name = step->cell.column->name;
    const char *key = row_key(step->cell.column);
    const long long row = (long long)step->cell.row;

    switch (step->action) {
    case ROW_INSERT:
        return prepare_insert(db, step);
    case ROW_DELETE:
        return row_prepare(db,
                           "DELETE FROM %s WHERE (%s) ="
                           " (SELECT %s FROM %s ORDER BY %s LIMIT 1 OFFSET %lld)",
                           table, key, key, table, key, row);
    case ROW_UPDATE_ALL:
        return row_prepare(db, "UPDATE OR IGNORE %s SET %s = ?1", table, name);
    default:
        return row_prepare(db,
                           "UPDATE %s SET %s = ?1 WHERE (%s) ="
                           " (SELECT %s FROM %s ORDER BY %s LIMIT 1 OFFSET %lld)",
                           table, name, key, key, table, key, row);
    }
}

static void set_triggers(sqlite3 *db, bool on)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)on, NULL);
}

static void run_step(sqlite3 *db, struct slice *rest)
{
    struct step step;
    const bool has_row = row_take_cell(db, rest, &step.cell);
    const uint8_t action = row_take_byte(rest);

    if (!has_row)
        return;
    step.action = (enum row_action)((action >> 4) % ROW_ACTIONS);
    const enum row_value_kind kind = (enum row_value_kind)((action & 15) % ROW_VALUE_KINDS);
    const struct row_value value = row_value_take(db, &step.cell, kind, rest);
    set_triggers(db, step.action == ROW_UPDATE_WITH_TRIGGERS || step.action == ROW_DELETE);
    sqlite3_stmt *stmt = prepare_step(db, &step);
    row_value_bind(stmt, &value);
    sqlite3_step(stmt); /* refused: a UNIQUE constraint */
    sqlite3_finalize(stmt);
    free(value.bytes);
}

#define LOOSE "/* may be */ NULL"

/* SQLite takes the schema of the file for granted, also where a row breaks it. */
static void let_columns_be_null(sqlite3 *db)
{
    run(db, "PRAGMA writable_schema = ON;"
            "UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '" LOOSE "')"
            " WHERE type = 'table'; PRAGMA writable_schema = RESET");
}

static void restore_schema(sqlite3 *db)
{
    run(db, "PRAGMA writable_schema = ON;"
            "UPDATE sqlite_schema SET sql = replace(sql, '" LOOSE "', 'NOT NULL')"
            " WHERE type = 'table'; PRAGMA writable_schema = RESET");
}

unsigned row_program_run(sqlite3 *db, struct slice program)
{
    const unsigned options = row_take_byte(&program);

    let_columns_be_null(db);
    run(db, "BEGIN");
    for (int i = 0; i < ROW_STEPS_MAX && program.len > 0; i++)
        run_step(db, &program);
    set_triggers(db, false);
    if ((options & ROW_CONTEXT_BYTES) != 0)
        run(db, "UPDATE sessions SET context_bytes = length(CAST(context AS BLOB))");
    if ((options & ROW_REINDEX) != 0)
        run(db, "INSERT OR REPLACE INTO search_backlog"
                " VALUES (-9223372036854775808, -1), (0, 9223372036854775807)");
    run(db, "COMMIT");
    restore_schema(db);
    return options;
}
