/* The file of the Python SessionManager: taken over in place with nothing lost, or refused and left
 * as it was. */

#include "store_fixture.h"

#include "db/adopt.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The schema of the Python class. */
#define PYTHON_TABLE                                                                               \
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, project_path TEXT NOT NULL, thread_id TEXT NOT "  \
    "NULL, status TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, context TEXT" \
    ");"                                                                                           \
    "CREATE INDEX idx_sessions_created_at ON sessions (created_at DESC);"                          \
    "CREATE INDEX idx_sessions_thread_id ON sessions (thread_id);"

#define FIRST_ID "b0a4c7de-0000-4000-8000-000000000001"
#define SECOND_ID "b0a4c7de-0000-4000-8000-000000000002"
#define AT_NOON "'2026-01-25T12:00:00+00:00'"
#define ROW(id, times, context)                                                                    \
    "INSERT INTO sessions VALUES ('" id "', '/p', 't', 'ACTIVE', " times ", " times ", " context   \
    ");"

static struct store_fixture fixture;

/* A folder for the file, which a test makes with python(). */
static void init(void)
{
    char folder[96];

    fixture_init(&fixture);
    snprintf(folder, sizeof(folder), "%s/sub", fixture.folder);
    cr_assert_eq(mkdir(folder, 0700), 0);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_adopt, .init = init, .fini = release);

static void open_store(void)
{
    struct error err;

    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void sql(const char *text)
{
    free(fixture_sql(&fixture, text));
}

static char *adopt_longer(struct slice text)
{
    char *longer = malloc(2 * text.len + 1);

    memset(longer, 'x', 2 * text.len);
    longer[2 * text.len] = '\0';
    return longer;
}

Test(store_adopt, a_context_that_grows_is_kept_whole)
{
    sql(PYTHON_TABLE ROW(FIRST_ID, AT_NOON, "printf('%.60000c', '\"')"));
    fixture.options.adopt_context = adopt_longer;
    open_store();
    fixture_close(&fixture);
    fixture_expect(&fixture, "SELECT length(context) FROM sessions", "120000");
    fixture_expect(&fixture, "SELECT context_bytes FROM sessions", "120000");
}

extern const unsigned char schema_001_sessions[];

Test(store_adopt, a_context_that_cannot_be_stored_is_refused)
{
    struct error err;
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, (const char *)schema_001_sessions, NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db,
                              "INSERT INTO sessions (id, project_path, thread_id, status,"
                              " created_at, updated_at, context) VALUES ('" FIRST_ID
                              "', '/p', 't', 'ACTIVE', " AT_NOON ", " AT_NOON
                              ", printf('%.600c', '\"'))",
                              NULL, NULL, NULL),
                 SQLITE_OK);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1000);
    cr_expect_not(adopt_rows(db, adopt_longer, &fixture.options.observer, &err));
    cr_expect(strstr(err.detail, "too big"), "%s", err.detail);
    sqlite3_close(db);
}
