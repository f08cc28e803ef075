/* Which files are brought to the schema, which are refused, and that these are left as they are. */

#include "tests/unit/support/database_fixture.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/file/migrate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(migrate, .init = folder_enter, .fini = folder_leave);

extern const unsigned char schema_001_sessions[];
extern const unsigned char schema_002_no_index_of_both_texts[];
extern const unsigned char schema_003_events[];
extern const unsigned char schema_004_entries[];
extern const unsigned char schema_005_forks[];

static struct error err;

static void make_file(const char *sql)
{
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(DATABASE_PATH, &db), SQLITE_OK);
    database_run(db, sql);
    sqlite3_close(db);
}

static void write_file(const char *bytes, size_t size)
{
    FILE *file = fopen(DATABASE_PATH, "wb");

    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void ignore_notice(void *arg, enum store_severity severity, const char *event,
                          const char *detail)
{
    (void)arg;
    (void)severity;
    (void)event;
    (void)detail;
}

static void ignore_failure(void *arg)
{
    (void)arg;
}

static char *serve_as_it_is(struct slice text)
{
    (void)text;
    return NULL;
}

static bool open_store(struct store **store)
{
    const struct store_options options = {
        .path = DATABASE_PATH,
        .readers = 1,
        .max_queue = 10,
        .checkpoint_pages = 1000,
        .observer = {NULL, ignore_notice, ignore_failure},
        .fix_legacy_context = serve_as_it_is,
    };

    return store_open(&options, store, &err);
}

/* Refused by the store, which leaves the file as it was. */
static void expect_refused(const char *why)
{
    const struct slice before = database_bytes(DATABASE_PATH);
    struct store *store = NULL;

    cr_expect_not(open_store(&store), "%s", why);
    cr_expect_eq(err.kind, ERROR_INTERNAL);
    cr_expect(strstr(err.detail, why), "%s, not %s", err.detail, why);
    cr_expect_null(store);
    const struct slice after = database_bytes(DATABASE_PATH);
    cr_expect(slice_equal(before, after), "%s: the file has changed", why);
    free((void *)(uintptr_t)before.data);
    free((void *)(uintptr_t)after.data);
}

Test(migrate, a_new_file_gets_the_schema)
{
    sqlite3 *db = database_on_disk();
    bool current = false;

    cr_expect_eq(database_number(db, "SELECT count(*) FROM sessions"), 0);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM sessiond_clock"), 1);
    cr_expect(migrate_check_schema(db, &current, &err), "%s", err.detail);
    cr_expect(current);
    connection_close(db);
}

/* As the first schema's sessiond left it. */
static void make_first_schema(void)
{
    make_file((const char *)schema_001_sessions);
    make_file("INSERT INTO sessions (id, project_path, thread_id, status, created_at, updated_at,"
              " version, context_bytes, seq, context) VALUES"
              " ('11111111-1111-4111-8111-111111111111', '/p', 't', 'PAUSED',"
              " '2026-11-23T06:36:00.123456+00:00', '2026-11-23T06:36:00.123456+00:00', 3, 7, 5,"
              " '{\"a\":1}'); PRAGMA user_version = 1");
}

Test(migrate, a_file_of_the_first_schema_is_brought_to_this_one)
{
    struct store *store;

    make_first_schema();
    cr_assert(open_store(&store), "%s", err.detail);
    store_close(store);

    sqlite3 *db = database_on_disk();
    bool current = false;
    cr_assert(migrate_check_schema(db, &current, &err), "%s", err.detail);
    cr_expect(current);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM sessions WHERE version = 3"), 1);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM sqlite_schema WHERE name ="
                                     " 'idx_sessions_thread_and_project'"),
                 0);
    connection_close(db);
}

Test(migrate, an_empty_file_is_a_new_one)
{
    struct store *store;

    write_file("", 0);
    cr_assert(open_store(&store), "%s", err.detail);
    store_close(store);
}

/* Its columns are those that the other program knows, of the type that it expects. */
Test(migrate, the_seven_columns_are_texts)
{
    sqlite3 *db = database_on_disk();

    cr_expect_eq(database_number(db, "SELECT count(*) FROM pragma_table_info('sessions')"
                                     " WHERE type = 'TEXT' AND name IN ('id', 'project_path',"
                                     " 'thread_id', 'status', 'context', 'created_at',"
                                     " 'updated_at')"),
                 7);
    connection_close(db);
}

Test(migrate, doing_it_again_changes_nothing)
{
    const struct store_observer observer = {.notice = ignore_notice};
    sqlite3 *db = database_on_disk();

    database_insert(db, 5, "/p", "t", SESSION_ACTIVE);
    const int changes = sqlite3_total_changes(db);
    cr_expect(migrate_run(db, serve_as_it_is, &observer, &err), "%s", err.detail);
    cr_expect_eq(sqlite3_total_changes(db), changes);
    cr_expect_eq(database_number(db, "SELECT seq FROM sessions"), 5);
    connection_close(db);
}

/* Its sessions are there, and nothing has happened to them yet. */
Test(migrate, a_file_of_the_first_schema_gets_the_events)
{
    struct store *store;
    sqlite3 *db;

    make_first_schema();
    cr_assert(open_store(&store), "%s", err.detail);
    store_close(store);
    cr_assert_eq(sqlite3_open(DATABASE_PATH, &db), SQLITE_OK);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM sessions WHERE version = 3"), 1);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM events"), 0);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM consumers"), 0);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM sessiond_events WHERE purged_id = 0"),
                 1);
    sqlite3_close(db);
}

/* Sessions that were deleted before left their tokens in the events alone. */
Test(migrate, fencing_tokens_go_on_from_the_events_of_older_files)
{
    sqlite3 *db;

    make_first_schema();
    make_file((const char *)schema_002_no_index_of_both_texts);
    make_file((const char *)schema_003_events);
    make_file((const char *)schema_004_entries);
    make_file((const char *)schema_005_forks);
    make_file("INSERT INTO events (id, type, version, session_id, thread_id, project_path,"
              " lease_owner, lease_token) VALUES (1, 8, 2,"
              " '22222222-2222-4222-8222-222222222222', 't', '/p', 'd', 41);"
              " PRAGMA user_version = 5");
    db = database_on_disk();
    cr_expect_eq(database_number(db, "SELECT token_floor FROM sessiond_leases"), 41);
    cr_expect_eq(database_number(db, "SELECT count(*) FROM lease_terms"), 0);
    connection_close(db);
}

Test(migrate, a_version_that_is_none_is_refused)
{
    connection_close(database_on_disk());
    make_file("PRAGMA user_version = -1");
    expect_refused("its schema version is -1");
}

Test(migrate, a_database_of_another_program_is_refused)
{
    make_file("CREATE TABLE sessions (id TEXT, data BLOB)");
    expect_refused("another program");
}

Test(migrate, what_is_no_database_is_refused)
{
    char text[5000];

    memset(text, 'x', sizeof(text));
    write_file(text, sizeof(text));
    expect_refused("not a database");
    write_file("short", 5);
    expect_refused("not a database");
}

Test(migrate, what_is_no_regular_file_is_refused)
{
    struct store *store;

    cr_assert_eq(mkdir(DATABASE_PATH, 0700), 0);
    cr_expect_not(open_store(&store));
    cr_expect(strstr(err.detail, "regular"), "%s", err.detail);
    cr_assert_eq(rmdir(DATABASE_PATH), 0);
    cr_assert_eq(mkfifo(DATABASE_PATH, 0600), 0);
    cr_expect_not(open_store(&store), "a pipe has no bytes, but is no new file");
    cr_expect(strstr(err.detail, "regular"), "%s", err.detail);
}

/* A page in the middle is overwritten: found when it is read, not by the look at the first one. */
Test(migrate, a_damaged_file_is_refused)
{
    struct store *store = NULL;
    sqlite3 *db = database_on_disk();

    for (int64_t seq = 1; seq <= 500; seq++)
        database_insert(db, seq, "/p", "t", SESSION_CREATED);
    connection_close_last(db);
    FILE *file = fopen(DATABASE_PATH, "r+b");
    fseek(file, 4096, SEEK_SET);
    for (int i = 0; i < 8 * 4096; i++)
        fputc(0xa5, file);
    fclose(file);
    cr_expect_not(open_store(&store));
    cr_expect(strstr(err.detail, "malformed"), "%s", err.detail);
    cr_expect_null(store);
}
