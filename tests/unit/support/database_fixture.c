#include "tests/unit/support/database_fixture.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/file/migrate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/sessiond-unit-XXXXXX";

static void on_notice(void *arg, enum store_severity severity, const char *event,
                      const char *detail)
{
    (void)arg;
    (void)severity;
    cr_assert_fail("%s: %s", event, detail);
}

static void migrate(sqlite3 *db)
{
    const struct store_observer observer = {.notice = on_notice};
    struct error err;

    cr_assert(migrate_run(db, NULL, &observer, &err), "%s", err.detail);
}

void folder_enter(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

void folder_leave(void)
{
    char command[64];

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

sqlite3 *database_on_disk(void)
{
    sqlite3 *db;
    struct error err;

    cr_assert(connection_open_writer(DATABASE_PATH, &db, &err) && connection_make_durable(db, &err),
              "%s", err.detail);
    migrate(db);
    return db;
}

sqlite3 *database_in_memory(void)
{
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    migrate(db);
    return db;
}

void database_run(sqlite3 *db, const char *sql)
{
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s: %s", sql,
                 sqlite3_errmsg(db));
}

int64_t database_number(sqlite3 *db, const char *sql)
{
    int64_t number;
    struct error err;

    cr_assert(connection_integer(db, sql, &number, &err), "%s", err.detail);
    return number;
}

void database_insert(sqlite3 *db, int64_t seq, const char *project_path, const char *thread_id,
                     enum session_status status)
{
    char *sql = sqlite3_mprintf(
        "INSERT INTO sessions (seq, id, project_path, thread_id, status, created_at, updated_at,"
        " context_bytes, context) VALUES (%lld, printf('%%08x-0000-4000-8000-%%012x', %lld, %lld),"
        " %Q, %Q, %Q, '2026-01-25T12:00:00.000000+00:00', '2026-01-25T12:00:00.000000+00:00', 2,"
        " '{}')",
        (long long)seq, (long long)seq >> 40, (long long)seq, project_path, thread_id,
        session_status_name(status));

    database_run(db, sql);
    sqlite3_free(sql);
}

struct slice database_bytes(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    size_t size = 0;
    long end;

    if (file == NULL)
        return (struct slice){0};
    cr_assert_eq(fseek(file, 0, SEEK_END), 0);
    end = ftell(file);
    rewind(file);
    bytes = malloc((size_t)end + 1);
    cr_assert_not_null(bytes);
    size = fread(bytes, 1, (size_t)end, file);
    cr_assert_eq(size, end);
    fclose(file);
    return (struct slice){bytes, size};
}
