/* Pages: every session exactly once, whoever writes meanwhile; where a page ends. */
#include "tests/support/fixture.h"
#include "tests/support/parallel.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(lists, .init = fixture_start, .fini = fixture_stop);

#define MANY 1001

/* Sessions that are there before the test begins; each worker makes its share. */
static void fill(struct worker *worker)
{
    const int workers = 16;
    const int *count = worker->arg;

    for (int i = worker->index; i < *count; i += workers)
        worker_expect(worker,
                      client_send(worker->client, "POST",
                                  "{\"project_path\":\"/p\",\"thread_id\":\"before\"}",
                                  "/sessions"),
                      201);
}

static void create_before(int count)
{
    parallel_run(&service, 16, fill, &count);
}

struct walk {
    char (*ids)[UUID_SIZE]; /* of the sessions that were there before, as they were met */
    int before;
    int others;
    char last[64]; /* created_at of the last session that was met */
};

static void walk_init(struct walk *walk)
{
    *walk = (struct walk){.ids = calloc(MANY, UUID_SIZE)};
    cr_assert_not_null(walk->ids);
}

/* Takes the page's sessions; each one's time must lie behind that of the one before. */
static void walk_page(struct walk *walk, const struct response *page, int direction)
{
    const int64_t count = response_length(expect_status(page, 200), "/sessions");

    for (size_t i = 0; i < (size_t)count; i++) {
        const char *time = response_text(page, "/sessions/%zu/created_at", i);
        cr_assert(walk->last[0] == '\0' || direction * strcmp(time, walk->last) > 0,
                  "%s is on the wrong side of %s", time, walk->last);
        snprintf(walk->last, sizeof(walk->last), "%s", time);
        if (strcmp(response_text(page, "/sessions/%zu/thread_id", i), "before") != 0) {
            walk->others++;
            continue;
        }
        cr_assert_lt(walk->before, MANY);
        snprintf(walk->ids[walk->before++], UUID_SIZE, "%s",
                 response_text(page, "/sessions/%zu/id", i));
    }
}

static void walk_by_cursor(struct walk *walk, const char *query, int direction)
{
    char cursor[64] = "";

    do {
        const struct response *page = client_get(client, "/sessions?%s%s%s", query,
                                                 cursor[0] == '\0' ? "" : "&cursor=", cursor);
        walk_page(walk, page, direction);
        snprintf(cursor, sizeof(cursor), "%s", response_text(page, "/next_cursor"));
    } while (cursor[0] != '\0');
}

/* What is between the angle brackets of `<…>; rel="next"`. */
static void read_link(const struct response *page, char *target, size_t size)
{
    const char *link = response_header(page, "Link");

    target[0] = '\0';
    if (link == NULL)
        return;
    const size_t len = strcspn(link, ">");
    cr_assert(link[0] == '<' && strcmp(link + len, ">; rel=\"next\"") == 0, "%s", link);
    snprintf(target, size, "%.*s", (int)len - 1, link + 1);
}

static void walk_by_link(struct walk *walk, const char *query, int direction)
{
    char target[512];

    snprintf(target, sizeof(target), "/sessions?%s", query);
    while (target[0] != '\0') {
        const struct response *page = client_get(client, "%s", target);
        walk_page(walk, page, direction);
        read_link(page, target, sizeof(target));
        cr_expect_eq(target[0] == '\0', response_text(page, "/next_cursor")[0] == '\0');
    }
}

static int compare_ids(const void *left, const void *right)
{
    return strcmp(left, right);
}

static void walk_end(struct walk *walk, int before)
{
    cr_expect_eq(walk->before, before, "%d of %d sessions were met", walk->before, before);
    qsort(walk->ids, (size_t)walk->before, UUID_SIZE, compare_ids);
    for (int i = 1; i < walk->before; i++)
        cr_expect_str_neq(walk->ids[i - 1], walk->ids[i], "met twice");
    free(walk->ids);
}

/* Others who create, change and delete sessions of their own until they are told to stop. */
static void disturb(struct worker *worker)
{
    atomic_bool *stop = worker->arg;

    while (!atomic_load(stop) && worker->failure[0] == '\0') {
        char id[UUID_SIZE];
        const struct response *made =
            client_send(worker->client, "POST", "{\"project_path\":\"/p\",\"thread_id\":\"other\"}",
                        "/sessions");
        if (!worker_expect(worker, made, 201))
            return;
        snprintf(id, sizeof(id), "%s", response_text(made, "/id"));
        worker_expect(
            worker,
            client_send(worker->client, "PATCH", "{\"status\":\"ACTIVE\"}", "/sessions/%s", id),
            200);
        if (worker->index % 2 == 0)
            worker_expect(worker, client_send(worker->client, "DELETE", NULL, "/sessions/%s", id),
                          204);
    }
}

struct way {
    const char *query;
    int direction; /* of time from one session to the next */
    bool by_link;
};

static const struct way ways[] = {
    {"limit=7", -1, false},
    {"limit=7", -1, true},
    {"limit=50&include=context&order=desc", -1, true},
    {"project_path=/p&limit=20&status=CREATED&status=ACTIVE", -1, true},
    {"limit=13&thread_id=before", -1, false},
};

Test(lists, pages_have_each_session_once_while_others_write)
{
    atomic_bool stop = false;

    create_before(200);
    struct parallel *others = parallel_start(&service, 4, disturb, &stop);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct walk walk;
        walk_init(&walk);
        if (ways[i].by_link)
            walk_by_link(&walk, ways[i].query, ways[i].direction);
        else
            walk_by_cursor(&walk, ways[i].query, ways[i].direction);
        walk_end(&walk, 200);
    }
    atomic_store(&stop, true);
    parallel_join(others);
}

/* Oldest first, the walk runs after the writers: it ends once they rest. */
Test(lists, pages_in_ascending_order_reach_what_others_add)
{
    atomic_bool stop = false;
    struct walk walk;
    char cursor[64] = "";

    create_before(100);
    walk_init(&walk);
    struct parallel *others = parallel_start(&service, 4, disturb, &stop);
    do {
        const struct response *page = client_get(client, "/sessions?order=asc&limit=9%s%s",
                                                 cursor[0] == '\0' ? "" : "&cursor=", cursor);
        walk_page(&walk, page, 1);
        snprintf(cursor, sizeof(cursor), "%s", response_text(page, "/next_cursor"));
        if (others != NULL && walk.others > 20) {
            atomic_store(&stop, true);
            parallel_join(others);
            others = NULL;
        }
    } while (cursor[0] != '\0');
    atomic_store(&stop, true);
    if (others != NULL)
        parallel_join(others);
    walk_end(&walk, 100);
}

Test(lists, a_page_has_from_one_to_a_thousand_sessions)
{
    static const char *const bad[] = {"0",       "1001", "-1",  "+1",   "1.0",
                                      "",        "x",    "1e2", "0x10", "99999999999999999999",
                                      "%31%30x", "%205"};
    struct walk walk;

    create_before(MANY);
    cr_expect_eq(response_length(client_get(client, "/sessions"), "/sessions"), 50);
    const struct response *most = client_get(client, "/sessions?limit=1000");
    cr_expect_eq(response_length(expect_status(most, 200), "/sessions"), 1000);
    walk_init(&walk);
    walk_by_cursor(&walk, "limit=1000", -1);
    walk_end(&walk, MANY);
    walk_init(&walk);
    walk_by_link(&walk, "limit=%31%30%30", -1);
    walk_end(&walk, MANY);

    const struct response *least = expect_status(client_get(client, "/sessions?limit=1"), 200);
    cr_expect_eq(response_length(least, "/sessions"), 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_status(client_get(client, "/sessions?limit=%s", bad[i]), 400);
}

Test(lists, a_walk_by_ones_meets_each_session)
{
    struct walk walk;

    create_before(40);
    walk_init(&walk);
    walk_by_link(&walk, "limit=1", -1);
    walk_end(&walk, 40);
    walk_init(&walk);
    walk_by_cursor(&walk, "limit=1&order=asc&include=context", 1);
    walk_end(&walk, 40);
}

Test(lists, a_full_last_page_has_no_next_one)
{
    create_before(20);
    const struct response *page = expect_status(client_get(client, "/sessions?limit=20"), 200);
    cr_expect_eq(response_length(page, "/sessions"), 20);
    cr_expect_not_null(strstr(page->body, "\"next_cursor\":null"));
    cr_expect_null(response_header(page, "Link"));
    page = expect_status(client_get(client, "/sessions?limit=19"), 200);
    cr_expect_str_neq(response_text(page, "/next_cursor"), "");
}

Test(lists, no_session_is_an_empty_page)
{
    cr_expect_str_eq(expect_status(client_get(client, "/sessions"), 200)->body,
                     "{\"sessions\":[],\"next_cursor\":null}\n");
    cr_expect_str_eq(
        expect_status(client_get(client, "/sessions?include=context&status=PAUSED"), 200)->body,
        "{\"sessions\":[],\"next_cursor\":null}\n");
}

/* The session that a cursor stands on may be gone when the next page is asked for. */
Test(lists, a_walk_goes_on_behind_a_deleted_session)
{
    struct walk walk;

    create_before(10);
    const struct response *page = expect_status(client_get(client, "/sessions?limit=4"), 200);
    walk_init(&walk);
    walk_page(&walk, page, -1);
    char *rest = strdup(response_text(page, "/next_cursor"));
    for (int i = 1; i < 4; i++)
        expect_status(client_send(client, "DELETE", NULL, "/sessions/%s", walk.ids[i]), 204);
    walk_page(&walk, client_get(client, "/sessions?limit=100&cursor=%s", rest), -1);
    walk_end(&walk, 10);
    free(rest);
}

/* --- Where a page ends ---------------------------------------------------------------------- */

#define PAGE_BYTES 65536

static void start_with_short_pages(void)
{
    fixture_init();
    service_start(&service, FLAGS("--max-page-size", "65536"));
}

TestSuite(pages, .init = start_with_short_pages, .fini = fixture_stop);

static void create_sized(size_t context_bytes)
{
    char *context = malloc(context_bytes + 1);

    cr_assert_not_null(context);
    memset(context, 'x', context_bytes);
    memcpy(context, "{\"a\":\"", 6);
    memcpy(context + context_bytes - 2, "\"}", 3);
    create_session("/p", "before", context, (char[UUID_SIZE]){0});
    free(context);
}

/* Walks all pages and returns how many there are. */
static int count_pages(const char *query, int sessions)
{
    char target[512];
    int pages = 0;
    int met = 0;

    snprintf(target, sizeof(target), "/sessions?%s", query);
    for (; target[0] != '\0'; pages++) {
        const struct response *page = expect_status(client_get(client, "%s", target), 200);
        const int count = (int)response_length(page, "/sessions");
        cr_assert_geq(count, 1);
        cr_expect(count == 1 || page->body_len <= PAGE_BYTES, "%d sessions in %zu bytes", count,
                  page->body_len);
        met += count;
        cr_assert_leq(met, sessions);
        read_link(page, target, sizeof(target));
    }
    cr_expect_eq(met, sessions);
    return pages;
}

Test(pages, a_page_of_contexts_ends_before_it_is_too_long)
{
    for (int i = 0; i < 12; i++)
        create_sized(20000);
    cr_expect_eq(count_pages("include=context", 12), 4);
    cr_expect_eq(count_pages("include=context&limit=2", 12), 6);
    cr_expect_eq(count_pages("", 12), 1);
}

Test(pages, a_session_longer_than_a_page_is_a_page_of_its_own)
{
    create_sized(1000);
    create_sized(2 * PAGE_BYTES);
    create_sized(1000);
    create_sized(1000);
    cr_expect_eq(count_pages("include=context", 4), 3);
    cr_expect_eq(count_pages("include=context&order=asc", 4), 3);
}

/* Just below, at and above the place where the last session still fits. */
Test(pages, the_whole_page_counts_not_only_its_contexts)
{
    for (size_t bytes = 32300; bytes < 32900; bytes += 50) {
        create_sized(bytes);
        create_sized(bytes);
    }
    count_pages("include=context", 24);
    count_pages("include=context&order=asc", 24);
}

Test(pages, a_page_without_contexts_ends_too)
{
    char path[4097];

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    for (int i = 0; i < 40; i++)
        create_session(path, "before", NULL, (char[UUID_SIZE]){0});
    cr_expect_gt(count_pages("limit=1000", 40), 2);
}
