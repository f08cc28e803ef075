/* Executes FTS5's integrity-check. That is an INSERT statement, which a read-only connection
 * rejects. So the full-text tables are copied into a temporary database, which SQLite keeps on disk
 * and deletes on close. */

#include "db/sqlite/file/check_context.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/search/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shadow tables of a full-text table: https://sqlite.org/fts5.html#fts5_data_structures */
static const struct shadow {
    const char *suffix;
    const char *columns;
    const char *definition;
} shadows[] = {
    {"data", "id, block", "(id INTEGER PRIMARY KEY, block BLOB)"},
    {"idx", "segid, term, pgno", "(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID"},
    {"docsize", "id, sz", "(id INTEGER PRIMARY KEY, sz BLOB)"},
    {"config", "k, v", "(k PRIMARY KEY, v) WITHOUT ROWID"},
    {"content", "id, c0, c1", "(id INTEGER PRIMARY KEY, c0, c1)"}, /* only search_contexts has it */
};

#define SHADOWS (sizeof(shadows) / sizeof(shadows[0]))

static bool copy_row(sqlite3_stmt *from, sqlite3 *copy, sqlite3_stmt *insert, struct error *err)
{
    const int columns = sqlite3_column_count(from);
    int result = SQLITE_OK;

    for (int i = 0; i < columns && result == SQLITE_OK; i++)
        result = sqlite3_bind_value(insert, i + 1, sqlite3_column_value(from, i));
    const bool ok = (result == SQLITE_OK && sqlite3_step(insert) == SQLITE_DONE) ||
                    sqlite_error_set(copy, "copying the search index", err);
    sqlite3_reset(insert);
    return ok;
}

static bool copy_rows(struct check *check, sqlite3_stmt *from, sqlite3 *copy, sqlite3_stmt *insert,
                      struct error *err)
{
    int result;

    while ((result = sqlite3_step(from)) == SQLITE_ROW) {
        if (!copy_row(from, copy, insert, err)) {
            check->verdict = FILE_UNKNOWN;
            return false;
        }
    }
    if (result != SQLITE_DONE)
        check_set_failure(check, err);
    return result == SQLITE_DONE;
}

static bool prepare_copy(sqlite3 *copy, const char *table, const struct shadow *shadow,
                         sqlite3_stmt **insert, struct error *err)
{
    char sql[160];

    snprintf(sql, sizeof(sql), "CREATE TABLE %s_%s %s", table, shadow->suffix, shadow->definition);
    if (!connection_run(copy, sql, err))
        return false;
    snprintf(sql, sizeof(sql), "INSERT INTO %s_%s (%s) VALUES (?1, ?2%s)", table, shadow->suffix,
             shadow->columns,
             strchr(shadow->columns, ',') == strrchr(shadow->columns, ',') ? "" : ", ?3");
    return connection_prepare(copy, sql, insert, err);
}

static bool copy_shadow(struct check *check, sqlite3 *copy, const char *table,
                        const struct shadow *shadow, struct error *err)
{
    sqlite3_stmt *from = NULL;
    sqlite3_stmt *insert = NULL;
    char sql[160];
    bool ok = false;

    snprintf(sql, sizeof(sql), "SELECT %s FROM %s_%s", shadow->columns, table, shadow->suffix);
    if (!prepare_copy(copy, table, shadow, &insert, err))
        check->verdict = FILE_UNKNOWN;
    else if (!connection_prepare(check->db, sql, &from, err))
        check_set_failure(check, err);
    else
        ok = copy_rows(check, from, copy, insert, err);
    sqlite3_finalize(from);
    sqlite3_finalize(insert);
    return ok;
}

/* Inserts the definition into the schema: CREATE VIRTUAL TABLE would also create the shadow tables,
 * which exist already. */
static bool add_virtual_table(struct check *check, sqlite3 *copy, const char *table,
                              struct error *err)
{
    char sql[128];
    char *definition = NULL;
    sqlite3_stmt *stmt = NULL;

    snprintf(sql, sizeof(sql), "SELECT sql FROM sqlite_schema WHERE name = '%s'", table);
    bool ok = connection_text(check->db, sql, &definition, err) &&
              connection_run(copy, "PRAGMA writable_schema = ON", err) &&
              connection_prepare(copy,
                                 "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql)"
                                 " VALUES ('table', ?1, ?1, 0, ?2)",
                                 &stmt, err);
    if (ok) {
        sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, definition, -1, SQLITE_STATIC);
        ok = sqlite3_step(stmt) == SQLITE_DONE ||
             sqlite_error_set(copy, "copying the search index", err);
    }
    sqlite3_finalize(stmt);
    free(definition);
    ok = ok && connection_run(copy, "PRAGMA writable_schema = RESET", err);
    if (!ok)
        check->verdict = FILE_UNKNOWN;
    return ok;
}

static bool check_copy(struct check *check, sqlite3 *copy, const char *table, size_t tables,
                       struct error *err)
{
    char sql[128];

    for (size_t i = 0; i < tables; i++) {
        if (!copy_shadow(check, copy, table, &shadows[i], err))
            return false;
    }
    if (!add_virtual_table(check, copy, table, err))
        return false;
    snprintf(sql, sizeof(sql), "INSERT INTO %s (%s, rank) VALUES ('integrity-check', 1)", table,
             table);
    if (connection_run(copy, sql, err))
        return true;
    if (!search_tables_is_corruption(sqlite3_extended_errcode(copy))) {
        check->verdict = FILE_UNKNOWN;
        return false;
    }
    check_report_problem(
        check,
        "the search index is corrupt (%s: %s); start the service with --search off to drop it, "
        "then with --search on to rebuild it",
        table, sqlite3_errmsg(copy));
    return true;
}

static bool check_table(struct check *check, const char *table, size_t tables, struct error *err)
{
    sqlite3 *copy = NULL;
    bool ok = false;

    if (!connection_open_plain("", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &copy, err)) {
        check->verdict = FILE_UNKNOWN;
    } else {
        sqlite3_db_config(copy, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
        ok = check_copy(check, copy, table, tables, err);
    }
    connection_close(copy);
    return ok;
}

bool check_search_is_current(struct check *check, bool *current, struct error *err)
{
    int64_t tables;

    *current = false;
    if (!connection_integer(check->db,
                            "SELECT count(*) FROM sqlite_schema WHERE name = 'search_rule'",
                            &tables, err) ||
        (tables > 0 && !search_tables_are_current(check->db, current, err))) {
        check_set_failure(check, err);
        return false;
    }
    if (tables > 0 && !*current && check->observer->remark != NULL)
        check->observer->remark(check->observer->arg,
                                "the search index is of another version; the next start "
                                "rebuilds it");
    return true;
}

bool check_search_index(struct check *check, struct error *err)
{
    if (check->observer->doing != NULL)
        check->observer->doing(check->observer->arg, "checking the search index");
    return check_table(check, "search_entries", SHADOWS - 1, err) &&
           check_table(check, "search_contexts", SHADOWS, err);
}
