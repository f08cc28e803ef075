#include "routes/json/index.h"

#include <stdlib.h>

static size_t bucket_of(const struct json_index *index, uint64_t hash)
{
    return (size_t)(hash >> index->shift);
}

/* Sets starts[b] to the number of entries in bucket b - 1. */
static void count_entries(struct json_index *index, const struct json_index_entry *unsorted)
{
    for (size_t i = 0; i < index->count; i++)
        index->starts[bucket_of(index, unsorted[i].hash) + 1]++;
}

/* Copies the entries into their buckets. Advances starts[b] from the first entry of bucket b to the
 * end of the bucket. */
static void place_entries(struct json_index *index, const struct json_index_entry *unsorted)
{
    for (size_t i = 0; i < index->count; i++)
        index->entries[index->starts[bucket_of(index, unsorted[i].hash)]++] = unsorted[i];
}

static void sort_buckets(struct json_index *index, size_t buckets, json_index_order *order)
{
    size_t start = 0;

    for (size_t b = 0; b < buckets; b++) {
        size_t end = index->starts[b];

        if (end - start > 1)
            qsort(index->entries + start, end - start, sizeof(*index->entries), order);
        index->starts[b] = start;
        start = end;
    }
}

void json_index_init(struct json_index *index, const struct json_index_entry *unsorted,
                     size_t count, json_index_order *order)
{
    size_t buckets = 2;

    *index = (struct json_index){.count = count, .shift = 63};
    for (; buckets < count; buckets *= 2)
        index->shift--;
    index->entries = calloc(count + 1, sizeof(*index->entries));
    index->starts = calloc(buckets + 1, sizeof(*index->starts));
    if (index->entries == NULL || index->starts == NULL)
        abort();
    count_entries(index, unsorted);
    for (size_t b = 1; b <= buckets; b++)
        index->starts[b] += index->starts[b - 1];
    place_entries(index, unsorted);
    sort_buckets(index, buckets, order);
}

const void *json_index_find(const struct json_index *index, const struct json_index_entry *key,
                            json_index_order *order)
{
    size_t bucket = bucket_of(index, key->hash);
    size_t start = index->starts[bucket];
    size_t count = index->starts[bucket + 1] - start;
    const struct json_index_entry *found;

    if (count == 0)
        return NULL;
    found = bsearch(key, index->entries + start, count, sizeof(*key), order);
    return found == NULL ? NULL : found->item;
}

void json_index_release(struct json_index *index)
{
    free(index->entries);
    free(index->starts);
    *index = (struct json_index){0};
}
