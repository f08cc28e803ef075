/* What of a row that the Python SessionManager wrote is kept, what is reported, what is refused. */

#include "tests/unit/support/database_fixture.h"
#include "tests/unit/support/store_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PYTHON_SCHEMA                                                                              \
    "PRAGMA journal_mode=WAL;"                                                                     \
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, project_path TEXT NOT NULL,"                      \
    " thread_id TEXT NOT NULL, status TEXT NOT NULL, created_at TEXT NOT NULL,"                    \
    " updated_at TEXT NOT NULL, context TEXT);"                                                    \
    "CREATE INDEX idx_sessions_created_at ON sessions (created_at DESC);"                          \
    "CREATE INDEX idx_sessions_thread_id ON sessions (thread_id);"

#define A "aaaaaaaa-0000-4000-8000-000000000001"
#define B "bbbbbbbb-0000-4000-8000-000000000002"
#define C "cccccccc-0000-4000-8000-000000000003"

/* All that the other program reads, in a text. */
#define ALL                                                                                        \
    "SELECT group_concat(quote(id) || quote(project_path) || quote(thread_id) || quote(status) ||" \
    " quote(created_at) || quote(updated_at) || quote(context), ';') FROM"                         \
    " (SELECT * FROM sessions ORDER BY id)"

static struct store_fixture fixture;
static struct error err;

static void make_folder(void)
{
    char folder[80];

    fixture_init(&fixture);
    snprintf(folder, sizeof(folder), "%s/sub", fixture.folder);
    cr_assert_eq(mkdir(folder, 0700), 0);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(adopt, .init = make_folder, .fini = release);

static void run(const char *sql)
{
    free(fixture_sql(&fixture, sql));
}

static void open_store(void)
{
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static enum store_visit copy_context(void *arg, const struct session *session)
{
    snprintf(arg, 256, "%lld %.*s", (long long)session->version, (int)session->context.len,
             session->context.data);
    return STORE_VISIT_NEXT;
}

static void expect_context(const char *id, const char *wanted)
{
    char found[256];

    cr_assert(store_get(fixture.store, id, copy_context, found, &err), "%s", err.detail);
    cr_expect_str_eq(found, wanted);
}

static void expect_one_notice(const char *about)
{
    const char *end = strchr(fixture.notices, '\n');

    cr_assert_not_null(end);
    cr_expect_str_eq(end, "\n", "there are more: %s", fixture.notices);
    cr_expect(strstr(fixture.notices, about), "%s", fixture.notices);
}

Test(adopt, every_field_stays_as_it_was)
{
    run(PYTHON_SCHEMA
        "INSERT INTO sessions VALUES"
        "('" A "', '/home/me/a', '+1555', 'ACTIVE', '2026-01-25T12:00:00+00:00',"
        " '2026-01-25T13:00:00.5+00:00', '{\"n\": 1.50}'),"
        "('" B "', '/b', 't', 'TERMINATED', '2026-01-24T12:00:00.123456', '2026-01-25 12:00:00Z',"
        " '{}'),"
        "('" C "', 'ä''b', 't', 'PAUSED', '2026-01-26T00:00:00Z', '2026-01-26T00:00:00Z',"
        " '{\"x\":\n null}')");
    char *before = fixture_sql(&fixture, ALL);
    open_store();
    expect_context(A, "1 {\"n\": 1.50}");
    expect_context(C, "1 {\"x\":\n null}");
    fixture_close(&fixture);
    fixture_expect(&fixture, ALL, before);
    cr_expect_str_empty(fixture.notices, "%s", fixture.notices);
    free(before);
}

Test(adopt, a_missing_context_is_an_empty_object)
{
    run(PYTHON_SCHEMA "INSERT INTO sessions VALUES ('" A "', '/p', 't', 'CREATED',"
                      "'2026-01-25T12:00:00Z', '2026-01-25T12:00:00Z', NULL)");
    open_store();
    expect_context(A, "1 {}");
    cr_expect_str_empty(fixture.notices);
}

/* The Python class allows them. */
Test(adopt, empty_texts_are_adopted_and_served)
{
    run(PYTHON_SCHEMA "INSERT INTO sessions VALUES ('" A "', '', '', 'CREATED',"
                      "'2026-01-25T12:00:00Z', '2026-01-25T12:00:00Z', '{}')");
    open_store();
    expect_context(A, "1 {}");
    cr_expect_str_empty(fixture.notices);
}

Test(adopt, a_context_that_is_replaced_is_reported)
{
    run(PYTHON_SCHEMA "INSERT INTO sessions VALUES ('" A "', '/p', 't', 'CREATED',"
                      "'2026-01-25T12:00:00Z', '2026-01-25T12:00:00Z', 'NaN')");
    open_store();
    expect_context(A, "1 {\"_adopted_text\":\"…\"}");
    expect_one_notice(A);
}

Test(adopt, a_refused_adoption_reports_no_context)
{
    run(PYTHON_SCHEMA "INSERT INTO sessions VALUES ('" A "', '/p', 't', 'CREATED',"
                      "'2026-01-25T12:00:00Z', '2026-01-25T12:00:00Z', 'NaN'), ('" B "', '/p', 't',"
                      "'UNKNOWN', '2026-01-25T12:00:01Z', '2026-01-25T12:00:01Z', '{}')");
    cr_expect_not(fixture_open(&fixture, &err));
    cr_expect_str_empty(fixture.notices);
}

static void expect_whole_refused(const char *sql, const char *why)
{
    run("DROP TABLE IF EXISTS sessions");
    run(PYTHON_SCHEMA);
    run("INSERT INTO sessions VALUES ('" A "', '/p', 't', 'CREATED', '2026-01-25T12:00:00Z',"
        " '2026-01-25T12:00:00Z', '{}')");
    run(sql);
    const struct slice before = database_bytes(fixture.path);
    cr_expect_not(fixture_open(&fixture, &err), "%s", sql);
    cr_expect(strstr(err.detail, why), "%s: %s, not %s", sql, err.detail, why);
    const struct slice after = database_bytes(fixture.path);
    cr_expect(slice_equal(before, after), "the file has changed: %s", sql);
    free((void *)(uintptr_t)before.data);
    free((void *)(uintptr_t)after.data);
}

Test(adopt, one_row_that_cannot_be_served_refuses_the_whole)
{
    static const struct {
        const char *sql;
        const char *why;
    } cases[] = {
        {"UPDATE sessions SET id = 'no uuid'", "no uuid"},
        {"UPDATE sessions SET id = upper(id)", "AAAAAAAA-0000"},
        {"UPDATE sessions SET status = 'RUNNING'", A},
        {"UPDATE sessions SET created_at = 'yesterday'", A},
        {"UPDATE sessions SET updated_at = ''", A},
        {"UPDATE sessions SET id = NULL", "NOT NULL"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_whole_refused(cases[i].sql, cases[i].why);
}

Test(adopt, what_the_other_program_writes_later_is_taken_over_too)
{
    run(PYTHON_SCHEMA);
    open_store();
    fixture_create(&fixture, "/p", "t", "{\"first\":1}", NULL);
    fixture_close(&fixture);
    run("INSERT INTO sessions (id, project_path, thread_id, status, created_at, updated_at, "
        "context)"
        " VALUES ('" A "', '/p', 't', 'ACTIVE', '2026-01-25T12:00:00+00:00',"
        " '2026-01-25T12:00:00+00:00', 'Infinity')");
    run("UPDATE sessions SET context = '{\"second\": 2}' WHERE id <> '" A "'");
    char *id = fixture_sql(&fixture, "SELECT id FROM sessions WHERE id <> '" A "'");
    open_store();
    expect_context(A, "1 {\"_adopted_text\":\"…\"}");
    expect_context(id, "2 {\"second\": 2}");
    expect_one_notice(A);
    free(id);
    fixture_close(&fixture);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions WHERE context_bytes IS NULL", "0");
}
