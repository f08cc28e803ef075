/* Snapshots through the store's door: whole, of one instant, one at a time, and without remains. */

#include "tests/unit/support/store_fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Large enough for a backup of many turns. */
#define BEFORE 3000
#define CONTEXT_BYTES 4096

static struct store_fixture fixture;

struct waited_job {
    struct store_job job;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static void on_done(struct store_job *job)
{
    struct waited_job *waited = job->arg;

    pthread_mutex_lock(&waited->lock);
    waited->done = true;
    pthread_cond_signal(&waited->changed);
    pthread_mutex_unlock(&waited->lock);
}

static void submit_job(struct waited_job *waited, struct store_job job)
{
    *waited = (struct waited_job){.job = job};
    waited->job.done = on_done;
    pthread_mutex_init(&waited->lock, NULL);
    pthread_cond_init(&waited->changed, NULL);
    waited->job.arg = waited;
    cr_assert(store_reserve(fixture.store, job.operation));
    store_submit(fixture.store, &waited->job);
}

static void submit(struct waited_job *waited)
{
    submit_job(waited, (struct store_job){.operation = STORE_BACKUP});
}

static bool is_done(struct waited_job *waited)
{
    pthread_mutex_lock(&waited->lock);
    const bool done = waited->done;
    pthread_mutex_unlock(&waited->lock);
    return done;
}

static enum error_kind await(struct waited_job *waited)
{
    pthread_mutex_lock(&waited->lock);
    while (!waited->done)
        pthread_cond_wait(&waited->changed, &waited->lock);
    pthread_mutex_unlock(&waited->lock);
    return waited->job.error.kind;
}

/* The snapshot has no name: gives it one, for SQLite to open. */
static void keep(struct waited_job *waited, const char *path)
{
    const struct store_snapshot *snapshot = &waited->job.snapshot;
    FILE *out = fopen(path, "w");
    char part[65536];
    ssize_t count;
    int64_t total = 0;

    cr_assert_eq(waited->job.error.kind, ERROR_NONE, "%s", waited->job.error.detail);
    cr_assert(snapshot->open);
    while ((count = read(snapshot->descriptor, part, sizeof(part))) > 0) {
        fwrite(part, 1, (size_t)count, out);
        total += count;
    }
    fclose(out);
    cr_expect_eq(total, snapshot->bytes);
    store_job_release(&waited->job);
}

/* The snapshot's answer to a query. */
static int64_t ask(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;

    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "%s", sqlite3_errmsg(db));
    const int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

static int64_t create(void)
{
    return fixture_create(&fixture, "/p", "t", "{}", NULL);
}

/* Many sessions in one transaction, while no store is open. */
static void setup(void)
{
    struct error err;
    char sql[512];

    fixture_init(&fixture);
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    fixture_close(&fixture);
    snprintf(
        sql, sizeof(sql),
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO sessions (id, project_path, thread_id, status, created_at, updated_at, "
        "context)"
        " SELECT printf('00000000-0000-4000-8000-%%012d', i), '/before', 't', 'CREATED',"
        " '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', printf('{\"a\":\"%%0%dd\"}', i) FROM n",
        BEFORE, CONTEXT_BYTES);
    free(fixture_sql(&fixture, sql));
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

static void teardown(void)
{
    fixture_release(&fixture);
}

TestSuite(store_backup, .init = setup, .fini = teardown);

/* All that was answered before it was asked for, and of what came meanwhile a beginning. */
Test(store_backup, shows_one_instant)
{
    struct waited_job waited;
    char path[128];
    int64_t seqs[10000];
    int created = 0;
    int64_t acknowledged = 0;

    for (; acknowledged < 10; acknowledged++)
        seqs[created++] = create();
    submit(&waited);
    while (!is_done(&waited) && created < 10000)
        seqs[created++] = create();
    cr_assert_eq(await(&waited), ERROR_NONE, "%s", waited.job.error.detail);
    cr_expect_gt(created, acknowledged + 1, "no write went on during the backup");

    snprintf(path, sizeof(path), "%s/copy.db", fixture.folder);
    keep(&waited, path);
    cr_expect_eq(ask(path, "SELECT count(*) FROM sessions WHERE project_path = '/before'"), BEFORE);
    const int64_t count = ask(path, "SELECT count(*) FROM sessions WHERE project_path = '/p'");
    cr_assert_geq(count, acknowledged);
    cr_assert_leq(count, created);
    cr_expect_eq(ask(path, "SELECT max(seq) FROM sessions"), seqs[count - 1]);
    cr_expect_eq(ask(path, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    cr_expect_eq(ask(path, "SELECT journal_mode = 'delete' FROM pragma_journal_mode"), 1);
}

/* A change of a row that was copied already, and one of a row that was not. */
Test(store_backup, carries_changes_into_the_copy)
{
    static const enum session_status active = SESSION_ACTIVE;
    struct waited_job waited;
    char path[128];
    char first[UUID_SIZE];
    char last[UUID_SIZE];

    fixture_create(&fixture, "/first", "t", "{}", first);
    fixture_create(&fixture, "/last", "t", "{}", last);
    submit(&waited);
    while (!is_done(&waited)) {
        cr_assert_eq(fixture_update(&fixture, first, &active, NULL), ERROR_NONE);
        cr_assert_eq(fixture_update(&fixture, last, &active, NULL), ERROR_NONE);
    }
    snprintf(path, sizeof(path), "%s/copy.db", fixture.folder);
    keep(&waited, path);
    const int64_t ahead =
        ask(path, "SELECT (SELECT version FROM sessions WHERE project_path = '/first')"
                  " - (SELECT version FROM sessions WHERE project_path = '/last')");
    cr_expect(ahead == 0 || ahead == 1, "the changes are %lld apart", (long long)ahead);
    cr_expect_gt(ask(path, "SELECT version FROM sessions WHERE project_path = '/first'"), 1);
}

/* Of two writes in a batch the second fails: the batch is rolled back, which makes SQLite begin the
 * copy anew, and both run again one by one. */
Test(store_backup, outlives_batches_that_are_rolled_back)
{
    enum { PAIRS = 5 };
    static struct waited_job pairs[2 * PAIRS];
    struct store_job good = {.operation = STORE_CREATE,
                             .project_path = SLICE_LITERAL("/good"),
                             .thread_id = SLICE_LITERAL("t"),
                             .context = SLICE_LITERAL("{}")};
    struct store_job bad = good;
    struct waited_job waited;
    char path[128];

    bad.project_path.data = NULL;
    submit(&waited);
    for (int i = 0; i < PAIRS; i++) {
        submit_job(&pairs[2 * i], good);
        submit_job(&pairs[2 * i + 1], bad);
        cr_expect_eq(await(&pairs[2 * i]), ERROR_NONE);
        cr_expect_eq(await(&pairs[2 * i + 1]), ERROR_INTERNAL);
    }
    await(&waited);
    snprintf(path, sizeof(path), "%s/copy.db", fixture.folder);
    keep(&waited, path);
    cr_expect_geq(ask(path, "SELECT count(*) FROM sessions"), BEFORE);
    cr_expect_eq(ask(path, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

/* Each of its commits makes SQLite begin anew. */
Test(store_backup, gives_up_when_another_program_writes_all_the_time)
{
    struct waited_job waited;
    sqlite3 *db;

    cr_assert_eq(sqlite3_open(fixture.path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=0", 0, 0, 0),
                 SQLITE_OK);
    sqlite3_busy_timeout(db, 1000);
    submit(&waited);
    while (!is_done(&waited))
        sqlite3_exec(db, "UPDATE sessiond_clock SET reserved_us = reserved_us + 1", 0, 0, 0);
    sqlite3_close(db);
    cr_expect_eq(await(&waited), ERROR_STORAGE_BUSY);
    cr_expect_not(waited.job.snapshot.open);
}

Test(store_backup, there_is_one_at_a_time)
{
    struct waited_job first;
    struct waited_job second;

    submit(&first);
    submit(&second);
    cr_expect_eq(await(&second), ERROR_BACKUP_RUNNING);
    cr_expect_not(second.job.snapshot.open);
    cr_expect_eq(await(&first), ERROR_NONE);
    store_job_release(&first.job);
    submit(&second);
    cr_expect_eq(await(&second), ERROR_NONE);
    store_job_release(&second.job);
}

Test(store_backup, is_refused_at_the_end_and_ended_when_it_is_under_way)
{
    struct waited_job waited;

    submit(&waited);
    store_reject_long_jobs(fixture.store);
    cr_expect_eq(await(&waited), ERROR_STOPPING);
    submit(&waited);
    cr_expect_eq(await(&waited), ERROR_STOPPING);
    cr_expect_not(waited.job.snapshot.open);
    create();
}

Test(store_backup, closing_the_store_ends_it)
{
    struct waited_job waited;

    submit(&waited);
    fixture_close(&fixture);
    cr_expect_eq(await(&waited), ERROR_STOPPING);
}

static int files_in(const char *folder)
{
    DIR *files = opendir(folder);
    int count = 0;

    cr_assert_not_null(files);
    for (struct dirent *entry = readdir(files); entry != NULL; entry = readdir(files))
        count += entry->d_name[0] != '.';
    closedir(files);
    return count;
}

/* The database, its log, the log's index and the lock. */
Test(store_backup, leaves_no_name_in_the_folder)
{
    struct waited_job waited;
    char folder[128];
    char remains[160];
    struct error err;

    snprintf(folder, sizeof(folder), "%s/sub", fixture.folder);
    submit(&waited);
    create(); /* answered after the backup was begun */
    cr_expect_eq(files_in(folder), 4);
    await(&waited);
    store_job_release(&waited.job);
    cr_expect_eq(files_in(folder), 4);

    fixture_close(&fixture);
    snprintf(remains, sizeof(remains), "%s.snapshot", fixture.path);
    fclose(fopen(remains, "w"));
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    cr_expect_neq(access(remains, F_OK), 0);
}
