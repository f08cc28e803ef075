/* Many clients at once: nothing is lost, nothing happens twice, the order is total. */
#include "tests/support/fixture.h"
#include "tests/support/parallel.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(concurrency, .init = fixture_start, .fini = fixture_stop);

/* Each worker's own session. */
static void create_one(struct worker *worker)
{
    char(*ids)[UUID_SIZE] = worker->arg;
    char body[128];

    snprintf(body, sizeof(body),
             "{\"project_path\":\"/p\",\"thread_id\":\"t%d\",\"context\":{\"worker\":%d}}",
             worker->index, worker->index);
    const struct response *made = client_send(worker->client, "POST", body, "/sessions");
    if (worker_expect(worker, made, 201))
        snprintf(ids[worker->index], UUID_SIZE, "%s", response_text(made, "/id"));
}

static int compare_ids(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* The page's items count from `at`, each newer than *last; its ids go to `listed`. */
static size_t read_page(const struct response *page, char (*listed)[UUID_SIZE], size_t at,
                        char last[64])
{
    const size_t count = (size_t)response_length(page, "/sessions");

    for (size_t i = 0; i < count; i++) {
        const char *time = response_text(page, "/sessions/%zu/created_at", i);
        cr_assert_gt(strcmp(time, last), 0, "%s is not after %s", time, last);
        snprintf(last, 64, "%s", time);
        snprintf(listed[at + i], UUID_SIZE, "%s", response_text(page, "/sessions/%zu/id", i));
    }
    return count;
}

static void create_at_once(int count)
{
    char(*made)[UUID_SIZE] = calloc((size_t)count, UUID_SIZE);
    char(*listed)[UUID_SIZE] = calloc((size_t)count + 1000, UUID_SIZE);
    char cursor[32] = "";
    char last[64] = "";
    size_t total = 0;

    cr_assert(made != NULL && listed != NULL);
    parallel_run(&service, count, create_one, made);
    do {
        const struct response *page = client_get(client, "/sessions?order=asc&limit=300%s%s",
                                                 cursor[0] == '\0' ? "" : "&cursor=", cursor);
        total += read_page(expect_status(page, 200), listed, total, last);
        cr_assert_leq(total, (size_t)count);
        snprintf(cursor, sizeof(cursor), "%s", response_text(page, "/next_cursor"));
    } while (cursor[0] != '\0');
    cr_assert_eq(total, (size_t)count);
    qsort(made, (size_t)count, UUID_SIZE, compare_ids);
    qsort(listed, (size_t)count, UUID_SIZE, compare_ids);
    for (int i = 0; i < count; i++) {
        cr_expect_str_eq(listed[i], made[i]);
        cr_expect(i == 0 || strcmp(made[i - 1], made[i]) != 0, "%s was given twice", made[i]);
    }
    free(made);
    free(listed);
}

Test(concurrency, a_hundred_creates_at_once)
{
    create_at_once(100);
}

Test(concurrency, a_thousand_creates_at_once)
{
    create_at_once(1000);
}

#define CLIENTS 16
#define WINS 8

struct contest {
    char target[64];
    atomic_int wins[1 + CLIENTS * WINS + 1]; /* by the version that was won */
};

static void init_contest(struct contest *contest, const char *context)
{
    char id[UUID_SIZE];

    *contest = (struct contest){0};
    create_session("/p", "t", context, id);
    snprintf(contest->target, sizeof(contest->target), "/sessions/%s", id);
}

/* Changes the session if it is at `version`: whether it was. */
static bool change_version(struct worker *worker, const char *target, int64_t version)
{
    char header[64];
    char body[96];

    snprintf(header, sizeof(header), "If-Match: \"%lld\"", (long long)version);
    snprintf(body, sizeof(body), "{\"context\":{\"worker\":%d,\"version\":%lld}}", worker->index,
             (long long)version + 1);
    const struct response *response = client_call(
        worker->client,
        &(struct request){.method = "PATCH", .target = target, .body = body, .headers = {header}});
    if (response->status == 412 && response_number(response, "/current_version") <= version)
        worker_fail(worker, "refused at version %lld: %s", (long long)version, response->body);
    if (response->status != 412)
        worker_expect(worker, response, 200);
    if (response->status == 200 && response_number(response, "/version") != version + 1)
        worker_fail(worker, "version %lld changed to %s", (long long)version, response->body);
    return response->status == 200;
}

/* Reads, then changes what was read if it is still so: until it has worked WINS times. */
static void win_versions(struct worker *worker)
{
    struct contest *contest = worker->arg;

    for (int wins = 0; wins < WINS && worker->failure[0] == '\0';) {
        const struct response *read = client_get(worker->client, "%s", contest->target);
        const int64_t version = response_number(read, "/version");
        if (!worker_expect(worker, read, 200) || !change_version(worker, contest->target, version))
            continue;
        atomic_fetch_add(&contest->wins[version], 1);
        wins++;
    }
}

Test(concurrency, each_version_is_changed_by_one_client)
{
    struct contest contest;

    init_contest(&contest, "{}");
    parallel_run(&service, CLIENTS, win_versions, &contest);
    for (int version = 1; version <= CLIENTS * WINS; version++)
        cr_expect_eq(contest.wins[version], 1, "version %d: %d changes", version,
                     contest.wins[version]);
    const struct response *last = expect_status(client_get(client, "%s", contest.target), 200);
    cr_expect_eq(response_number(last, "/version"), 1 + CLIENTS * WINS);
    cr_expect_eq(response_number(last, "/context/version"), 1 + CLIENTS * WINS);
}

static void change_first_version(struct worker *worker)
{
    struct contest *contest = worker->arg;

    if (change_version(worker, contest->target, 1))
        atomic_fetch_add(&contest->wins[1], 1);
}

Test(concurrency, one_of_many_changes_of_one_version_wins)
{
    struct contest contest;

    init_contest(&contest, "{}");
    parallel_run(&service, 64, change_first_version, &contest);
    cr_expect_eq(contest.wins[1], 1);
    cr_expect_eq(response_number(client_get(client, "%s", contest.target), "/version"), 2);
}

#define MEMBERS 10

static void add_members(struct worker *worker)
{
    const struct contest *contest = worker->arg;
    char body[96];

    for (int i = 0; i < MEMBERS && worker->failure[0] == '\0'; i++) {
        snprintf(body, sizeof(body), "{\"context\":{\"w%d_%d\":%d.0}}", worker->index, i, i);
        worker_expect(
            worker,
            client_call(worker->client, &(struct request){.method = "PATCH",
                                                          .target = contest->target,
                                                          .type = "application/merge-patch+json",
                                                          .body = body}),
            200);
    }
}

Test(concurrency, no_merged_member_is_lost)
{
    struct contest contest;
    char member[32];

    init_contest(&contest, "{\"first\":-0}");
    parallel_run(&service, CLIENTS, add_members, &contest);
    const struct response *last = expect_status(client_get(client, "%s", contest.target), 200);
    cr_expect_eq(response_number(last, "/version"), 1 + CLIENTS * MEMBERS);
    cr_expect_eq(response_length(last, "/context"), 1 + CLIENTS * MEMBERS);
    for (int i = 0; i < CLIENTS * MEMBERS; i++) {
        snprintf(member, sizeof(member), "\"w%d_%d\":%d.0", i / MEMBERS, i % MEMBERS, i % MEMBERS);
        cr_expect_not_null(strstr(last->body, member), "%s is lost", member);
    }
}

#define PUTS 32

struct puts {
    char id[UUID_SIZE];
    atomic_int created;
    atomic_int found;
    atomic_int refused;
};

/* The same session, but for some other context; a quarter sends another thread. */
static void put_session(struct worker *worker)
{
    struct puts *puts = worker->arg;
    char body[128];

    snprintf(body, sizeof(body),
             "{\"project_path\":\"/p\",\"thread_id\":\"t%d\",\"context\":{\"worker\":%d}}",
             worker->index % 4 == 3, worker->index);
    const struct response *response =
        client_send(worker->client, "PUT", body, "/sessions/%s", puts->id);
    if (response->status == 201)
        atomic_fetch_add(&puts->created, 1);
    else if (response->status == 409)
        atomic_fetch_add(&puts->refused, 1);
    else if (worker_expect(worker, response, 200))
        atomic_fetch_add(&puts->found, 1);
}

Test(concurrency, one_of_many_puts_creates)
{
    for (int round = 0; round < 8; round++) {
        struct puts puts = {0};
        snprintf(puts.id, sizeof(puts.id), "b0a4c7de-0000-4000-8000-%012d", round);
        parallel_run(&service, PUTS, put_session, &puts);
        const struct response *kept = client_get(client, "/sessions/%s", puts.id);
        const bool other = strcmp(response_text(expect_status(kept, 200), "/thread_id"), "t1") == 0;
        const int same = other ? PUTS / 4 : PUTS - PUTS / 4;
        cr_expect_eq(puts.created, 1);
        cr_expect_eq(puts.found, same - 1);
        cr_expect_eq(puts.refused, PUTS - same);
        cr_expect_eq(response_number(kept, "/version"), 1);
    }
    cr_expect_eq(count_sessions(), 8);
}

/* From CREATED a session can become CREATED, which counts as a change, but not PAUSED. */
static void push_status(struct worker *worker)
{
    static const char *const bodies[] = {"{\"status\":\"PAUSED\"}", "{\"status\":\"CREATED\"}"};
    struct contest *contest = worker->arg;

    const struct response *response =
        client_send(worker->client, "PATCH", bodies[worker->index % 2], "%s", contest->target);
    if (response->status == 200)
        atomic_fetch_add(&contest->wins[1], 1);
    else
        worker_expect(worker, response, 409);
}

Test(concurrency, a_refused_status_in_the_same_batch_is_refused_alone)
{
    struct contest contest;

    init_contest(&contest, "{}");
    parallel_run(&service, PUTS, push_status, &contest);
    cr_expect_eq(contest.wins[1], PUTS / 2);
    const struct response *last = expect_status(client_get(client, "%s", contest.target), 200);
    cr_expect_str_eq(response_text(last, "/status"), "CREATED");
    cr_expect_eq(response_number(last, "/version"), 1 + PUTS / 2);
}

#define WRITERS 4

static void write_pairs(struct worker *worker)
{
    const struct contest *contest = worker->arg;
    char body[128];

    for (int i = 0; i < 50 && worker->failure[0] == '\0'; i++) {
        if (worker->index < WRITERS) {
            snprintf(body, sizeof(body), "{\"context\":{\"a\":%d,\"b\":%d}}", i, i);
            worker_expect(worker, client_send(worker->client, "PATCH", body, "%s", contest->target),
                          200);
            continue;
        }
        const struct response *read = client_get(worker->client, "%s", contest->target);
        if (worker_expect(worker, read, 200) &&
            response_number(read, "/context/a") != response_number(read, "/context/b"))
            worker_fail(worker, "torn: %s", read->body);
    }
}

Test(concurrency, no_reader_sees_half_of_a_change)
{
    struct contest contest;

    init_contest(&contest, "{\"a\":0,\"b\":0}");
    parallel_run(&service, 2 * WRITERS, write_pairs, &contest);
    cr_expect_eq(response_number(client_get(client, "%s", contest.target), "/version"),
                 1 + 50 * WRITERS);
}
