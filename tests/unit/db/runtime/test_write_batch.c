/* Which writes share a batch, and in what order the others follow. */

#include "db/runtime/write_batch.h"

#include <criterion/criterion.h>

#define LARGE (WRITE_BATCH_BYTES / 2 + 1)

static struct store_job jobs[16];
static struct write_batch batch;

/* Only its length is looked at. */
static struct slice text_of(uint64_t bytes)
{
    return (struct slice){"", bytes};
}

static struct store_job *link_jobs(size_t first, size_t count)
{
    for (size_t i = first; i + 1 < first + count; i++)
        jobs[i].next = &jobs[i + 1];
    jobs[first + count - 1].next = NULL;
    return &jobs[first];
}

static void make(size_t job, uint64_t client, uint64_t bytes)
{
    jobs[job] =
        (struct store_job){.operation = STORE_UPDATE, .client = client, .context = text_of(bytes)};
}

/* `arrived` of them, from `first` on; the next batch must be `wanted`. */
static void expect_batch(size_t first, size_t arrived, const long *wanted, size_t wanted_count)
{
    size_t count = arrived;
    const struct store_job *job =
        write_batch_take(&batch, arrived == 0 ? NULL : link_jobs(first, arrived), &count);

    cr_expect_eq(count, wanted_count, "%zu jobs", count);
    for (size_t i = 0; i < wanted_count; i++, job = job->next) {
        cr_assert_not_null(job);
        cr_expect_eq(job - jobs, wanted[i], "job %zu is %td", i, job - jobs);
    }
    cr_expect_null(job);
}

Test(write_batch, small_writes_share_one_batch_in_order)
{
    for (size_t i = 0; i < 8; i++)
        make(i, i % 2, WRITE_BATCH_BYTES / 8);
    expect_batch(0, 8, (const long[]){0, 1, 2, 3, 4, 5, 6, 7}, 8);
    cr_expect_not(write_batch_is_waiting(&batch));
    expect_batch(0, 0, NULL, 0);
}

Test(write_batch, a_byte_more_begins_another_batch)
{
    make(0, 1, WRITE_BATCH_BYTES - 1);
    make(1, 1, 1);
    make(2, 1, 1);
    expect_batch(0, 3, (const long[]){0, 1}, 2);
    cr_expect(write_batch_is_waiting(&batch));
    expect_batch(0, 0, (const long[]){2}, 1);
    cr_expect_not(write_batch_is_waiting(&batch));
}

Test(write_batch, a_write_larger_than_a_batch_is_taken_alone)
{
    make(0, 1, 3 * WRITE_BATCH_BYTES);
    make(1, 2, 1);
    expect_batch(0, 2, (const long[]){0}, 1);
    expect_batch(0, 0, (const long[]){1}, 1);
}

Test(write_batch, a_client_with_many_large_writes_delays_another_by_one)
{
    for (size_t i = 0; i < 6; i++)
        make(i, 1, LARGE);
    make(6, 2, 10);
    expect_batch(0, 7, (const long[]){0, 6}, 2);
    make(7, 3, 10); /* comes while five large ones wait */
    expect_batch(7, 1, (const long[]){7, 1}, 2);
    expect_batch(0, 0, (const long[]){2}, 1);
}

Test(write_batch, writes_of_one_client_keep_their_order)
{
    for (size_t i = 0; i < 4; i++)
        make(i, 1, LARGE);
    expect_batch(0, 4, (const long[]){0}, 1);
    make(4, 1, 1);
    expect_batch(4, 1, (const long[]){1}, 1);
    expect_batch(0, 0, (const long[]){2}, 1);
    expect_batch(0, 0, (const long[]){3, 4}, 2);
}

Test(write_batch, entries_imports_and_patches_count_by_their_texts)
{
    const struct store_new_entry entry = {.text = text_of(LARGE)};
    const struct store_import_entry imported = {.text = text_of(LARGE)};
    struct store_import_item item = {.entries = &imported, .count = 1};

    for (size_t i = 0; i < 4; i++)
        make(i, 1, 0);
    jobs[0].operation = STORE_APPEND;
    jobs[0].append.entries = &entry;
    jobs[0].append.count = 1;
    jobs[1].operation = STORE_IMPORT;
    jobs[1].import = (struct store_import){.items = &item, .count = 1};
    jobs[2].edit_bytes = LARGE;
    expect_batch(0, 4, (const long[]){0}, 1);
    expect_batch(0, 0, (const long[]){1}, 1);
    expect_batch(0, 0, (const long[]){2, 3}, 2);
}
