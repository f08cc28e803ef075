#include "db/sqlite/file/check.h"

#include "db/sqlite/file/check_context.h"

#include "db/sqlite/connection/column.h"
#include "db/sqlite/connection/commit_clock.h"
#include "db/sqlite/connection/connection.h"
#include "db/sqlite/connection/sqlite_error.h"
#include "db/sqlite/file/migrate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_report_problem(struct check *check, const char *format, ...)
{
    char problem[256];
    va_list args;

    va_start(args, format);
    vsnprintf(problem, sizeof(problem), format, args);
    va_end(args);
    check->verdict = FILE_CORRUPT;
    if (check->observer->found != NULL)
        check->observer->found(check->observer->arg, problem);
}

void check_set_failure(struct check *check, struct error *err)
{
    sqlite_error_set(check->db, "reading the file", err);
    if (database_file_is_damaged(check->db))
        check_report_problem(check, "%s", sqlite3_errmsg(check->db));
    else if (check->verdict == FILE_OK)
        check->verdict = FILE_UNKNOWN;
}

static bool set_failure(struct check *check, struct error *err)
{
    check_set_failure(check, err);
    return false;
}

/* --- Rows ---------------------------------------------------------------------------------- */

/* Three additional columns after those of a session. */
#define CHECK_COLUMNS                                                                              \
    ", version BETWEEN 1 AND 9007199254740992"                                                     \
    ", typeof(id) || typeof(project_path) || typeof(thread_id) || typeof(status)"                  \
    " || typeof(created_at) || typeof(updated_at) || typeof(context)"                              \
    ", context_bytes = length(CAST(context AS BLOB))"

#define VERSION_COLUMN 5 /* of SESSION_COLUMNS */

#define TEXT_COLUMN_TYPES "texttexttexttexttexttexttext"

static void check_context(struct check *check, const struct session *session)
{
    char *replacement = check->fix_context(session->context);

    if (replacement != NULL)
        check_report_problem(check, "session %.36s: the context is not a JSON object (RFC 8259)",
                             session->id.data);
    free(replacement);
}

static void check_row(struct check *check, sqlite3_stmt *stmt)
{
    const int last = sqlite3_column_count(stmt) - 1;
    struct session_row row;
    struct error err;

    if (!slice_is(column_text(stmt, last - 1), TEXT_COLUMN_TYPES)) {
        check_report_problem(check, "session %.36s: a column is not text",
                             column_text(stmt, 1).data);
        return;
    }
    if (!session_row_read(stmt, check->fix_context, &row, &err)) {
        check_report_problem(check, "%s", err.detail);
        return;
    }
    check_context(check, &row.session);
    if (sqlite3_column_int(stmt, last - 2) == 0)
        check_report_problem(check, "session %.36s: the version %s is invalid", row.session.id.data,
                             column_text(stmt, VERSION_COLUMN).data);
    if (sqlite3_column_int(stmt, last) == 0)
        check_report_problem(check, "session %.36s: context_bytes is not the size of the context",
                             row.session.id.data);
    session_row_release(&row);
}

static void check_rows(struct check *check, int64_t *sessions, struct error *err)
{
    sqlite3_stmt *stmt;
    int result;

    if (check->observer->doing != NULL)
        check->observer->doing(check->observer->arg, "checking the sessions");
    if (!connection_prepare(check->db,
                            "SELECT " SESSION_COLUMNS_WITH_CONTEXT CHECK_COLUMNS
                            " FROM sessions NOT INDEXED" SESSION_LOG " ORDER BY seq",
                            &stmt, err)) {
        check_set_failure(check, err);
        return;
    }
    while ((result = sqlite3_step(stmt)) == SQLITE_ROW) {
        check_row(check, stmt);
        (*sessions)++;
    }
    if (result != SQLITE_DONE)
        check_set_failure(check, err);
    sqlite3_finalize(stmt);
}

/* --- The schema ---------------------------------------------------------------------------- */

static void forward_notice(void *arg, enum store_severity severity, const char *event,
                           const char *detail)
{
    const struct check *check = arg;

    (void)severity;
    (void)event;
    if (check->observer->remark != NULL)
        check->observer->remark(check->observer->arg, detail);
}

static bool migrate_copy(struct check *check, sqlite3 *db, struct error *err)
{
    const struct store_observer observer = {.arg = check, .notice = forward_notice};

    return migrate_run(db, check->fix_context, &observer, err);
}

/* Executes the next start's migration on a copy. The check then continues on the copy. */
static bool try_migration(struct check *check, struct error *err)
{
    sqlite3 *copy = NULL;
    bool ok = false;

    if (!connection_open_plain(":memory:", SQLITE_OPEN_READWRITE, &copy, err)) {
        check->verdict = FILE_UNKNOWN;
        return false;
    }
    sqlite3_backup *steps = sqlite3_backup_init(copy, "main", check->db, "main");
    if (steps != NULL)
        sqlite3_backup_step(steps, -1);
    if (steps == NULL || sqlite3_backup_finish(steps) != SQLITE_OK) {
        sqlite_error_set(copy, "copying the file into memory", err);
        check->verdict = FILE_UNKNOWN;
    } else if (!migrate_copy(check, copy, err)) {
        if (sqlite_error_is_system_failure(err))
            check->verdict = FILE_UNKNOWN;
        else
            check_report_problem(check, "%s", err->detail);
    } else {
        ok = true;
    }
    if (!ok) {
        connection_close(copy);
        return false;
    }
    connection_close(check->db);
    check->db = copy;
    return true;
}

static bool check_clock(struct check *check, struct error *err)
{
    int64_t reserved_us;
    int64_t newest_us;
    int64_t rows;

    if (!connection_integer(check->db, "SELECT count(*) FROM sessiond_clock", &rows, err) ||
        !clock_read(check->db, &reserved_us, &newest_us, err))
        return set_failure(check, err);
    if (rows != 1)
        check_report_problem(check, "the table sessiond_clock has %lld rows instead of one",
                             (long long)rows);
    if (!clock_check(reserved_us, newest_us, err))
        check_report_problem(check, "%s", err->detail);
    return true;
}

/* --- The search index ------------------------------------------------------------------------ */

/* Checks that the index contains the stored documents, except those in its backlog. */
static bool check_search(struct check *check, struct error *err)
{
    static const struct {
        const char *sql;
        const char *problem;
    } rules[] = {
        {"SELECT count(*) FROM entries WHERE key NOT IN (SELECT id FROM search_entries_docsize)"
         " AND NOT EXISTS (SELECT 1 FROM search_backlog WHERE key BETWEEN first AND last)",
         "entries are missing from the search index"},
        {"SELECT count(*) FROM search_entries_docsize WHERE id NOT IN (SELECT key FROM entries)",
         "entries of the search index do not exist"},
        {"SELECT count(*) FROM search_contexts_docsize WHERE id NOT IN (SELECT seq FROM sessions)"
         " AND id + -9223372036854775808 NOT IN (SELECT first FROM search_backlog)",
         "contexts of the search index do not exist"},
    };
    bool is_current;

    if (!check_search_is_current(check, &is_current, err))
        return false;
    for (size_t i = 0; is_current && i < sizeof(rules) / sizeof(rules[0]); i++) {
        int64_t violations;
        if (!connection_integer(check->db, rules[i].sql, &violations, err))
            return set_failure(check, err);
        if (violations > 0)
            check_report_problem(check, "%lld %s", (long long)violations, rules[i].problem);
    }
    return !is_current || check_search_index(check, err);
}

/* Checks the schema first: the check of the structure executes expressions of the schema. */
static void check_file_structure(struct check *check, bool *is_current, struct error *err)
{
    int64_t pages;

    if (!connection_integer(check->db, "PRAGMA page_count", &pages, err)) {
        check_set_failure(check, err);
        return;
    }
    if (pages == 0)
        check_report_problem(check, "the file is empty");
    else if (migrate_check_schema(check->db, is_current, err))
        check->verdict = database_file_check(check->db, check->observer, err);
    else if (sqlite_error_is_system_failure(err))
        check->verdict = FILE_UNKNOWN;
    else
        check_report_problem(check, "%s", err->detail);
}

static void check_rows_and_logs(struct check *check, int64_t *sessions, struct error *err)
{
    check_rows(check, sessions, err);
    if (check->verdict != FILE_UNKNOWN)
        check_entries(check, err);
}

static void check_all(struct check *check, int64_t *sessions, struct error *err)
{
    bool is_current = false;

    check_file_structure(check, &is_current, err);
    if (check->verdict != FILE_OK || (!is_current && !try_migration(check, err)))
        return;
    if (check_clock(check, err) && check_tables(check, err) && check_search(check, err))
        check_rows_and_logs(check, sessions, err);
}

enum file_verdict check_file(const char *path, session_context_fix fix_context,
                             const struct file_observer *observer, int64_t *sessions,
                             struct error *err)
{
    struct check check = {.fix_context = fix_context, .observer = observer};
    int lock;

    if (!database_file_open(path, &check.db, &lock, err))
        return FILE_UNKNOWN;
    *sessions = 0;
    check_all(&check, sessions, err);
    connection_close(check.db);
    if (lock >= 0)
        close(lock);
    return check.verdict;
}

enum file_verdict check_database(sqlite3 *db, session_context_fix fix_context,
                                 const struct file_observer *observer, struct error *err)
{
    struct check check = {.db = db, .fix_context = fix_context, .observer = observer};
    int64_t sessions = 0;

    check_all(&check, &sessions, err);
    return check.verdict;
}

enum file_verdict check_structure(const char *path, const struct file_observer *observer,
                                  struct error *err)
{
    struct check check = {.observer = observer};
    bool is_current;
    int lock;

    if (!database_file_open(path, &check.db, &lock, err))
        return FILE_UNKNOWN;
    check_file_structure(&check, &is_current, err);
    connection_close(check.db);
    if (lock >= 0)
        close(lock);
    return check.verdict;
}
