/*
 * A database file of a valid schema whose rows were changed (tests/fuzz/row_program.h): `check`
 * says something about it; the store opens or refuses it; every kind of request gets a well-formed
 * response, and nothing that it finds ends the process. What `check` finds sound stays sound.
 *
 * Covers: db/sqlite/file/check_tables.c db/sqlite/file/check_entries.c
 * db/sqlite/connection/session_row.c db/sqlite/read/events.c routes/http/idempotency_key.c
 */
#include "db/sqlite/file/check.h"
#include "routes/json/legacy_context.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/response_check.h"
#include "tests/fuzz/row_program.h"
#include "tests/fuzz/sqlite_arena.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_BYTES_MAX 4096

static char folder[] = "/dev/shm/sessiond-fuzz-XXXXXX";
static char path[sizeof(folder) + 16];
static struct slice seed; /* the file of a valid database */
static sqlite3 *memory;   /* holds a copy of it while a program changes rows */
static struct slice program;
static char problem_found[256];    /* by `check` */
static bool texts_are_json = true; /* each stored text, as `check` wants it */
static bool wants_success;         /* the database is valid: no request is refused */

static int call(struct route_client *client, const struct route_call *request)
{
    const int status = route_client_call(client, request);

    response_check(client, status, texts_are_json);
    expect(!wants_success || (status >= 200 && status <= 299), request->target,
           buffer_slice(&client->body));
    return status;
}

/* --- Requests ------------------------------------------------------------------------------- */

#define FIRST "/sessions/00000000-0000-4000-8000-000000000001"
#define SECOND "/sessions/00000000-0000-4000-8000-000000000002"
#define THIRD "/sessions/00000000-0000-4000-8000-000000000003"
#define FOURTH "/sessions/00000000-0000-4000-8000-000000000004"
#define NEW "{\"project_path\":\"/p\",\"thread_id\":\"t\"}"
#define MERGE "application/merge-patch+json"
#define LINES "application/x-ndjson"

/* Make the valid database: rows in each table, events of each type. */
static const struct route_call seed_calls[] = {
    {.method = METHOD_PUT,
     .target = FIRST,
     .body = "{\"project_path\":\"/p\",\"thread_id\":\"t\",\"context\":"
             "{\"a\":\"h\\u00e9llo\",\"c\":{\"d\":[1]}}}"},
    {.method = METHOD_PUT, .target = SECOND, .body = NEW},
    {.method = METHOD_PUT,
     .target = THIRD,
     .body = "{\"project_path\":\"/q\",\"thread_id\":\"u\"}"},
    {.method = METHOD_PUT, .target = FOURTH, .body = NEW},
    {.method = METHOD_POST,
     .target = FIRST "/entries",
     .body = "[{\"uuid\":\"u1\",\"text\":\"hello\"},{\"text\":\"world\"},{\"uuid\":\"u2\"}]"},
    {.method = METHOD_POST,
     .target = FIRST "/entries?stream=side",
     .body = "[{\"uuid\":\"u3\",\"text\":\"hello\"}]"},
    {.method = METHOD_POST, .target = THIRD "/entries", .body = "[{\"text\":\"hello\"}]"},
    {.method = METHOD_POST,
     .target = FOURTH "/entries",
     .body = "[{\"uuid\":\"u4\",\"text\":\"gone\"}]"},
    {.method = METHOD_POST, .target = FIRST "/fork", .body = "{\"at_seq\":2}", .key = "\"fork\""},
    {.method = METHOD_POST, .target = "/sessions", .body = NEW, .key = "\"create\""},
    {.method = METHOD_POST,
     .target = FIRST "/transition",
     .body = "{\"from\":\"CREATED\",\"to\":\"ACTIVE\"}",
     .key = "\"to\""},
    {.method = METHOD_PATCH, .target = FIRST, .body = "{\"context\":{\"b\":2}}", .type = MERGE},
    {.method = METHOD_PUT,
     .target = FIRST "/lease",
     .body = "{\"owner\":\"o\",\"ttl_seconds\":3600}"},
    {.method = METHOD_PUT,
     .target = FIRST "/lease",
     .body = "{\"owner\":\"p\",\"ttl_seconds\":3600,\"steal\":true}"},
    {.method = METHOD_PUT,
     .target = SECOND "/lease",
     .body = "{\"owner\":\"o\",\"ttl_seconds\":3600}"},
    {.method = METHOD_DELETE, .target = SECOND "/lease", .token = "1"},
    {.method = METHOD_PATCH, .target = THIRD, .body = "{\"status\":\"ACTIVE\"}"},
    {.method = METHOD_POST, .target = "/sessions/recover", .body = "{}"},
    {.method = METHOD_POST,
     .target = "/sessions/relocate",
     .body = "{\"from\":\"/q\",\"to\":\"/r\"}"},
    {.method = METHOD_PUT, .target = "/consumers/c", .body = "{\"after\":0}"},
    {.method = METHOD_DELETE, .target = FOURTH},
};

/* What reads comes before what writes. */
static const struct route_call calls[] = {
    {.method = METHOD_GET, .target = "/sessions?limit=100&include=context"},
    {.method = METHOD_GET, .target = "/sessions?thread_id=t&project_path=/p&order=asc"},
    {.method = METHOD_GET, .target = "/events?limit=1000"},
    {.method = METHOD_GET, .target = "/events?consumer=c"},
    {.method = METHOD_GET, .target = "/events?after=1", .accept = "text/event-stream"},
    {.method = METHOD_GET, .target = "/consumers/c"},
    {.method = METHOD_GET, .target = "/search?q=hello"},
    {.method = METHOD_GET, .target = "/search?q=hel*&thread_id=t"},
    {.method = METHOD_GET, .target = "/metrics"},
    {.method = METHOD_GET, .target = "/readyz"},
    {.method = METHOD_GET, .target = "/admin/retention"},
    {.method = METHOD_GET, .target = FIRST},
    {.method = METHOD_GET, .target = FIRST "/events"},
    {.method = METHOD_GET, .target = FIRST "/streams"},
    {.method = METHOD_GET, .target = FIRST "/entries"},
    {.method = METHOD_GET, .target = FIRST "/entries?order=desc&limit=1"},
    {.method = METHOD_GET, .target = FIRST "/entries?stream=side", .accept = LINES},
    {.method = METHOD_GET, .target = THIRD "/entries", .accept = LINES},
    {.method = METHOD_POST, .target = "/sessions", .body = NEW, .key = "\"create\""},
    {.method = METHOD_POST, .target = FIRST "/fork", .body = "{\"at_seq\":2}", .key = "\"fork\""},
    {.method = METHOD_POST,
     .target = FIRST "/transition",
     .body = "{\"from\":\"CREATED\",\"to\":\"ACTIVE\"}",
     .key = "\"to\""},
    {.method = METHOD_POST,
     .target = "/sessions",
     .body = "{\"project_path\":\"/p\",\"thread_id\":\"t\",\"if_exists\":\"return\"}"},
    {.method = METHOD_POST,
     .target = FIRST "/entries",
     .body = "[{\"uuid\":\"u1\",\"text\":\"hello\"},{\"uuid\":\"u9\",\"text\":\"again\"}]",
     .token = "2"},
    {.method = METHOD_POST, .target = FIRST "/fork", .body = "{}"},
    {.method = METHOD_PATCH,
     .target = FIRST,
     .body = "{\"context\":{\"a\":{\"b\":1},\"c\":{\"d\":{\"e\":2}}}}",
     .type = MERGE,
     .token = "2"},
    {.method = METHOD_PATCH, .target = SECOND, .body = "{\"status\":\"ACTIVE\"}"},
    {.method = METHOD_PUT,
     .target = FIRST "/lease",
     .body = "{\"owner\":\"me\",\"ttl_seconds\":60,\"steal\":true}"},
    {.method = METHOD_PUT,
     .target = SECOND "/lease",
     .body = "{\"owner\":\"me\",\"ttl_seconds\":1}"},
    {.method = METHOD_DELETE, .target = SECOND "/lease", .token = "2"},
    {.method = METHOD_PUT, .target = "/consumers/c", .body = "{\"after\":1}"},
    {.method = METHOD_POST,
     .target = "/sessions/relocate",
     .body = "{\"from\":\"/p\",\"to\":\"/q\"}"},
    {.method = METHOD_POST, .target = "/sessions/recover", .body = "{\"owner\":\"p\"}"},
    {.method = METHOD_POST, .target = "/sessions/recover", .body = "{}"},
    {.method = METHOD_POST, .target = "/admin/purge", .body = "{}"},
    {.method = METHOD_POST, .target = "/sessions", .body = NEW},
};

/* What comes behind the export, and before its import. */
static const struct route_call deletions[] = {
    {.method = METHOD_DELETE, .target = FIRST, .token = "3"},
    {.method = METHOD_DELETE, .target = THIRD},
};

static const struct route_call backup = {.method = METHOD_POST, .target = "/admin/backup"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void call_all(struct route_client *client, const struct route_call *requests, size_t count)
{
    for (size_t i = 0; i < count; i++)
        call(client, &requests[i]);
}

/* An export can be imported where it is from, and where sessions of it are gone. */
static void export_and_import(struct route_client *client)
{
    const struct route_call export = {.method = METHOD_GET, .target = "/admin/export"};
    struct route_call import = {.method = METHOD_POST, .target = "/admin/import", .type = LINES};

    if (call(client, &export) != 200)
        return;
    struct buffer lines = client->body;
    client->body = (struct buffer){0};
    import.lines = buffer_slice(&lines);
    call(client, &import);
    call_all(client, deletions, COUNT(deletions));
    call(client, &import);
    buffer_release(&lines);
}

/* --- Files ---------------------------------------------------------------------------------- */

static void on_failed(void *arg)
{
    (void)arg;
    expect(false, "the storage has failed, which ends the service", program);
}

static void remove_file(const char *suffix)
{
    char name[sizeof(path) + 8];

    snprintf(name, sizeof(name), "%s%s", path, suffix);
    unlink(name);
}

static void remove_files(void)
{
    remove_file("");
    remove_file("-wal");
    remove_file("-shm");
    remove_file("-journal");
    remove_file(".lock");
}

static void remove_folder(void)
{
    remove_files();
    rmdir(folder);
}

static void write_file(struct slice bytes)
{
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (descriptor < 0 || write(descriptor, bytes.data, bytes.len) != (ssize_t)bytes.len)
        abort();
    close(descriptor);
}

static struct slice read_file(void)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;

    if (descriptor < 0 || fstat(descriptor, &status) != 0)
        abort();
    char *bytes = malloc((size_t)status.st_size);
    if (bytes == NULL || read(descriptor, bytes, (size_t)status.st_size) != status.st_size)
        abort();
    close(descriptor);
    return (struct slice){bytes, (size_t)status.st_size};
}

/* Bytes 18 and 19: https://sqlite.org/fileformat2.html#file_format_version_numbers */
static void set_journal_mode(char *file, char version)
{
    file[18] = version;
    file[19] = version;
}

static void load(struct slice file)
{
    unsigned char *copy = sqlite3_malloc64(file.len);

    if (copy == NULL)
        abort();
    memcpy(copy, file.data, file.len);
    set_journal_mode((char *)copy, 1);
    if (sqlite3_deserialize(memory, "main", copy, (sqlite3_int64)file.len, (sqlite3_int64)file.len,
                            SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) !=
        SQLITE_OK)
        abort();
}

/* Starts the store and sends requests to it. False when it refuses the file. */
static bool serve(unsigned options)
{
    struct route_client client;
    struct error err;

    if (!route_client_open(&client, path, on_failed, &err)) {
        expect(strstr(err.detail, path) != NULL, "a refusal that does not name the file", program);
        return false;
    }
    call_all(&client, calls, COUNT(calls));
    export_and_import(&client);
    if ((options & ROW_BACK_UP) != 0)
        call(&client, &backup);
    route_client_close(&client);
    return true;
}

/* A database with rows in every table. The requests of a run must suit it, too. */
static void make_seed(void)
{
    struct route_client client;
    struct error err;

    wants_success = true;
    expect(route_client_open(&client, path, on_failed, &err), err.detail, slice_from(path));
    call_all(&client, seed_calls, COUNT(seed_calls));
    route_client_close(&client);
    seed = read_file();
    expect(serve(0), "the seed is refused", slice_from(path));
    wants_success = false;
    load(seed);
    row_program_check_columns(memory);
}

static void prepare_once(void)
{
    if (memory != NULL)
        return;
    sqlite_arena_install();
    if (mkdtemp(folder) == NULL || sqlite3_open(":memory:", &memory) != SQLITE_OK)
        abort();
    atexit(remove_folder);
    snprintf(path, sizeof(path), "%s/sessions.db", folder);
    make_seed();
}

const char *__asan_default_options(void);

/* Stacks of allocations cost a third of a run; one that is reported can be run again with them. */
const char *__asan_default_options(void)
{
    return "malloc_context_size=4:max_malloc_fill_size=0:quarantine_size_mb=16";
}

/* --- A run ---------------------------------------------------------------------------------- */

static bool look_at_texts(void)
{
    sqlite3_stmt *stmt;
    bool all = true;

    if (sqlite3_prepare_v2(memory,
                           "SELECT context FROM sessions WHERE context_bytes IS NOT NULL"
                           " AND context IS NOT NULL UNION ALL SELECT entry FROM entries",
                           -1, &stmt, NULL) != SQLITE_OK)
        abort();
    while (all && sqlite3_step(stmt) == SQLITE_ROW) {
        const struct slice text = {(const char *)sqlite3_column_text(stmt, 0),
                                   (size_t)sqlite3_column_bytes(stmt, 0)};
        char *adopted = legacy_context_wrap(text);
        all = adopted == NULL;
        free(adopted);
    }
    sqlite3_finalize(stmt);
    return all;
}

static unsigned write_mutated(void)
{
    sqlite3_int64 len;

    load(seed);
    const unsigned options = row_program_run(memory, program);
    texts_are_json = look_at_texts();
    unsigned char *file = sqlite3_serialize(memory, "main", &len, 0);
    if (file == NULL)
        abort();
    set_journal_mode((char *)file, 2);
    write_file((struct slice){(char *)file, (size_t)len});
    sqlite3_free(file);
    return options;
}

static void on_found(void *arg, const char *problem)
{
    (void)arg;
    snprintf(problem_found, sizeof(problem_found), "%s", problem);
}

static bool is_sound(void)
{
    const struct file_observer observer = {.found = on_found};
    struct error err = {0};
    int64_t sessions;

    problem_found[0] = '\0';
    const enum file_verdict verdict =
        check_file(path, legacy_context_wrap, &observer, &sessions, &err);
    expect(verdict != FILE_UNKNOWN, err.detail, program);
    expect((verdict == FILE_CORRUPT) == (problem_found[0] != '\0'),
           "an unsound file without a problem", program);
    return verdict == FILE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_BYTES_MAX)
        return 0;
    prepare_once();
    remove_files();
    program = (struct slice){(const char *)data, size};
    const unsigned options = write_mutated();
    const bool checks = (options & ROW_CHECK) != 0;
    const bool was_sound = checks && is_sound();
    const bool opened = serve(options) && ((options & ROW_START_TWICE) == 0 || serve(options));
    expect(opened || !was_sound, "a sound file is refused", program);
    expect(!checks || is_sound() || !was_sound, problem_found, program);
    return 0;
}
