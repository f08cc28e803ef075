#include "db/sqlite/connection/connection.h"

#include "db/base/durable_file.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/connection/wal_vfs.h"
#include "db/sqlite/file/database_path.h"
#include "db/sqlite/file/journal_check.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long a connection waits for a lock of another program, in ms. Readers rarely need such a lock
 * and must not block an HTTP thread. */
#define WRITER_BUSY_MS 2000
#define READER_BUSY_MS 50

static bool configure_connection(sqlite3 *db, struct error *err)
{
    const struct {
        int option;
        int value;
    } switches[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 0},
    };

    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        if (sqlite3_db_config(db, switches[i].option, switches[i].value, NULL) != SQLITE_OK)
            return sqlite_error_set(db, "configuring the connection", err);
    }
    /* The length limit of a text stays SQLite's default: stored texts must stay readable, whatever
     * the current limit of a request is. */
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, WRITER_BUSY_MS);
    return connection_run(db, "PRAGMA cell_size_check=ON", err);
}

static bool open_connection(const char *path, int flags, const char *vfs, sqlite3 **out,
                            struct error *err)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, vfs) != SQLITE_OK) {
        if (db == NULL)
            return error_set(err, ERROR_INTERNAL, NULL, "SQLite is out of memory");
        sqlite_error_set(db, "opening the file", err);
        goto failed;
    }
    if (!configure_connection(db, err))
        goto failed;
    *out = db;
    return true;

failed:
    sqlite3_close_v2(db);
    return false;
}

bool connection_enable_triggers(sqlite3 *db, struct error *err)
{
    return sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL) == SQLITE_OK ||
           sqlite_error_set(db, "configuring the connection", err);
}

static bool check_text(sqlite3 *db, const char *sql, const char *wanted, struct error *err)
{
    char *found;

    if (!connection_text(db, sql, &found, err))
        return false;
    const bool same = found != NULL && strcmp(found, wanted) == 0;
    if (!same)
        error_set(err, ERROR_INTERNAL, NULL, "%s returns %s, not %s", sql,
                  found == NULL ? "nothing" : found, wanted);
    free(found);
    return same;
}

/* By default SQLite checkpoints and removes the WAL when the last connection closes, even after
 * errors. */
static bool set_keep_log_on_close(sqlite3 *db, bool keep, struct error *err)
{
    return sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep, NULL) == SQLITE_OK ||
           sqlite_error_set(db, "configuring the connection", err);
}

static bool has_log(sqlite3 *db)
{
    return access(sqlite3_filename_wal(sqlite3_db_filename(db, "main")), F_OK) == 0;
}

/* secure_delete: Debian's SQLite overwrites freed pages, which makes large contexts twice as
 * expensive; the file is as private as its data. synchronous=EXTRA as long as the file has a
 * rollback journal: a removed journal must not reappear after a power failure, since its pages are
 * older than those of the future WAL. */
static bool configure_writer(sqlite3 *db, struct error *err)
{
    return set_keep_log_on_close(db, has_log(db), err) &&
           connection_run(db,
                          "PRAGMA synchronous=EXTRA; PRAGMA wal_autocheckpoint=0;"
                          "PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY;"
                          "PRAGMA cache_size=-16384",
                          err);
}

void connection_configure_library(void)
{
    /* Fails when SQLite is already in use; SQLite then keeps counting, which is harmless. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

bool connection_open_writer(const char *path, sqlite3 **out, struct error *err)
{
    sqlite3 *db = NULL;

    if (!database_path_check(path, err) || !journal_check(path, err) || !wal_vfs_register(err) ||
        !open_connection(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, WAL_VFS_NAME, &db, err))
        return false;
    *out = db;
    return configure_writer(db, err);
}

bool connection_make_durable(sqlite3 *db, struct error *err)
{
    return check_text(db, "PRAGMA journal_mode=WAL", "wal", err) &&
           connection_run(db, "PRAGMA synchronous=FULL", err) &&
           check_text(db, "PRAGMA synchronous", "2", err) && set_keep_log_on_close(db, true, err);
}

/* cache_size: rows that are read once, such as a long log, stay in this cache. The kernel caches
 * pages that are read often. */
bool connection_open_reader(const char *path, sqlite3 **out, struct error *err)
{
    sqlite3 *db = NULL;

    if (!open_connection(path, SQLITE_OPEN_READONLY, NULL, &db, err))
        return false;
    sqlite3_busy_timeout(db, READER_BUSY_MS);
    if (!set_keep_log_on_close(db, true, err) ||
        !connection_run(
            db, "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192", err)) {
        connection_close(db);
        return false;
    }
    *out = db;
    return true;
}

bool connection_open_plain(const char *path, int flags, sqlite3 **out, struct error *err)
{
    return open_connection(path, flags, NULL, out, err);
}

bool connection_open_created(const char *path, sqlite3 **out, struct error *err)
{
    char real[PATH_MAX];

    return durable_file_real_name(path, real, err) &&
           open_connection(real, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL, out, err);
}

bool connection_run(sqlite3 *db, const char *sql, struct error *err)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_error_set(db, "running a statement", err);
    return true;
}

bool connection_roll_back(sqlite3 *db)
{
    wal_vfs_discard(db);
    /* SQLite rolls back by itself after some errors. */
    return sqlite3_get_autocommit(db) ||
           sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK;
}

/* Marks the statements of this process. FTS5 has statements of its own on a connection and
 * finalizes them. */
#define STATEMENT_MARK "/* sessiond */ "

static bool is_marked(sqlite3_stmt *stmt)
{
    const char *sql = sqlite3_sql(stmt);

    return sql != NULL && strncmp(sql, STATEMENT_MARK, sizeof(STATEMENT_MARK) - 1) == 0;
}

bool connection_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct error *err)
{
    char *marked = sqlite3_mprintf(STATEMENT_MARK "%s", sql);

    if (marked == NULL)
        return error_set(err, ERROR_INTERNAL, NULL, "SQLite is out of memory");
    const int result = sqlite3_prepare_v3(db, marked, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    sqlite3_free(marked);
    return result == SQLITE_OK || sqlite_error_set(db, "preparing a statement", err);
}

bool connection_text(sqlite3 *db, const char *sql, char **out, struct error *err)
{
    sqlite3_stmt *stmt = NULL;

    if (!connection_prepare(db, sql, &stmt, err))
        return false;
    const int result = sqlite3_step(stmt);
    if (result == SQLITE_ROW || result == SQLITE_DONE) {
        const char *text = result == SQLITE_ROW ? column_text(stmt, 0).data : NULL;
        *out = text == NULL ? NULL : strdup(text);
        if (text != NULL && *out == NULL)
            abort();
    } else {
        sqlite_error_set(db, sql, err);
    }
    sqlite3_finalize(stmt);
    return result == SQLITE_ROW || result == SQLITE_DONE;
}

bool connection_integer(sqlite3 *db, const char *sql, int64_t *out, struct error *err)
{
    sqlite3_stmt *stmt = NULL;

    if (!connection_prepare(db, sql, &stmt, err))
        return false;
    const int result = sqlite3_step(stmt);
    if (result == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    else if (result == SQLITE_DONE)
        *out = 0;
    else
        sqlite_error_set(db, "reading a number", err);
    sqlite3_finalize(stmt);
    return result == SQLITE_ROW || result == SQLITE_DONE;
}

void connection_close(sqlite3 *db)
{
    sqlite3_stmt *stmt;

    if (db == NULL)
        return;
    for (stmt = sqlite3_next_stmt(db, NULL); stmt != NULL;) {
        if (!is_marked(stmt)) {
            stmt = sqlite3_next_stmt(db, stmt);
            continue;
        }
        sqlite3_finalize(stmt);
        stmt = sqlite3_next_stmt(db, NULL); /* the finalized statement may have finalized others */
    }
    sqlite3_close(db);
}

void connection_close_last(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    connection_close(db);
}
