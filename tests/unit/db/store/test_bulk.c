/* Recoveries and relocations in pages: together they do what one whole pass would. */

#include "tests/unit/support/store_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define SESSIONS 120
#define PATH_MAX_BYTES 200

static struct store_fixture fixture;

static void open_store(void)
{
    fixture_start(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_bulk, .init = open_store, .fini = release);

struct model {
    char id[UUID_SIZE];
    char path[PATH_MAX_BYTES];
    bool seen;
};

static struct model model[SESSIONS];

static struct model *find(const struct session *session)
{
    for (int i = 0; i < SESSIONS; i++) {
        if (slice_is(session->id, model[i].id))
            return &model[i];
    }
    cr_assert_fail("an unknown session");
    return NULL;
}

static enum store_visit copy_path(void *arg, const struct session *session)
{
    snprintf(arg, PATH_MAX_BYTES, "%.*s", (int)session->project_path.len,
             session->project_path.data);
    return STORE_VISIT_NEXT;
}

static void stored_path(const char *id, char *path)
{
    struct error err;

    cr_assert(store_get(fixture.store, id, copy_path, path, &err), "%s", err.detail);
}

/* Runs a page, and moves the job to the next one. `path` holds its path. False at the end. */
static bool run_page(struct store_job *job, char *path)
{
    struct store_bulk *many = &job->bulk;

    fixture_run(&fixture, job);
    cr_assert_eq(job->error.kind, ERROR_NONE, "%s", job->error.detail);
    for (size_t i = 0; i < many->changed_count; i++) {
        struct model *row = find(&many->changed[i]);
        cr_expect_not(row->seen, "changed twice: %s", row->path);
        row->seen = true;
        if (i > 0)
            cr_expect_gt(many->changed[i].seq, many->changed[i - 1].seq);
    }
    many->place = many->next;
    if (many->next.path.data != NULL) {
        memmove(path, many->next.path.data, many->next.path.len); /* or it is there already */
        many->place.path.data = path;
    }
    const bool more = many->more;
    store_job_release(job);
    return more;
}

/* --- Relocations ----------------------------------------------------------------------------- */

static void fill_paths(void)
{
    static const char *const parts[] = {"a", "b", "a-b", "a.b", "a0", "c"};
    const enum session_status active = SESSION_ACTIVE;

    for (int i = 0; i < SESSIONS; i++) {
        char *path = model[i].path;
        *path = '\0';
        for (int depth = 1 + rand() % 4; depth > 0; depth--)
            snprintf(path + strlen(path), PATH_MAX_BYTES - strlen(path), "/%s", parts[rand() % 6]);
        model[i].seen = false;
        fixture_create(&fixture, path, "t", "{}", model[i].id);
        if (rand() % 2 == 0)
            cr_assert_eq(fixture_update(&fixture, model[i].id, &active, NULL), ERROR_NONE);
    }
}

/* The path after a move from `from` to `to`; false: it is not in the folder. */
static bool moved(const char *path, const char *from, const char *to, char *out)
{
    const size_t len = strlen(from);

    if (strncmp(path, from, len) != 0 || (path[len] != '\0' && path[len] != '/'))
        return false;
    snprintf(out, PATH_MAX_BYTES, "%s%s", to, path + len);
    if (*out == '\0')
        strcpy(out, "/");
    return true;
}

static void expect_moved(const char *from, const char *to, bool dry_run)
{
    for (int i = 0; i < SESSIONS; i++) {
        char wanted[PATH_MAX_BYTES];
        char path[PATH_MAX_BYTES];
        const bool in_folder = moved(model[i].path, from, to, wanted);
        stored_path(model[i].id, path);
        cr_expect_eq(model[i].seen, in_folder, "%s, %s to %s", model[i].path, from, to);
        cr_expect_str_eq(path, in_folder && !dry_run ? wanted : model[i].path, "%s to %s", from,
                         to);
        if (in_folder && !dry_run)
            strcpy(model[i].path, path);
        model[i].seen = false;
    }
}

/* Into the folder, out of it, beside it, and into itself. */
Test(store_bulk, relocation_pages_move_each_session_once)
{
    static const char *const moves[][2] = {
        {"/a", "/c"},    {"/c", "/a"},     {"/a", "/a/a"},  {"/a", "/a/b"},      {"/a/b", "/a"},
        {"", "/a"},      {"/a/a", ""},     {"/a", "/a"},    {"/a/b", "/a/b/c"},  {"/b", "/a-b"},
        {"/a0", "/a/0"}, {"/a-b", "/a/b"}, {"/none", "/x"}, {"/a.b", "/a.b/a.b"}};
    static const int limits[] = {1, 2, 7, 1000};

    srand(3);
    fill_paths();
    for (int i = 0; i < 4 * (int)(sizeof(moves) / sizeof(moves[0])); i++) {
        const char *from = moves[i / 4][0];
        const char *to = moves[i / 4][1];
        for (int dry_run = 1; dry_run >= 0; dry_run--) {
            char path[PATH_MAX_BYTES];
            struct store_job job = {.operation = STORE_RELOCATE,
                                    .project_path = slice_from(*from == '\0' ? "/" : from),
                                    .bulk = {.limit = limits[i % 4],
                                             .destination = slice_from(*to == '\0' ? "/" : to),
                                             .max_path_bytes = PATH_MAX_BYTES - 1,
                                             .dry_run = dry_run == 1}};
            while (run_page(&job, path)) {
            }
            expect_moved(from, to, dry_run == 1);
        }
    }
}

Test(store_bulk, a_page_with_exactly_all_sessions_is_the_last)
{
    struct store_job job = {
        .operation = STORE_RELOCATE,
        .project_path = SLICE_LITERAL("/p"),
        .bulk = {.limit = 3, .destination = SLICE_LITERAL("/q"), .max_path_bytes = 10}};
    char path[PATH_MAX_BYTES];

    for (int i = 0; i < 3; i++)
        fixture_create(&fixture, "/p", "t", "{}", model[i].id);
    cr_expect_not(run_page(&job, path));
}

Test(store_bulk, a_place_of_another_folder_or_of_the_future_is_refused)
{
    struct store_job job = {.operation = STORE_RELOCATE,
                            .project_path = SLICE_LITERAL("/p"),
                            .bulk = {.destination = SLICE_LITERAL("/q"),
                                     .max_path_bytes = 10,
                                     .place = {.began_us = 1, .path = SLICE_LITERAL("/other")}}};

    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_INVALID_QUERY);
    job.error = (struct error){0};
    job.bulk.place =
        (struct store_bulk_position){.began_us = INT64_MAX, .path = SLICE_LITERAL("/p")};
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_INVALID_QUERY);
    job =
        (struct store_job){.operation = STORE_RECOVER, .bulk = {.place = {.began_us = INT64_MAX}}};
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_INVALID_QUERY);
}

/* --- Recoveries ------------------------------------------------------------------------------ */

static enum store_visit copy_recovered(void *arg, const struct session *session)
{
    *(int64_t *)arg = session->status == SESSION_PAUSED ? session->recovered_us : 0;
    return STORE_VISIT_NEXT;
}

Test(store_bulk, recovery_pages_pause_each_session_at_one_common_time)
{
    struct store_job job = {.operation = STORE_RECOVER, .bulk = {.limit = 7}};
    const enum session_status active = SESSION_ACTIVE;
    struct error err;
    int pages = 1;

    for (int i = 0; i < SESSIONS; i++) {
        fixture_create(&fixture, "/p", "t", "{}", model[i].id);
        model[i].seen = false;
        if (i % 3 != 0)
            cr_assert_eq(fixture_update(&fixture, model[i].id, &active, NULL), ERROR_NONE);
    }
    while (run_page(&job, NULL))
        pages++;
    cr_expect_eq(pages, (80 + 6) / 7);
    for (int i = 0; i < SESSIONS; i++) {
        int64_t recovered_us;
        cr_assert(store_get(fixture.store, model[i].id, copy_recovered, &recovered_us, &err));
        cr_expect_eq(recovered_us, i % 3 != 0 ? job.bulk.place.began_us : 0, "session %d", i);
        cr_expect_eq(model[i].seen, i % 3 != 0);
    }
}

/* Most of them are held by somebody else: the page ends after the rows that it may look at. */
Test(store_bulk, a_recovery_page_looks_at_a_bounded_number_of_rows)
{
    struct store_job job = {.operation = STORE_RECOVER};

    fixture_create(&fixture, "/p", "t", "{}", model[0].id);
    free(fixture_sql(&fixture,
                     "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                     " WHERE i < 5000) INSERT INTO sessions (seq, id, project_path, thread_id,"
                     " status, created_at, updated_at, context_bytes, lease_owner, lease_token,"
                     " context) SELECT i, 'x' || i, '/p', 't', 'ACTIVE', created_at, updated_at,"
                     " 2, 'other', 1, '{}' FROM n, sessions"));
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect_eq(job.bulk.changed_count, 0);
    cr_expect(job.bulk.more);
    cr_expect_eq(job.bulk.next.seq, 4096);
}

static bool refuse_all(struct store_job *job, size_t bytes)
{
    (void)job;
    (void)bytes;
    return false;
}

Test(store_bulk, a_page_that_memory_is_refused_for_changes_nothing)
{
    struct store_job job = {.operation = STORE_RECOVER, .admit = refuse_all};
    const enum session_status active = SESSION_ACTIVE;

    fixture_create(&fixture, "/p", "t", "{}", model[0].id);
    cr_assert_eq(fixture_update(&fixture, model[0].id, &active, NULL), ERROR_NONE);
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_OVERLOADED);
    cr_expect_eq(job.bulk.changed_count, 0);
    fixture_expect(&fixture, "SELECT status FROM sessions", "ACTIVE");
    store_job_release(&job);
}
