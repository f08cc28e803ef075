/* Which writes leave their batch, and which of them share a turn. */

#include "db/sqlite/writer/long_jobs.h"

#include <criterion/criterion.h>

#define JOBS 12
#define LARGE (LONG_JOBS_LARGE_BYTES + 1)

static char text[2 * LONG_JOBS_TURN_BYTES];
static struct store_job jobs[JOBS];
static struct store_new_entry entries[JOBS][2];
static struct store_import_entry imported[JOBS];
static struct store_import_item items[JOBS];
static struct long_jobs queue;

static struct store_job *create(size_t at, size_t bytes)
{
    jobs[at] = (struct store_job){.operation = STORE_CREATE, .context = {text, bytes}};
    return &jobs[at];
}

static struct store_job *patch(size_t at, size_t bytes)
{
    jobs[at] = (struct store_job){.operation = STORE_UPDATE, .edit_bytes = bytes};
    return &jobs[at];
}

/* Two entries. */
static struct store_job *append(size_t at, size_t bytes)
{
    entries[at][0].text = (struct slice){text, bytes / 2};
    entries[at][1].text = (struct slice){text, bytes - bytes / 2};
    jobs[at] = (struct store_job){.operation = STORE_APPEND,
                                  .append = {.entries = entries[at], .count = 2}};
    return &jobs[at];
}

/* A context and an entry. */
static struct store_job *import(size_t at, size_t bytes)
{
    imported[at].text = (struct slice){text, bytes / 2};
    items[at] = (struct store_import_item){.entries = &imported[at], .count = 1};
    items[at].session.context = (struct slice){text, bytes - bytes / 2};
    jobs[at] =
        (struct store_job){.operation = STORE_IMPORT, .import = {.items = &items[at], .count = 1}};
    return &jobs[at];
}

/* Takes the pages out of a batch of the first `count` jobs; returns how many stay in it. */
static size_t take_pages(size_t count)
{
    size_t left = count;
    size_t linked = 0;

    for (size_t i = 0; i < count; i++)
        jobs[i].next = i + 1 < count ? &jobs[i + 1] : NULL;
    for (struct store_job *job = long_jobs_remove_pages(&queue, jobs, &left); job != NULL;
         job = job->next)
        linked++;
    cr_assert_eq(linked, left);
    return left;
}

/* The jobs of the next turn, each as a digit. */
static void expect_turn(const char *wanted)
{
    char found[JOBS + 1] = "";
    size_t count;
    size_t linked = 0;

    for (const struct store_job *job = long_jobs_remove_turn(&queue, &count); job != NULL;
         job = job->next)
        found[linked++] = (char)('0' + (job - jobs));
    cr_assert_eq(linked, count);
    cr_expect_str_eq(found, wanted);
}

Test(long_jobs, a_write_of_up_to_the_limit_stays_in_its_batch)
{
    create(0, LARGE - 1);
    append(1, LARGE - 1);
    import(2, LARGE - 1);
    patch(3, LARGE - 1);
    cr_expect_eq(take_pages(4), 4);
    cr_expect_not(long_jobs_is_waiting(&queue));
    expect_turn("");
}

Test(long_jobs, a_write_of_more_leaves_its_batch)
{
    create(0, LARGE);
    create(1, 2);
    append(2, LARGE);
    import(3, LARGE);
    create(4, 2);
    patch(5, LARGE);
    cr_expect_eq(take_pages(6), 2);
    cr_expect(long_jobs_is_waiting(&queue));
    expect_turn("0235");
    cr_expect_not(long_jobs_is_waiting(&queue));
}

Test(long_jobs, large_writes_share_a_turn_up_to_its_limit)
{
    create(0, LONG_JOBS_TURN_BYTES / 2);
    create(1, LONG_JOBS_TURN_BYTES / 2);
    create(2, LARGE);
    create(3, LONG_JOBS_TURN_BYTES - LARGE + 1);
    create(4, 2 * LONG_JOBS_TURN_BYTES);
    create(5, LARGE);
    cr_expect_eq(take_pages(6), 0);
    expect_turn("01");
    expect_turn("2");
    expect_turn("3");
    expect_turn("4");
    expect_turn("5");
    expect_turn("");
}

Test(long_jobs, other_pages_have_a_turn_of_their_own)
{
    create(0, LARGE);
    jobs[1] = (struct store_job){.operation = STORE_RECOVER};
    jobs[2] = (struct store_job){.operation = STORE_PURGE};
    create(3, LARGE);
    cr_expect_eq(take_pages(4), 0);
    expect_turn("0");
    expect_turn("1");
    expect_turn("2");
    expect_turn("3");
}

Test(long_jobs, clients_with_large_writes_take_turns)
{
    for (size_t i = 0; i < 4; i++)
        create(i, 2 * LONG_JOBS_TURN_BYTES)->client = i < 3 ? 1 : 2;
    cr_expect_eq(take_pages(4), 0);
    expect_turn("0");
    expect_turn("3");
    expect_turn("1");
    expect_turn("2");
}
