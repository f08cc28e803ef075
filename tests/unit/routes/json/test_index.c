/* The index by hash: every entry is found and nothing else, whatever the hashes are. */

#include "routes/json/index.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MOST 3000

static int values[MOST];

static int by_hash_and_value(const void *left, const void *right)
{
    const struct json_index_entry *a = left;
    const struct json_index_entry *b = right;
    const int *x = a->item;
    const int *y = b->item;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

static uint64_t spread(int value)
{
    return (uint64_t)value * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t high_bits_alike(int value)
{
    return (uint64_t)value;
}

static uint64_t all_alike(int value)
{
    (void)value;
    return UINT64_MAX;
}

static uint64_t a_few(int value)
{
    return (uint64_t)(value % 3) << 62;
}

static uint64_t (*const hashes[])(int) = {spread, high_bits_alike, all_alike, a_few};

/* Even numbers, out of order, each once: 7919 is prime. */
static void fill(struct json_index_entry *entries, size_t count, uint64_t (*hash)(int))
{
    for (size_t i = 0; i < count; i++) {
        values[i] = 2 * (int)(i * 7919 % count);
        entries[i] = (struct json_index_entry){hash(values[i]), &values[i]};
    }
}

static const int *find(const struct json_index *index, int value, uint64_t (*hash)(int))
{
    const struct json_index_entry key = {hash(value), &value};

    return json_index_find(index, &key, by_hash_and_value);
}

static void check(size_t count, uint64_t (*hash)(int))
{
    struct json_index_entry *entries = calloc(count + 1, sizeof(*entries));
    struct json_index index;

    fill(entries, count, hash);
    json_index_init(&index, entries, count, by_hash_and_value);
    free(entries);
    cr_assert_eq(index.count, count);
    for (size_t i = 0; i < count; i++) {
        const int *found = find(&index, values[i], hash);
        cr_assert(found == &values[i], "%d of %zu", values[i], count);
        cr_assert_null(find(&index, values[i] + 1, hash));
    }
    cr_expect_null(find(&index, -1, hash));
    for (size_t i = 1; i < count; i++)
        cr_assert_lt(by_hash_and_value(&index.entries[i - 1], &index.entries[i]), 0,
                     "entries are in order");
    json_index_release(&index);
    cr_expect_null(index.entries);
    json_index_release(&index);
}

Test(json_index, finds_what_is_there_and_nothing_else)
{
    static const size_t counts[] = {0, 1, 2, 3, 4, 5, 7, 31, 32, 33, 1009, MOST - 1};

    for (size_t h = 0; h < sizeof(hashes) / sizeof(hashes[0]); h++) {
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
            check(counts[i], hashes[h]);
    }
}

static size_t comparisons;

static int counted(const void *left, const void *right)
{
    comparisons++;
    return by_hash_and_value(left, right);
}

/* `finding takes one or two steps`, and `a sort and a binary search` at worst. */
Test(json_index, steps_are_as_few_as_promised)
{
    static struct json_index_entry entries[2048];
    struct json_index index;

    fill(entries, 2047, spread);
    json_index_init(&index, entries, 2047, by_hash_and_value);
    for (int i = 0; i < 2047; i++) {
        const struct json_index_entry key = {spread(values[i]), &values[i]};
        cr_assert_not_null(json_index_find(&index, &key, counted));
    }
    cr_expect_leq(comparisons, 2 * 2047, "%zu in all", comparisons);
    json_index_release(&index);

    comparisons = 0;
    fill(entries, 2047, all_alike);
    json_index_init(&index, entries, 2047, counted);
    cr_expect_leq(comparisons, 2047 * 11, "%zu to build", comparisons);
    json_index_release(&index);
}
