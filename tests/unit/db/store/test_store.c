/* The store through its door: what the SessionManager promised (create, get, list newest first,
 * update, unique ids, survival), and what a store must do beside. */

#include "tests/unit/support/store_fixture.h"

#include "db/base/timestamp.h"
#include "db/store/stats.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static struct store_fixture fixture;

static void open_store(void)
{
    fixture_start(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

static void reopen(void)
{
    struct error err;

    fixture_close(&fixture);
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
}

TestSuite(store, .init = open_store, .fini = release);

struct copy {
    char text[512];
    struct session session;
    int visits;
};

static enum store_visit copy_session(void *arg, const struct session *session)
{
    struct copy *copy = arg;

    copy->visits++;
    copy->session = *session;
    snprintf(copy->text, sizeof(copy->text), "%.*s|%.*s|%.*s|%.*s", (int)session->id.len,
             session->id.data, (int)session->project_path.len, session->project_path.data,
             (int)session->thread_id.len, session->thread_id.data, (int)session->context.len,
             session->context.data == NULL ? "" : session->context.data);
    return STORE_VISIT_NEXT;
}

static bool get(const char *id, struct copy *copy)
{
    struct error err;

    *copy = (struct copy){0};
    if (store_get(fixture.store, id, copy_session, copy, &err))
        return true;
    cr_expect_eq(err.kind, ERROR_NOT_FOUND, "%s", err.detail);
    return false;
}

Test(store, a_created_session_is_read_back)
{
    struct copy copy;
    char id[UUID_SIZE];
    char wanted[256];
    const int64_t before = timestamp_now_us();

    fixture_create(&fixture, "/home/me/p", "+15551234567", "{\"n\":1e400}", id);
    cr_assert(get(id, &copy));
    snprintf(wanted, sizeof(wanted), "%s|/home/me/p|+15551234567|{\"n\":1e400}", id);
    cr_expect_str_eq(copy.text, wanted);
    cr_expect_eq(copy.session.status, SESSION_CREATED);
    cr_expect_eq(copy.session.version, 1);
    cr_expect_eq(copy.session.context_bytes, 11);
    cr_expect_geq(copy.session.created_us, before);
    cr_expect_eq(copy.session.updated_us, copy.session.created_us);
}

Test(store, a_missing_session_is_not_found)
{
    struct copy copy;

    cr_expect_not(get("b0a4c7de-0000-4000-8000-000000000000", &copy));
    cr_expect_eq(copy.visits, 0);
}

Test(store, update_changes_what_it_names)
{
    const enum session_status active = SESSION_ACTIVE;
    struct copy copy;
    char id[UUID_SIZE];

    fixture_create(&fixture, "/p", "t", "{\"a\":1}", id);
    cr_expect_eq(fixture_update(&fixture, id, &active, NULL), ERROR_NONE);
    cr_assert(get(id, &copy));
    cr_expect_eq(copy.session.status, SESSION_ACTIVE);
    cr_expect_eq(copy.session.version, 2);
    cr_expect(strstr(copy.text, "{\"a\":1}"));
    cr_expect_gt(copy.session.updated_us, copy.session.created_us);

    cr_expect_eq(fixture_update(&fixture, id, NULL, "{\"b\":2}"), ERROR_NONE);
    cr_assert(get(id, &copy));
    cr_expect_eq(copy.session.status, SESSION_ACTIVE);
    cr_expect_eq(copy.session.version, 3);
    cr_expect(strstr(copy.text, "{\"b\":2}"));

    cr_expect_eq(fixture_update(&fixture, id, NULL, NULL), ERROR_NONE);
    cr_assert(get(id, &copy));
    cr_expect_eq(copy.session.version, 3, "an update that names nothing changes nothing");
}

Test(store, update_follows_the_lifecycle)
{
    const enum session_status created = SESSION_CREATED;
    const enum session_status active = SESSION_ACTIVE;
    char id[UUID_SIZE];

    fixture_create(&fixture, "/p", "t", "{}", id);
    cr_expect_eq(fixture_update(&fixture, id, &active, NULL), ERROR_NONE);
    cr_expect_eq(fixture_update(&fixture, id, &created, "{\"x\":1}"), ERROR_INVALID_TRANSITION);
    struct copy copy;
    cr_assert(get(id, &copy));
    cr_expect_eq(copy.session.version, 2);
    cr_expect(strstr(copy.text, "|{}"), "a refused update leaves the context alone");
}

Test(store, a_missing_session_cannot_be_updated)
{
    cr_expect_eq(fixture_update(&fixture, "b0a4c7de-0000-4000-8000-000000000000", NULL, "{}"),
                 ERROR_NOT_FOUND);
}

static bool double_context(void *arg, struct slice current, char **out, size_t *len,
                           struct error *err)
{
    int *calls = arg;

    (void)err;
    (*calls)++;
    *len = current.len * 2;
    *out = malloc(*len);
    memcpy(*out, current.data, current.len);
    memcpy(*out + current.len, current.data, current.len);
    return true;
}

Test(store, an_edit_sees_the_stored_context)
{
    struct store_job job = {.operation = STORE_UPDATE, .edit = double_context};
    struct copy copy;
    int calls = 0;

    fixture_create(&fixture, "/p", "t", "{1}", job.id);
    job.edit_arg = &calls;
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect_eq(job.session.context_bytes, 6);
    cr_expect(slice_is(job.session.context, "{1}{1}"));
    cr_assert(get(job.id, &copy));
    cr_expect(strstr(copy.text, "|{1}{1}"));
    cr_expect_eq(calls, 1);
    store_job_release(&job);
}

Test(store, if_match_compares_in_the_transaction)
{
    struct store_job job = {.operation = STORE_UPDATE, .context = SLICE_LITERAL("{\"m\":1}")};

    fixture_create(&fixture, "/p", "t", "{}", job.id);
    job.match = (struct store_match){.present = true, .count = 2, .versions = {7, 2}};
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_PRECONDITION_FAILED);
    cr_expect_eq(job.session.version, 1, "what is stored is shown");
    store_job_release(&job);

    job.error = (struct error){0};
    job.match.versions[1] = 1;
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    store_job_release(&job);
}

Test(store, put_is_create_once)
{
    struct store_job job = {
        .operation = STORE_PUT,
        .id = "b0a4c7de-0000-4000-8000-000000000001",
        .project_path = SLICE_LITERAL("/p"),
        .thread_id = SLICE_LITERAL("t"),
        .context = SLICE_LITERAL("{\"first\":true}"),
    };

    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect(job.created);
    store_job_release(&job);

    job.context = SLICE_LITERAL("{\"second\":true}");
    job.created = false;
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect_not(job.created);
    cr_expect(slice_is(job.session.context, "{\"first\":true}"));
    store_job_release(&job);

    job.thread_id = SLICE_LITERAL("another");
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_SESSION_EXISTS);
    store_job_release(&job);
}

Test(store, delete_removes)
{
    struct store_job job = {.operation = STORE_DELETE};
    struct copy copy;

    fixture_create(&fixture, "/p", "t", "{}", job.id);
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect_not(get(job.id, &copy));
    store_job_release(&job);
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NOT_FOUND);
    store_job_release(&job);
}

Test(store, sessions_survive_a_restart)
{
    struct copy before;
    struct copy after;
    char id[UUID_SIZE];

    fixture_create(&fixture, "/p", "t", "{\"kept\":1}", id);
    cr_assert(get(id, &before));
    reopen();
    cr_assert(get(id, &after));
    cr_expect_str_eq(after.text, before.text);
    cr_expect_eq(after.session.created_us, before.session.created_us);
}

Test(store, time_does_not_run_backwards_over_a_restart)
{
    char *text;

    const int64_t first = fixture_create(&fixture, "/p", "t", "{}", NULL);
    fixture_close(&fixture);
    /* As if the system clock had been an hour ahead. */
    text = fixture_sql(&fixture, "UPDATE sessiond_clock SET reserved_us = reserved_us + 3600000000;"
                                 "SELECT reserved_us FROM sessiond_clock");
    struct error err;
    cr_assert(fixture_open(&fixture, &err), "%s", err.detail);
    const int64_t second = fixture_create(&fixture, "/p", "t", "{}", NULL);
    cr_expect_gt(second, first + INT64_C(3600000000) - 1000000);
    cr_expect_gt(second, strtoll(text, NULL, 10));
    free(text);
}

struct creator {
    pthread_t thread;
    char ids[50][UUID_SIZE];
    int64_t seqs[50];
};

static void *create_many(void *arg)
{
    struct creator *creator = arg;

    for (int i = 0; i < 50; i++)
        creator->seqs[i] = fixture_create(&fixture, "/p", "t", "{}", creator->ids[i]);
    return NULL;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, UUID_SIZE);
}

Test(store, concurrent_creates_are_all_there_and_distinct)
{
    static struct creator creators[20];
    static char ids[1000][UUID_SIZE];
    struct store_stats stats;
    struct copy copy;

    for (int i = 0; i < 20; i++)
        cr_assert_eq(pthread_create(&creators[i].thread, NULL, create_many, &creators[i]), 0);
    for (int i = 0; i < 20; i++) {
        pthread_join(creators[i].thread, NULL);
        memcpy(ids[i * 50], creators[i].ids, sizeof(creators[i].ids));
        for (int k = 1; k < 50; k++)
            cr_expect_gt(creators[i].seqs[k], creators[i].seqs[k - 1]);
    }
    qsort(ids, 1000, UUID_SIZE, compare_ids);
    for (int i = 0; i < 1000; i++) {
        cr_expect(i == 0 || memcmp(ids[i], ids[i - 1], UUID_SIZE) != 0);
        cr_expect(get(ids[i], &copy));
    }
    store_stats(fixture.store, &stats);
    cr_expect_eq(stats.sessions[SESSION_CREATED], 1000);
    cr_expect_eq(stats.batch_jobs, 1000);
    cr_expect_eq(stats.queue_depth, 0);
}

Test(store, the_file_is_private_to_its_owner_and_alone_after_a_stop)
{
    char path[128];
    struct stat status;

    fixture_create(&fixture, "/p", "t", "{}", NULL);
    fixture_close(&fixture);
    snprintf(path, sizeof(path), "%s-wal", fixture.path);
    cr_expect_neq(stat(path, &status), 0, "the log is gone after a clean stop");
    cr_expect_eq(stat(fixture.path, &status), 0);
    snprintf(path, sizeof(path), "%s/sub", fixture.folder);
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0700);
}

Test(store, reads_show_every_acknowledged_write)
{
    struct copy copy;
    char id[UUID_SIZE];

    fixture_create(&fixture, "/p", "t", "{}", id);
    for (int i = 0; i < 300; i++) {
        char context[32];
        snprintf(context, sizeof(context), "{\"n\":%d}", i);
        cr_assert_eq(fixture_update(&fixture, id, NULL, context), ERROR_NONE);
        cr_assert(get(id, &copy));
        cr_assert(strstr(copy.text, context), "%s", copy.text);
    }
}

Test(store, the_log_is_checkpointed_and_starts_anew)
{
    static char context[100 * 1024];
    struct store_stats stats;
    struct copy copy;
    char id[UUID_SIZE];

    fixture_create(&fixture, "/p", "t", "{}", id);
    for (int i = 0; i < 200; i++) {
        /* All of it changes: SQLite does not write pages that stay the same. */
        memset(context, 'a' + i % 26, sizeof(context) - 1);
        cr_assert_eq(fixture_update(&fixture, id, NULL, context), ERROR_NONE);
        cr_assert(get(id, &copy)); /* holds a snapshot between checkpoints */
    }
    store_stats(fixture.store, &stats);
    cr_expect_gt(stats.checkpoints_complete, 3);
    cr_expect_lt(stats.wal_bytes, 8 << 20, "%lld", (long long)stats.wal_bytes);
    cr_expect_eq(stats.checkpoints_failed, 0);
}
