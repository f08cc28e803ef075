#include "tests/unit/support/store_fixture.h"

#include "tests/unit/support/faulty_vfs.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static void on_notice(void *arg, enum store_severity severity, const char *event,
                      const char *detail)
{
    struct store_fixture *fixture = arg;
    const size_t used = strlen(fixture->notices);

    (void)severity;
    snprintf(fixture->notices + used, sizeof(fixture->notices) - used, "%s: %s\n", event, detail);
}

static void on_failed(void *arg)
{
    struct store_fixture *fixture = arg;

    fixture->failures++;
}

static char *fix_legacy_context(struct slice text)
{
    return text.len > 0 && text.data[0] == '{' ? NULL : strdup("{\"_adopted_text\":\"…\"}");
}

void fixture_init(struct store_fixture *fixture)
{
    *fixture = (struct store_fixture){0};
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/sessiond-unit-XXXXXX");
    cr_assert_not_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/sub/sessions.db", fixture->folder);
    fixture->options = (struct store_options){
        .path = fixture->path,
        .readers = 4,
        .read_limit_ms = 10000,
        .max_queue = 1000,
        .max_consumers = 1000,
        .max_streams = 1000,
        .max_forks = 1000,
        .max_client_forks = 1000,
        .key_ttl_us = INT64_C(3600000000),
        .event_retention_us = INT64_C(3600000000),
        .max_events = 100000,
        .checkpoint_pages = 1000,
        .observer = {fixture, on_notice, on_failed},
        .fix_legacy_context = fix_legacy_context,
    };
}

void fixture_start(struct store_fixture *fixture)
{
    struct error err;

    fixture_init(fixture);
    cr_assert(fixture_open(fixture, &err), "%s", err.detail);
}

void fixture_start_on_faulty_disk(struct store_fixture *fixture)
{
    faulty_vfs_install();
    fixture_start(fixture);
}

void fixture_release(struct store_fixture *fixture)
{
    char command[128];

    faulty_vfs_heal();
    fixture_close(fixture);
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->folder);
    cr_assert_eq(system(command), 0);
}

bool fixture_open(struct store_fixture *fixture, struct error *err)
{
    return store_open(&fixture->options, &fixture->store, err);
}

void fixture_close(struct store_fixture *fixture)
{
    store_close(fixture->store);
    fixture->store = NULL;
}

void fixture_abandon(struct store_fixture *fixture)
{
    fixture->abandoned = fixture->store;
    fixture_close(fixture);
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t left;
};

static void on_done(struct store_job *job)
{
    struct waiter *waiter = job->arg;

    pthread_mutex_lock(&waiter->lock);
    waiter->left--;
    pthread_cond_signal(&waiter->changed);
    pthread_mutex_unlock(&waiter->lock);
}

void fixture_run_all(struct store_fixture *fixture, struct store_job *jobs, size_t count)
{
    struct waiter waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, count};

    for (size_t i = 0; i < count; i++) {
        jobs[i].done = on_done;
        jobs[i].arg = &waiter;
        cr_assert(store_reserve(fixture->store, jobs[i].operation));
    }
    for (size_t i = 0; i < count; i++)
        store_submit(fixture->store, &jobs[i]);
    pthread_mutex_lock(&waiter.lock);
    while (waiter.left > 0)
        pthread_cond_wait(&waiter.changed, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
}

void fixture_run(struct store_fixture *fixture, struct store_job *job)
{
    fixture_run_all(fixture, job, 1);
}

int64_t fixture_create(struct store_fixture *fixture, const char *project_path,
                       const char *thread_id, const char *context, char id[UUID_SIZE])
{
    struct store_job job = {
        .operation = STORE_CREATE,
        .project_path = slice_from(project_path),
        .thread_id = slice_from(thread_id),
        .context = slice_from(context),
    };

    fixture_run(fixture, &job);
    cr_assert_eq(job.error.kind, ERROR_NONE, "%s", job.error.detail);
    if (id != NULL)
        memcpy(id, job.id, UUID_SIZE);
    const int64_t seq = job.session.seq;
    store_job_release(&job);
    return seq;
}

enum error_kind fixture_update(struct store_fixture *fixture, const char *id,
                               const enum session_status *status, const char *context)
{
    struct store_job job = {.operation = STORE_UPDATE, .context = slice_from(context)};

    memcpy(job.id, id, UUID_SIZE);
    if (status != NULL) {
        job.has_status = true;
        job.status = *status;
    }
    fixture_run(fixture, &job);
    store_job_release(&job);
    return job.error.kind;
}

char *fixture_sql(struct store_fixture *fixture, const char *sql)
{
    char *value = NULL;
    sqlite3_stmt *stmt;
    sqlite3 *db;
    int result = SQLITE_ROW;

    cr_assert_eq(sqlite3_open(fixture->path, &db), SQLITE_OK, "%s", sqlite3_errmsg(db));
    while (*sql != '\0') {
        cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, &sql), SQLITE_OK, "%s",
                     sqlite3_errmsg(db));
        while (stmt != NULL && (result = sqlite3_step(stmt)) == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(stmt, 0);
            free(value);
            value = text == NULL ? NULL : strdup(text);
        }
        cr_assert(result == SQLITE_DONE || stmt == NULL, "%s", sqlite3_errmsg(db));
        sqlite3_finalize(stmt);
    }
    sqlite3_close(db);
    return value;
}

void fixture_expect(struct store_fixture *fixture, const char *sql, const char *wanted)
{
    char *found = fixture_sql(fixture, sql);

    cr_expect_str_eq(found == NULL ? "NULL" : found, wanted, "%s: %s", sql, found);
    free(found);
}
