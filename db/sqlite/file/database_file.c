#include "db/sqlite/file/database_file.h"

#include "db/base/lock_file.h"
#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_STEP_PAGES 1024

/* Bytes 18 and 19 of a database: 1 for a rollback journal, 2 for a WAL
 * (https://sqlite.org/fileformat2.html#file_format_version_numbers). */
#define VERSION_OFFSET 18

bool database_file_is_damaged(sqlite3 *db)
{
    const int result = sqlite3_errcode(db) & 0xff; /* of an extended result code */

    return result == SQLITE_CORRUPT || result == SQLITE_NOTADB;
}

/* Whether a file with this suffix exists that may contain the last transactions. */
static bool has_companion(const char *path, const char *suffix)
{
    struct stat status;
    char name[PATH_MAX];

    return snprintf(name, sizeof(name), "%s%s", path, suffix) < (int)sizeof(name) &&
           stat(name, &status) == 0 && status.st_size > 0;
}

/* Writes a URI of an absolute path (https://sqlite.org/uri.html). False when it does not fit. */
static bool write_uri(const char *path, const char *query, char *out, size_t size)
{
    size_t len = (size_t)snprintf(out, size, "file:");

    for (; *path != '\0' && len + 4 < size; path++) {
        const bool is_special = *path == '?' || *path == '#' || *path == '%';
        len += (size_t)snprintf(out + len, 4, is_special ? "%%%02X" : "%c", (unsigned)*path & 0xff);
    }
    return *path == '\0' && (size_t)snprintf(out + len, size - len, "%s", query) < size - len;
}

/* Without a WAL or journal, only the file itself matters, and SQLite needs neither to lock it nor
 * to create the WAL index beside it. */
static bool open_database(const char *path, sqlite3 **db, struct error *err)
{
    char absolute[PATH_MAX];
    char uri[3 * PATH_MAX + 32];
    const bool is_alone = !has_companion(path, "-wal") && !has_companion(path, "-journal");

    if (realpath(path, absolute) == NULL ||
        !write_uri(absolute, is_alone ? "?immutable=1" : "", uri, sizeof(uri)))
        return error_set(err, ERROR_INTERNAL, NULL, "cannot find %s: %s", path, strerror(errno));
    return connection_open_plain(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, db, err);
}

bool database_file_open(const char *path, sqlite3 **db, int *lock, struct error *err)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot read %s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_INTERNAL, NULL, "%s is not a regular file", path);
    if (!lock_file_acquire_shared(path, lock, err))
        return false;
    if (open_database(path, db, err))
        return true;
    if (*lock >= 0)
        close(*lock);
    return false;
}

static void report_problem(const struct file_observer *observer, const char *problem)
{
    if (observer->found != NULL)
        observer->found(observer->arg, problem);
}

static enum file_verdict set_failure(sqlite3 *db, const struct file_observer *observer,
                                     struct error *err)
{
    sqlite_error_set(db, "reading the file", err);
    if (!database_file_is_damaged(db))
        return FILE_UNKNOWN;
    report_problem(observer, sqlite3_errmsg(db));
    return FILE_CORRUPT;
}

/* Since 3.44, SQLite's integrity check also opens virtual tables, and ends if it cannot open
 * one. */
static bool is_search_failure(sqlite3 *db)
{
    const int code = sqlite3_extended_errcode(db);

    return code == SQLITE_CORRUPT_VTAB ||
           (code == SQLITE_ERROR && strstr(sqlite3_errmsg(db), "fts5") != NULL);
}

static enum file_verdict set_pragma_failure(sqlite3 *db, const struct file_observer *observer,
                                            struct error *err)
{
    char text[256];

    if (!is_search_failure(db))
        return set_failure(db, observer, err);
    snprintf(text, sizeof(text), "the search index is corrupt (%s)", sqlite3_errmsg(db));
    report_problem(observer, text);
    return FILE_CORRUPT;
}

/* Each row of the pragma is a problem, except "ok". */
static enum file_verdict run_pragma(sqlite3 *db, const char *sql,
                                    const struct file_observer *observer, struct error *err)
{
    enum file_verdict verdict = FILE_OK;
    sqlite3_stmt *stmt;
    int result;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return set_pragma_failure(db, observer, err);
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *text = column_text(stmt, 0).data;
        if (text == NULL || strcmp(text, "ok") == 0)
            continue;
        report_problem(observer, text);
        verdict = FILE_CORRUPT;
    }
    if (result != SQLITE_DONE)
        verdict = set_pragma_failure(db, observer, err);
    sqlite3_finalize(stmt);
    return verdict;
}

enum file_verdict database_file_check(sqlite3 *db, const struct file_observer *observer,
                                      struct error *err)
{
    if (observer->doing != NULL)
        observer->doing(observer->arg, "checking the structure");
    if (!connection_run(db, "PRAGMA ignore_check_constraints=ON", err))
        return set_failure(db, observer, err);
    const enum file_verdict structure =
        run_pragma(db, "PRAGMA integrity_check(100)", observer, err);
    if (structure != FILE_OK)
        return structure;
    return run_pragma(db,
                      "SELECT 'row ' || coalesce(rowid, '?') || ' of ' || \"table\" ||"
                      " ' references a row of ' || parent || ' that does not exist'"
                      " FROM pragma_foreign_key_check LIMIT 100",
                      observer, err);
}

bool database_file_disable_wal(int descriptor, struct error *err)
{
    static const char rollback_journal[] = {1, 1};

    if (pwrite(descriptor, rollback_journal, 2, VERSION_OFFSET) != 2)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot write the copy: %s", strerror(errno));
    return true;
}

static bool open_copy(const char *path, sqlite3 **copy, int *descriptor, struct error *err)
{
    *descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*descriptor < 0)
        return error_set(err, ERROR_INTERNAL, NULL, "cannot create %s: %s", path, strerror(errno));
    return connection_open_created(path, copy, err) &&
           connection_run(*copy, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF", err);
}

static int copy_pages(sqlite3_backup *steps, const struct file_observer *observer)
{
    int result;

    do {
        result = sqlite3_backup_step(steps, COPY_STEP_PAGES);
        const int64_t total = sqlite3_backup_pagecount(steps);
        const int64_t left = sqlite3_backup_remaining(steps);
        if (observer->copied != NULL)
            observer->copied(observer->arg, (total - left) * 4096, total * 4096);
    } while (result == SQLITE_OK);
    return result;
}

enum file_verdict database_file_copy(sqlite3 *source, const char *path,
                                     const struct file_observer *observer, struct error *err)
{
    enum file_verdict verdict = FILE_UNKNOWN;
    sqlite3 *copy = NULL;
    int descriptor = -1;

    if (observer->doing != NULL)
        observer->doing(observer->arg, "copying");
    if (!open_copy(path, &copy, &descriptor, err))
        goto done;
    sqlite3_backup *steps = sqlite3_backup_init(copy, "main", source, "main");
    if (steps == NULL) {
        sqlite_error_set(copy, "copying the file", err);
        goto done;
    }
    copy_pages(steps, observer);
    if (sqlite3_backup_finish(steps) != SQLITE_OK)
        verdict = set_failure(copy, observer, err);
    else if (database_file_disable_wal(descriptor, err))
        verdict = FILE_OK;

done:
    connection_close(copy);
    if (descriptor >= 0)
        close(descriptor);
    return verdict;
}
