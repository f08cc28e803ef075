/* Lists through the store's door: order, pages, and every filter against a model. */

#include "tests/unit/support/store_fixture.h"

#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdatomic.h>

static struct store_fixture fixture;

static void open_store(void)
{
    fixture_start(&fixture);
}

static void release(void)
{
    fixture_release(&fixture);
}

TestSuite(store_list, .init = open_store, .fini = release);

struct listed {
    int64_t seqs[2000];
    int count;
    int refuse_at; /* 0: never */
};

static enum store_visit take(void *arg, const struct session *session)
{
    struct listed *listed = arg;

    if (listed->refuse_at != 0 && listed->count == listed->refuse_at)
        return STORE_VISIT_STOP;
    listed->seqs[listed->count++] = session->seq;
    return STORE_VISIT_NEXT;
}

static struct store_page list(struct store_list_query query, struct listed *listed)
{
    struct store_page page;
    struct error err;

    cr_assert(store_list(fixture.store, &query, take, listed, &page, &err), "%s", err.detail);
    return page;
}

Test(store_list, lists_are_newest_first_and_paged)
{
    struct store_list_query query = {.limit = 3};
    struct listed listed = {0};
    int64_t seqs[10];

    for (int i = 0; i < 10; i++)
        seqs[i] = fixture_create(&fixture, "/p", "t", "{}", NULL);
    struct store_page page = list(query, &listed);
    cr_expect(page.more);
    while (page.more) {
        query.after = page.last;
        page = list(query, &listed);
    }
    cr_assert_eq(listed.count, 10);
    for (int i = 0; i < 10; i++)
        cr_expect_eq(listed.seqs[i], seqs[9 - i]);
}

Test(store_list, a_list_of_exactly_the_limit_has_no_more)
{
    struct listed listed = {0};

    for (int i = 0; i < 4; i++)
        fixture_create(&fixture, "/p", "t", "{}", NULL);
    cr_expect_not(list((struct store_list_query){.limit = 4}, &listed).more);
    cr_expect(list((struct store_list_query){.limit = 3}, &listed).more);
}

Test(store_list, a_visitor_that_stops_ends_the_page)
{
    struct listed listed = {.refuse_at = 2};

    for (int i = 0; i < 4; i++)
        fixture_create(&fixture, "/p", "t", "{}", NULL);
    const struct store_page page = list((struct store_list_query){.limit = 4}, &listed);
    cr_expect_eq(listed.count, 2);
    cr_expect(page.more);
    cr_expect_eq(page.last, listed.seqs[1]);
}

/* Every filter, against a model: 200 sessions of 3 threads, 3 projects and 3 statuses. */
struct model {
    int64_t seq;
    int thread;
    int project;
    enum session_status status;
};

static const char *const threads[] = {"t0", "t1", "t2"};
static const char *const projects[] = {"/p0", "/p1", "/p2"};

static void fill_model(struct model *model, int count)
{
    static const enum session_status steps[] = {SESSION_ACTIVE, SESSION_PAUSED};
    char id[UUID_SIZE];

    for (int i = 0; i < count; i++) {
        model[i].thread = i * 7 % 3;
        model[i].project = i * 5 / 2 % 3;
        model[i].status = (enum session_status)(i * 11 / 3 % 3);
        model[i].seq = fixture_create(&fixture, projects[model[i].project],
                                      threads[model[i].thread], "{}", id);
        for (unsigned k = 0; k < model[i].status; k++)
            cr_assert_eq(fixture_update(&fixture, id, &steps[k], NULL), ERROR_NONE);
    }
}

static void check_filter(const struct model *model, int count, int thread, int project,
                         unsigned statuses, bool ascending)
{
    struct store_list_query query = {
        .thread_id = slice_from(thread < 0 ? NULL : threads[thread]),
        .project_path = slice_from(project < 0 ? NULL : projects[project]),
        .statuses = statuses,
        .limit = 7,
        .ascending = ascending,
    };
    struct listed listed = {0};
    struct store_page page = list(query, &listed);
    int found = 0;

    while (page.more) {
        query.after = page.last;
        page = list(query, &listed);
    }
    for (int i = 0; i < count; i++) {
        const struct model *row = &model[ascending ? i : count - 1 - i];
        if ((thread >= 0 && row->thread != thread) || (project >= 0 && row->project != project) ||
            (statuses != 0 && !(statuses & 1U << row->status)))
            continue;
        cr_assert_lt(found, listed.count);
        cr_assert_eq(listed.seqs[found++], row->seq);
    }
    cr_expect_eq(found, listed.count, "thread %d project %d statuses %u", thread, project,
                 statuses);
}

Test(store_list, every_filter_and_order_agrees_with_a_model)
{
    static struct model model[200];

    fill_model(model, 200);
    for (int thread = -1; thread < 3; thread++) {
        for (int project = -1; project < 3; project++) {
            for (unsigned statuses = 0; statuses < 16; statuses++) {
                check_filter(model, 200, thread, project, statuses, false);
                check_filter(model, 200, thread, project, statuses, true);
            }
        }
    }
}

Test(store_list, a_list_job_runs_on_the_stores_thread)
{
    struct listed listed = {0};
    struct store_job job = {
        .operation = STORE_LIST,
        .query = {.limit = 10, .with_context = true},
        .visit = take,
        .visit_arg = &listed,
    };

    fixture_create(&fixture, "/p", "t", "{}", NULL);
    fixture_run(&fixture, &job);
    cr_expect_eq(job.error.kind, ERROR_NONE);
    cr_expect_eq(listed.count, 1);
    store_job_release(&job);
}

/* --- Clients ------------------------------------------------------------------------------- */

#define QUEUED 50

static sem_t list_may_run;
static atomic_int ended_before;

static enum store_visit wait_once(void *arg, const struct session *session)
{
    (void)session;
    if (arg != NULL)
        sem_wait(&list_may_run);
    return STORE_VISIT_NEXT;
}

static void note_end(struct store_job *job)
{
    *(int *)job->arg = atomic_fetch_add(&ended_before, 1);
}

static void submit_list(struct store_job *job, uint64_t client, int *ended, void *blocks)
{
    *job = (struct store_job){.operation = STORE_LIST,
                              .client = client,
                              .query = {.limit = 1},
                              .visit = wait_once,
                              .visit_arg = blocks,
                              .done = note_end,
                              .arg = ended};
    cr_assert(store_reserve(fixture.store, STORE_LIST));
    store_submit(fixture.store, job);
}

Test(store_list, queued_lists_of_one_client_delay_another_client_by_one)
{
    static struct store_job jobs[QUEUED + 1];
    static int ended[QUEUED + 1];
    int blocks;

    sem_init(&list_may_run, 0, 0);
    fixture_create(&fixture, "/p", "t", "{}", NULL);
    for (int i = 0; i < QUEUED; i++)
        submit_list(&jobs[i], 1, &ended[i], i == 0 ? &blocks : NULL);
    submit_list(&jobs[QUEUED], 2, &ended[QUEUED], NULL);
    sem_post(&list_may_run);
    fixture_close(&fixture);
    cr_expect_leq(ended[QUEUED], 2, "%d lists ended before", ended[QUEUED]);
    for (int i = 1; i < QUEUED; i++)
        cr_expect_gt(ended[i], ended[i - 1]);
}
