/* The file of the Python SessionManager: taken over in place with nothing lost, or refused and left
 * as it was. */

#include "tests/unit/support/store_fixture.h"

#include "db/sqlite/file/legacy_import.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

Test(store_adopt, contexts_that_are_no_texts)
{
    sql(PYTHON_TABLE ROW(FIRST_ID, AT_NOON, "x''") ROW(SECOND_ID, AT_NOON, "NULL"));
    open_store();
    fixture_close(&fixture);
    fixture_expect(&fixture, "SELECT group_concat(context) FROM sessions",
                   "{\"_adopted_text\":\"…\"},{}");
}

/* Runs SQL in a process that ends without closing the file. */
static void sql_and_crash(const char *text)
{
    const pid_t child = fork();
    sqlite3 *db;
    int status;

    if (child == 0)
        _exit(sqlite3_open(fixture.path, &db) != SQLITE_OK ||
              sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The bytes of the file `path` with `suffix`, in front of them their number; -1 when there is no
 * such file. */
static char *read_file(const char *suffix)
{
    char path[128];

    snprintf(path, sizeof(path), "%s%s", fixture.path, suffix);
    FILE *file = fopen(path, "r");
    long size = -1;
    if (file != NULL)
        cr_assert(fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0);
    char *bytes = malloc(sizeof(size) + (size < 0 ? 0 : (size_t)size));
    memcpy(bytes, &size, sizeof(size));
    if (file != NULL) {
        rewind(file);
        cr_assert_eq(fread(bytes + sizeof(size), 1, (size_t)size, file), (size_t)size);
        fclose(file);
    }
    return bytes;
}

static bool same_files(const char *left, const char *right)
{
    long size;

    memcpy(&size, left, sizeof(size));
    return memcmp(left, right, sizeof(size)) == 0 &&
           (size <= 0 || memcmp(left, right, sizeof(size) + (size_t)size) == 0);
}

static int access_index(void)
{
    char path[128];

    snprintf(path, sizeof(path), "%s-shm", fixture.path);
    return access(path, F_OK);
}

/* The start is refused for this reason, and the file, its log and its journal stay as they are; no
 * index of a log is left where none was. */
static void expect_refused(const char *reason)
{
    static const char *const suffixes[] = {"", "-wal", "-journal"};
    const bool had_index = access_index() == 0;
    char *before[3];
    struct error err;

    for (int i = 0; i < 3; i++)
        before[i] = read_file(suffixes[i]);
    cr_assert_not(fixture_open(&fixture, &err));
    cr_expect(strstr(err.detail, reason), "%s", err.detail);
    for (int i = 0; i < 3; i++) {
        char *after = read_file(suffixes[i]);
        cr_expect(same_files(before[i], after), "sessions.db%s has changed", suffixes[i]);
        free(after);
        free(before[i]);
    }
    cr_expect(had_index || access_index() != 0);
}

#define WAL "PRAGMA journal_mode=WAL;"
#define BAD_ROW ROW("not-a-uuid", AT_NOON, "'{}'")

Test(store_adopt, a_row_that_cannot_be_served)
{
    sql(PYTHON_TABLE ROW(FIRST_ID, AT_NOON, "'{}'") BAD_ROW);
    expect_refused("not-a-uuid: the id is not a lower-case UUID");
}

Test(store_adopt, a_row_that_cannot_be_served_in_a_file_with_a_log)
{
    sql(WAL PYTHON_TABLE BAD_ROW);
    expect_refused("not-a-uuid");
    sql_and_crash(ROW(FIRST_ID, AT_NOON, "'{}'"));
    expect_refused("not-a-uuid");
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "2");
}

Test(store_adopt, many_rows_of_which_the_last_cannot_be_served)
{
    sql(PYTHON_TABLE
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)"
        "INSERT INTO sessions SELECT printf('b0a4c7de-0000-4000-8000-%012d', i), '/p', 't',"
        " 'ACTIVE', " AT_NOON ", " AT_NOON ", printf('{\"a\":\"%.3000c\"}', 'x') FROM n;" BAD_ROW);
    expect_refused("not-a-uuid");
}

Test(store_adopt, a_database_of_another_program)
{
    sql("CREATE TABLE x (a)");
    expect_refused("another program");
    sql(WAL "CREATE TABLE y (a)");
    expect_refused("another program");
    sql_and_crash("CREATE TABLE z (a)");
    expect_refused("another program");
}

Test(store_adopt, a_newer_file)
{
    sql(PYTHON_TABLE "PRAGMA user_version = 77");
    expect_refused("schema version is 77");
}

Test(store_adopt, no_database)
{
    FILE *file = fopen(fixture.path, "w");

    cr_assert(fputs("a text of some length, which is no database at all", file) > 0);
    fclose(file);
    expect_refused("not a database");
}

Test(store_adopt, a_column_that_would_be_lost)
{
    sql(PYTHON_TABLE "ALTER TABLE sessions ADD COLUMN notes TEXT;"
                     "ALTER TABLE sessions ADD COLUMN archived INTEGER;");
    expect_refused("column notes, column archived");
}

Test(store_adopt, what_refers_to_the_table)
{
    sql(PYTHON_TABLE "CREATE VIEW recent AS SELECT id FROM sessions");
    expect_refused("view recent");
    sql("DROP VIEW recent; CREATE TABLE audit (x); CREATE TRIGGER watch AFTER UPDATE ON sessions"
        " BEGIN INSERT INTO audit VALUES (1); END");
    expect_refused("trigger watch");
    sql("DROP TRIGGER watch;"
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, session_id TEXT REFERENCES Sessions (id))");
    expect_refused("table messages");
    sql("DROP TABLE messages; CREATE VIRTUAL TABLE words USING fts5 (context, content=sessions)");
    expect_refused("table words");
}

Test(store_adopt, what_does_not_refer_to_it_stays)
{
    sql(PYTHON_TABLE ROW(FIRST_ID, AT_NOON, "'{}'") "CREATE TABLE clock (x);"
                                                    "INSERT INTO clock VALUES (12)");
    open_store();
    fixture_close(&fixture);
    fixture_expect(&fixture, "SELECT x FROM clock", "12");
}

Test(store_adopt, indexes_of_the_table_make_way)
{
    sql(PYTHON_TABLE ROW(
        FIRST_ID, AT_NOON,
        "'{}'") "CREATE INDEX idx_sessions_status ON sessions (status);"
                "CREATE UNIQUE INDEX \"my \"\"own\"\"; index\" ON Sessions (id, status);");
    open_store();
    fixture_close(&fixture);
    fixture_expect(&fixture,
                   "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'my%' OR name LIKE"
                   " '%created_at'",
                   "0");
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "1");
}

/* The Python program makes its indexes at its own start. */
Test(store_adopt, an_index_made_again_makes_way_again)
{
    open_store();
    fixture_close(&fixture);
    sql("CREATE INDEX idx_sessions_created_at ON sessions (created_at DESC)");
    open_store();
    fixture_close(&fixture);
    fixture_expect(&fixture, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%created_at'",
                   "0");
}

Test(store_adopt, a_crashed_transaction_is_taken_back)
{
    sql(PYTHON_TABLE ROW(FIRST_ID, AT_NOON, "'{}'"));
    sql_and_crash("PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN IMMEDIATE;"
                  "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                  "INSERT INTO sessions SELECT i, '/p', 't', 'ACTIVE', 'x', 'x', 'x' FROM n;"
                  "UPDATE sessions SET thread_id = 'u'");
    char *journal = read_file("-journal");
    long size;
    memcpy(&size, journal, sizeof(size));
    cr_assert_gt(size, 0);
    free(journal);
    open_store();
    fixture_close(&fixture);
    fixture_expect(&fixture, "SELECT group_concat(id || thread_id) FROM sessions", FIRST_ID "t");
    fixture_expect(&fixture, "PRAGMA journal_mode", "wal");
}

Test(store_adopt, somebody_reads_while_it_happens)
{
    sqlite3 *reader;

    sql(WAL PYTHON_TABLE ROW(FIRST_ID, AT_NOON, "'{}'"));
    cr_assert_eq(sqlite3_open(fixture.path, &reader), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(reader, "BEGIN; SELECT * FROM sessions", NULL, NULL, NULL),
                 SQLITE_OK);
    open_store();
    cr_expect(strstr(fixture.notices, "checkpoint_failed"), "%s", fixture.notices);
    fixture_create(&fixture, "/p", "t", "{}", NULL);
    sqlite3_close(reader);
    fixture_close(&fixture);
    fixture_expect(&fixture, "SELECT count(*) FROM sessions", "2");
}

/* seq in the order of creation, rows of the same time in the order of the file. */
Test(store_adopt, rows_are_laid_in_order)
{
    sql(PYTHON_TABLE ROW("b0a4c7de-0000-4000-8000-00000000000c", "'2026-01-25T12:00:01'", "'{}'")
            ROW("b0a4c7de-0000-4000-8000-00000000000b", "'2026-01-25T13:00:00.5+01:00'", "'{}'")
                ROW("b0a4c7de-0000-4000-8000-00000000000a", "'2026-01-25T12:00:00.500'", "'{}'"));
    open_store();
    fixture_close(&fixture);
    fixture_expect(&fixture,
                   "SELECT group_concat(substr(id, -1), '') FROM (SELECT id FROM sessions ORDER BY"
                   " seq)",
                   "bac");
}

#define YEAR_2031_US INT64_C(1924948800000000) /* 2031-01-01T00:00:00Z */

static int64_t updated_us(void)
{
    struct store_job job = {
        .operation = STORE_UPDATE, .id = FIRST_ID, .context = SLICE_LITERAL("{\"n\":1}")};

    fixture_run(&fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    const int64_t us = job.session.updated_us;
    store_job_release(&job);
    return us;
}

Test(store_adopt, time_goes_on_from_the_newest)
{
    sql(PYTHON_TABLE ROW(FIRST_ID, "'2031-01-01T00:00:00+00:00'", "'{}'"));
    open_store();
    cr_expect_gt(updated_us(), YEAR_2031_US);
    cr_expect_gt(fixture_create(&fixture, "/p", "t", "{}", NULL), YEAR_2031_US);
}

Test(store_adopt, time_goes_on_from_a_single_row)
{
    open_store();
    fixture_close(&fixture);
    sql("INSERT INTO sessions (id, project_path, thread_id, status, created_at, updated_at, "
        "context)"
        " VALUES ('" FIRST_ID "', '/p', 't', 'ACTIVE', " AT_NOON
        ", '2031-01-01T00:00:00+00:00', '{}')");
    open_store();
    cr_expect_gt(updated_us(), YEAR_2031_US);
}

Test(store_adopt, no_time_is_left_after_the_last_one)
{
    sql(PYTHON_TABLE ROW(FIRST_ID, "'9999-12-31T23:59:59.999999+00:00'", "'{}'"));
    expect_refused(FIRST_ID);
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
    fixture.options.fix_legacy_context = adopt_longer;
    open_store();
    fixture_close(&fixture);
    fixture_expect(&fixture, "SELECT length(context) FROM sessions", "120000");
    fixture_expect(&fixture, "SELECT context_bytes FROM sessions", "120000");
}

extern const unsigned char schema_001_sessions[];
extern const unsigned char schema_003_events[];
extern const unsigned char schema_004_entries[];
extern const unsigned char schema_005_forks[];
extern const unsigned char schema_006_lease_terms[];

Test(store_adopt, a_context_that_cannot_be_stored_is_refused)
{
    struct legacy_replaced replaced = {0};
    struct error err;
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, (const char *)schema_001_sessions, NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, (const char *)schema_003_events, NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, (const char *)schema_004_entries, NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, (const char *)schema_005_forks, NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, (const char *)schema_006_lease_terms, NULL, NULL, NULL),
                 SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db,
                              "INSERT INTO sessions (id, project_path, thread_id, status,"
                              " created_at, updated_at, context) VALUES ('" FIRST_ID
                              "', '/p', 't', 'ACTIVE', " AT_NOON ", " AT_NOON
                              ", printf('%.600c', '\"'))",
                              NULL, NULL, NULL),
                 SQLITE_OK);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1000);
    cr_expect_not(legacy_import_rows(db, adopt_longer, &replaced, &err));
    cr_expect(strstr(err.detail, "too big"), "%s", err.detail);
    legacy_release(&replaced);
    sqlite3_close(db);
}
