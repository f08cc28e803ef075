/* A database that cannot be served: the process says why, ends, and leaves the file as it was. */
#include "tests/support/files.h"
#include "tests/support/fixture.h"
#include "tests/support/python.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(database_file, .init = fixture_init, .fini = fixture_stop);

/* Starts on a file that is there, and expects to be refused with these words. */
static void expect_refused(const char *words)
{
    size_t len_before;
    size_t len_after;
    char *before = file_read(service.database, &len_before);

    cr_assert_not_null(before);
    cr_expect_eq(service_run(&service, NULL), 1);
    char *log = service_log(&service);
    cr_expect(service_logged(&service, "cannot_start", words), "no \"%s\" in: %s", words, log);
    cr_expect(!service_logged(&service, "listening", ""));
    free(log);
    char *after = file_read(service.database, &len_after);
    cr_expect(after != NULL && len_after == len_before && memcmp(before, after, len_before) == 0,
              "the file has changed: %s", words);
    free(after);
    free(before);
}

Test(database_file, a_folder_is_no_database)
{
    cr_assert_eq(mkdir(service.database, 0700), 0);
    cr_expect_eq(service_run(&service, NULL), 1);
    cr_expect(service_logged(&service, "cannot_start", "not a regular file"));
    cr_expect_eq(rmdir(service.database), 0, "something was put into it");
}

Test(database_file, a_path_through_a_file_is_named)
{
    char path[128];

    file_write(service.database, "text", 4);
    snprintf(path, sizeof(path), "%s/sessions.db", service.database);
    cr_expect_eq(service_run(&service, FLAGS("--db", path)), 1);
    cr_expect(service_logged(&service, "cannot_start", service.database));
}

Test(database_file, the_folder_of_the_file_is_made)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/a/c.db", service.folder);
    service_start(&service, FLAGS("--db", path));
    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    cr_expect(file_exists(path));
}

/* A typing error in --db would start an empty database elsewhere. */
Test(database_file, a_path_without_the_parent_of_its_folder_is_refused)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/a/b/c.db", service.folder);
    cr_expect_eq(service_run(&service, FLAGS("--db", path)), 1);
    cr_expect(service_logged(&service, "cannot_start", "its parent folder does not exist"));
    cr_expect_not(file_exists(path));
}

Test(database_file, an_empty_file_is_a_new_database)
{
    file_write(service.database, "", 0);
    service_start(&service, NULL);
    create_session("/p", "t", NULL, (char[UUID_SIZE]){0});
    fixture_restart(NULL);
    cr_expect_eq(count_sessions(), 1);
}

Test(database_file, a_text_file_is_no_database)
{
    static const char text[] = "This is the diary of somebody, and no database at all.\n";
    char *long_text = malloc(100 * sizeof(text));

    file_write(service.database, text, sizeof(text) - 1);
    expect_refused("not a database");
    cr_assert_not_null(long_text);
    for (size_t i = 0; i < 100; i++)
        memcpy(long_text + i * sizeof(text), text, sizeof(text));
    file_write(service.database, long_text, 100 * sizeof(text));
    expect_refused("not a database");
    free(long_text);
}

Test(database_file, half_a_database_is_none)
{
    size_t len;

    service_start(&service, NULL);
    for (int i = 0; i < 20; i++)
        create_session("/p", "t", "{\"a\":\"some text of some length\"}", (char[UUID_SIZE]){0});
    service_stop(&service);
    char *whole = file_read(service.database, &len);
    file_write(service.database, whole, len / 2);
    free(whole);
    expect_refused("");
}

Test(database_file, a_database_of_a_newer_version_is_refused)
{
    service_start(&service, NULL);
    service_stop(&service);
    python_sql(&service, "PRAGMA user_version = 99");
    expect_refused("schema version is 99");
    python_sql(&service, "PRAGMA user_version = -1");
    expect_refused("schema version is -1");
}

Test(database_file, a_database_of_another_program_is_refused)
{
    python_sql(&service, "CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT)");
    expect_refused("another program");
    python_sql(&service, "PRAGMA journal_mode=WAL");
    expect_refused("another program");
    python_sql(&service, "PRAGMA user_version = 1");
    expect_refused("another program");
}

Test(database_file, a_table_of_the_same_name_is_not_enough)
{
    python_sql(&service, "CREATE TABLE sessions (id TEXT PRIMARY KEY, cookie TEXT)");
    expect_refused("another program");
}

/* What cannot be adopted was found halfway through: nothing of it may stay. */
static const char *const unadoptable[][2] = {
    {"INSERT INTO sessions VALUES ('B0A4C7DE-0000-4000-8000-000000000001', '/p', 't', 'CREATED',"
     " '{}', '2026-01-25T12:00:00+00:00', '2026-01-25T12:00:00+00:00')",
     "B0A4C7DE-0000-4000-8000-000000000001: the id is not a lower-case UUID"},
    {"INSERT INTO sessions VALUES ('session-1', '/p', 't', 'CREATED', '{}',"
     " '2026-01-25T12:00:00+00:00', '2026-01-25T12:00:00+00:00')",
     "session-1: the id is not a lower-case UUID"},
    {"INSERT INTO sessions VALUES ('b0a4c7de-0000-4000-8000-000000000001', '/p', 't', 'RUNNING',"
     " '{}', '2026-01-25T12:00:00+00:00', '2026-01-25T12:00:00+00:00')",
     "b0a4c7de-0000-4000-8000-000000000001: the status is unknown"},
    {"INSERT INTO sessions VALUES ('b0a4c7de-0000-4000-8000-000000000001', '/p', 't', 'CREATED',"
     " '{}', 'yesterday', '2026-01-25T12:00:00+00:00')",
     "b0a4c7de-0000-4000-8000-000000000001: a time is invalid"},
};

static void expect_unadoptable(const char *journal_mode)
{
    char pragma[64];

    snprintf(pragma, sizeof(pragma), "PRAGMA journal_mode=%s", journal_mode);
    for (size_t i = 0; i < sizeof(unadoptable) / sizeof(unadoptable[0]); i++) {
        unlink(service.database);
        python_manager(&service, "insert",
                       "[\"00000000-0000-4000-8000-000000000001\",\"/p\",\"t\",\"CREATED\",\"{}\","
                       "\"2026-01-25T12:00:00+00:00\",\"2026-01-25T12:00:00+00:00\"]\n");
        python_sql(&service, pragma);
        python_sql(&service, unadoptable[i][0]);
        expect_refused(unadoptable[i][1]);
    }
}

Test(database_file, what_cannot_be_adopted_is_refused_as_a_whole)
{
    expect_unadoptable("wal");
}

/* As a copy by SQLite's VACUUM INTO or .backup is. */
Test(database_file, what_cannot_be_adopted_is_refused_in_any_journal_mode)
{
    expect_unadoptable("delete");
}

/* Once it is corrected, as the message asks, the same file is served. */
Test(database_file, a_corrected_file_is_adopted)
{
    python_manager(&service, "insert",
                   "[\"00000000-0000-4000-8000-00000000000A\",\"/p\",\"t\",\"CREATED\",\"{}\","
                   "\"2026-01-25T12:00:00+00:00\",\"2026-01-25T12:00:00+00:00\"]\n");
    expect_refused("cannot import a session");
    python_sql(&service, "UPDATE sessions SET id = lower(id)");
    service_start(&service, NULL);
    expect_status(client_get(client, "/sessions/00000000-0000-4000-8000-00000000000a"), 200);
}
