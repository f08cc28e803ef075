#include "db/sqlite/file/migrate.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/file/legacy_import.h"
#include "db/sqlite/file/schema_check.h"
#include "db/sqlite/maintenance/retention_query.h"
#include "db/sqlite/search/tables.h"

#include <stdio.h>

extern const unsigned char schema_001_sessions[];
extern const unsigned char schema_002_no_index_of_both_texts[];
extern const unsigned char schema_003_events[];
extern const unsigned char schema_004_entries[];
extern const unsigned char schema_005_forks[];
extern const unsigned char schema_006_lease_terms[];
extern const unsigned char schema_search[];

/* File n increases user_version from n to n + 1. */
static const unsigned char *const migrations[] = {
    schema_001_sessions, schema_002_no_index_of_both_texts,
    schema_003_events,   schema_004_entries,
    schema_005_forks,    schema_006_lease_terms,
};

#define SCHEMA_VERSION ((int64_t)(sizeof(migrations) / sizeof(migrations[0])))

static bool apply_migration(sqlite3 *db, int64_t version, struct error *err)
{
    char step[64];

    snprintf(step, sizeof(step), "PRAGMA user_version = %lld", (long long)version + 1);
    return connection_run(db, (const char *)migrations[version], err) &&
           connection_run(db, step, err);
}

/* Creates the schema of a version, with all optional objects. */
static bool make_model(sqlite3 *model, int64_t version, struct error *err)
{
    static const int64_t all[STORE_PURGE_REASONS] = {1, 1};

    for (int64_t i = 0; i < version; i++) {
        if (!apply_migration(model, i, err))
            return false;
    }
    return retention_query_index(model, all, err) &&
           connection_run(model, (const char *)schema_search, err);
}

/* Rejects a schema that differs from the model; otherwise enables the triggers of `db`. */
static bool compare_with_model(sqlite3 *db, int64_t version, struct error *err)
{
    sqlite3 *model;

    if (!connection_open_plain(":memory:", SQLITE_OPEN_READWRITE, &model, err))
        return false;
    const bool ok = make_model(model, version, err) && schema_check(db, model, err) &&
                    connection_enable_triggers(db, err);
    connection_close(model);
    return ok;
}

/* Rejects a file without the columns that sessiond and the Python SessionManager share. An empty
 * file is accepted. */
static bool check_columns(sqlite3 *db, struct error *err)
{
    int64_t objects;
    int64_t tables;
    int64_t columns = 0;

    if (!connection_integer(db, "SELECT count(*) FROM sqlite_schema", &objects, err) ||
        !connection_integer(db,
                            "SELECT count(*) FROM sqlite_schema WHERE name = 'sessions'"
                            " AND type = 'table' AND rootpage > 0",
                            &tables, err) ||
        (tables == 1 &&
         !connection_integer(db,
                             "SELECT count(*) FROM pragma_table_info('sessions') WHERE name IN"
                             " ('id', 'project_path', 'thread_id', 'status', 'context',"
                             " 'created_at', 'updated_at')",
                             &columns, err)))
        return false;
    return objects == 0 || columns == 7 ||
           error_set(err, ERROR_INTERNAL, NULL,
                     "it is a database of another program, without the columns of a session in a "
                     "table sessions; point --db at another file");
}

static bool check_schema(sqlite3 *db, int64_t *version, struct error *err)
{
    if (!connection_integer(db, "PRAGMA user_version", version, err))
        return false;
    if (*version < 0 || *version > SCHEMA_VERSION)
        return error_set(
            err, ERROR_INTERNAL, NULL,
            "its schema version is %lld, but this sessiond supports at most %lld; start "
            "the newer sessiond that wrote it, or restore a backup",
            (long long)*version, (long long)SCHEMA_VERSION);
    return check_columns(db, err) && (*version == 0 || compare_with_model(db, *version, err));
}

bool migrate_check_schema(sqlite3 *db, bool *current, struct error *err)
{
    int64_t version;

    if (!check_schema(db, &version, err))
        return false;
    *current = version == SCHEMA_VERSION;
    return true;
}

/* The file of the Python SessionManager has the same table without the additional columns of
 * sessiond. */
static bool detect_legacy(sqlite3 *db, int64_t version, bool *is_legacy, struct error *err)
{
    int64_t tables;

    if (!connection_integer(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'sessions'",
                            &tables, err))
        return false;
    *is_legacy = version == 0 && tables > 0;
    return true;
}

static bool migrate_schema(sqlite3 *db, session_context_fix fix_context,
                           struct legacy_replaced *replaced, struct error *err)
{
    bool is_legacy;
    int64_t version;

    if (!check_schema(db, &version, err) || !detect_legacy(db, version, &is_legacy, err))
        return false;
    const bool is_new_or_legacy = version == 0;
    if (version > 0 && !search_tables_drop_foreign_triggers(db, err))
        return false;
    if (is_legacy && !(legacy_check(db, err) && legacy_rename_table(db, err)))
        return false;
    for (; version < SCHEMA_VERSION; version++) {
        if (!apply_migration(db, version, err))
            return false;
    }
    if (is_legacy && !legacy_copy_rows(db, err))
        return false;
    return legacy_drop_recreated_index(db, err) &&
           (!is_new_or_legacy || compare_with_model(db, version, err)) &&
           legacy_import_rows(db, fix_context, replaced, err);
}

bool migrate_run(sqlite3 *db, session_context_fix fix_context,
                 const struct store_observer *observer, struct error *err)
{
    struct legacy_replaced replaced = {0};

    if (!connection_run(db, "BEGIN IMMEDIATE", err))
        return false;
    const bool ok =
        migrate_schema(db, fix_context, &replaced, err) && connection_run(db, "COMMIT", err);
    if (ok)
        legacy_log_replaced(&replaced, observer);
    else
        connection_roll_back(db);
    legacy_release(&replaced);
    return ok;
}
