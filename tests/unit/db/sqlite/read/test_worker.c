/* A long list stands still while a list of another client runs. */

#include "tests/unit/support/database_fixture.h"

#include "db/sqlite/connection/connection.h"
#include "db/sqlite/read/worker.h"

#include <criterion/criterion.h>
#include <semaphore.h>
#include <unistd.h>

#define ROWS 3000
#define NO_SLICE_US INT64_C(600000000)
#define READ_LIMIT_MS 1000

/* Of what a job of the test lists. */
enum kind { LONG, SHORT, SLOW };

static sqlite3 *writer;
static struct reader_pool pool;
static struct read_worker worker;
static struct error err;
static struct store_job jobs[3];
static sem_t answered;
static char order[4]; /* of the answers, each job as a letter */
static size_t answers;

static void begin(void)
{
    folder_enter();
    writer = database_on_disk();
    database_run(writer, "BEGIN");
    for (int64_t seq = 1; seq <= ROWS; seq++)
        database_insert(writer, seq, "/p", "t", SESSION_CREATED);
    database_run(writer, "COMMIT");
    cr_assert(
        reader_pool_init(&pool, DATABASE_PATH, READ_WORKER_READERS, READ_LIMIT_MS, NULL, &err),
        "%s", err.detail);
    sem_init(&answered, 0, 0);
}

static void start(int64_t slice_us)
{
    worker.slice_us = slice_us;
    cr_assert(read_worker_start(&worker, &pool, 10, &err), "%s", err.detail);
}

static void end(void)
{
    read_worker_stop(&worker);
    reader_pool_release(&pool);
    connection_close(writer);
    sem_destroy(&answered);
    folder_leave();
}

TestSuite(read_worker, .init = begin, .fini = end, .timeout = 60);

static void on_answer(struct store_job *job)
{
    order[answers++] = (char)('a' + (job - jobs));
    sem_post(&answered);
}

static enum store_visit visit(void *arg, const struct session *session)
{
    const enum kind *kind = arg;

    (void)session;
    if (*kind == SLOW)
        usleep((READ_LIMIT_MS + 200) * 1000);
    return STORE_VISIT_NEXT;
}

static void push(size_t at, uint64_t client, enum kind kind)
{
    static enum kind kinds[] = {LONG, SHORT, SLOW};

    jobs[at] = (struct store_job){.operation = STORE_LIST,
                                  .client = client,
                                  .query = {.limit = kind == LONG ? ROWS : 1},
                                  .visit = visit,
                                  .visit_arg = &kinds[kind],
                                  .done = on_answer};
    cr_assert(job_queue_reserve(&worker.queue));
    job_queue_push(&worker.queue, &jobs[at]);
}

static void await_answers(size_t count)
{
    for (size_t i = 0; i < count; i++)
        sem_wait(&answered);
}

/* No list begins before the second is pushed. */
static void run_two(uint64_t first_client, uint64_t second_client, enum kind second)
{
    reader_pool_block_lists(&pool, true);
    push(0, first_client, LONG);
    push(1, second_client, second);
    reader_pool_block_lists(&pool, false);
    await_answers(2);
    for (size_t i = 0; i < 2; i++)
        cr_expect_eq(jobs[i].error.kind, ERROR_NONE, "%s", jobs[i].error.detail);
}

Test(read_worker, a_long_list_stands_still_for_another_client)
{
    start(0);
    run_two(1, 2, SHORT);
    cr_expect_str_eq(order, "ba");
}

Test(read_worker, a_long_list_does_not_stand_still_for_its_own_client)
{
    start(0);
    run_two(1, 1, SHORT);
    cr_expect_str_eq(order, "ab");
}

Test(read_worker, a_list_does_not_stand_still_within_its_slice)
{
    start(NO_SLICE_US);
    run_two(1, 2, SHORT);
    cr_expect_str_eq(order, "ab");
}

Test(read_worker, the_time_in_which_a_list_stands_still_does_not_count)
{
    start(0);
    run_two(1, 2, SLOW);
    cr_expect_str_eq(order, "ba");
}

static enum store_visit hold_and_push(void *arg, const struct session *session)
{
    (void)session;
    if (jobs[1].done == NULL) {
        reader_pool_block_lists(&pool, true);
        push(1, 2, SHORT);
    }
    return visit(arg, session);
}

static void on_answer_let_go(struct store_job *job)
{
    on_answer(job);
    reader_pool_block_lists(&pool, false);
}

/* The writer waits for the reader of the list that runs. */
Test(read_worker, a_list_does_not_stand_still_while_lists_are_held)
{
    start(0);
    reader_pool_block_lists(&pool, true);
    push(0, 1, LONG);
    jobs[0].visit = hold_and_push;
    jobs[0].done = on_answer_let_go;
    reader_pool_block_lists(&pool, false);
    await_answers(2);
    cr_expect_str_eq(order, "ab");
}
