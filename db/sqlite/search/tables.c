#include "db/sqlite/search/tables.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/search/fold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char schema_search[];

#define VIRTUAL_TABLES "'search_entries', 'search_contexts'"
#define SHADOW_TABLES                                                                              \
    "'search_entries_data', 'search_entries_idx', 'search_entries_docsize',"                       \
    " 'search_entries_config', 'search_contexts_data', 'search_contexts_idx',"                     \
    " 'search_contexts_content', 'search_contexts_docsize', 'search_contexts_config'"
#define OTHER_OBJECTS                                                                              \
    "'search_backlog', 'search_rule', 'search_session_deleted', 'search_session_made_elsewhere',"  \
    " 'search_session_changed_elsewhere'"
#define ALL_OBJECTS VIRTUAL_TABLES ", " SHADOW_TABLES ", " OTHER_OBJECTS

/* The SQL of the shadow tables depends on the version of FTS5. */
static const char fingerprint[] =
    "SELECT group_concat(one, char(10)) FROM"
    " (SELECT type || ' ' || name || ' ' || iif(name IN (" SHADOW_TABLES "), '', sql) AS one"
    "  FROM sqlite_schema WHERE name IN (" ALL_OBJECTS ") ORDER BY name)";

/* One object per row: triggers before the tables that they write to. */
static const char objects[] =
    "SELECT type || ' ' || name FROM sqlite_schema WHERE name IN (" ALL_OBJECTS
    ") AND type IN ('trigger', 'view', 'table', 'index')"
    " ORDER BY type = 'trigger' DESC LIMIT 1";

/* Reads the fingerprint of tables that this version creates. */
static bool read_expected(char **out, struct error *err)
{
    sqlite3 *expected = NULL;

    const bool ok = connection_open_plain(":memory:", SQLITE_OPEN_READWRITE, &expected, err) &&
                    connection_run(expected, "CREATE TABLE sessions (seq, context_bytes)", err) &&
                    connection_run(expected, (const char *)schema_search, err) &&
                    connection_text(expected, fingerprint, out, err);
    connection_close(expected);
    return ok;
}

bool search_tables_are_current(sqlite3 *db, bool *out, struct error *err)
{
    char *expected = NULL;
    char *found = NULL;

    const bool ok = read_expected(&expected, err) && connection_text(db, fingerprint, &found, err);
    *out = ok && found != NULL && strcmp(expected, found) == 0;
    free(expected);
    free(found);
    return ok;
}

bool search_tables_exist(sqlite3 *db, bool *out, struct error *err)
{
    int64_t count;

    if (!connection_integer(
            db, "SELECT count(*) FROM sqlite_schema WHERE name IN (" ALL_OBJECTS ")", &count, err))
        return false;
    *out = count > 0;
    return true;
}

bool search_tables_match(sqlite3 *db, int rule, bool *out, struct error *err)
{
    int64_t rules = 0;
    char sql[96];

    if (!search_tables_are_current(db, out, err))
        return false;
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM search_rule WHERE rule = %d AND folding = %d",
             rule, SEARCH_FOLDING);
    const bool ok = !*out || connection_integer(db, sql, &rules, err);
    *out = *out && rules == 1;
    return ok;
}

/* FTS5 cannot drop a table that it cannot open. This removes its entry in the schema, and its
 * shadow tables become ordinary tables. */
static bool remove_virtual_tables(sqlite3 *db, struct error *err)
{
    return connection_run(db,
                          "PRAGMA writable_schema = ON;"
                          "DELETE FROM sqlite_schema WHERE name IN (" VIRTUAL_TABLES
                          ") AND type = 'table' AND rootpage = 0;"
                          "PRAGMA writable_schema = RESET",
                          err);
}

static bool drop_objects(sqlite3 *db, struct error *err)
{
    char *object = NULL;
    char sql[128];
    bool ok;

    while ((ok = connection_text(db, objects, &object, err)) && object != NULL) {
        snprintf(sql, sizeof(sql), "DROP %s", object);
        free(object);
        if (!connection_run(db, sql, err))
            return false;
    }
    return ok;
}

bool search_tables_drop(sqlite3 *db, struct error *err)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    const bool ok = remove_virtual_tables(db, err) && drop_objects(db, err);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return ok;
}

bool search_tables_drop_triggers(sqlite3 *db, struct error *err)
{
    return connection_run(db,
                          "DROP TRIGGER IF EXISTS search_session_deleted;"
                          "DROP TRIGGER IF EXISTS search_session_made_elsewhere;"
                          "DROP TRIGGER IF EXISTS search_session_changed_elsewhere",
                          err);
}

bool search_tables_drop_foreign_triggers(sqlite3 *db, struct error *err)
{
    bool exists;
    bool is_ours;

    if (!search_tables_exist(db, &exists, err) || !search_tables_are_current(db, &is_ours, err))
        return false;
    return !exists || is_ours || search_tables_drop_triggers(db, err);
}

bool search_tables_create(sqlite3 *db, int rule, struct error *err)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "INSERT INTO search_rule VALUES (%d, %d)", rule, SEARCH_FOLDING);
    return connection_run(db, (const char *)schema_search, err) && connection_run(db, sql, err);
}

bool search_tables_is_corruption(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_NOTADB:
        return false;
    default:
        return true;
    }
}
