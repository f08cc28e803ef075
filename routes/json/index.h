/*
 * A hash index that resists hash flooding: entries are sorted by hash, and a directory over the
 * first bits of the hash gives the range to search. With well distributed hashes building is linear
 * and a lookup takes one or two steps. If all hashes are equal, building is a sort and a lookup is
 * a binary search.
 *
 * Threads: constant once built; any thread may search it.
 * Errors: when memory runs out, the process aborts.
 */
#ifndef SESSIOND_ROUTES_JSON_INDEX_H
#define SESSIOND_ROUTES_JSON_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct json_index_entry {
    uint64_t hash;
    const void *item; /* borrowed */
};

/* Compares two entries as for qsort(), by hash first. */
typedef int json_index_order(const void *a, const void *b);

struct json_index {
    struct json_index_entry *entries; /* owned, sorted */
    size_t count;
    size_t *starts; /* owned: the first entry of each value of hash >> shift, and the end */
    unsigned shift;
};

/* Builds an index of `count` entries, which are copied; the caller keeps `unsorted`. */
void json_index_init(struct json_index *index, const struct json_index_entry *unsorted,
                     size_t count, json_index_order *order);

/* The item of an entry that compares equal to `key`, or NULL. `order` is that of json_index_init().
 */
const void *json_index_find(const struct json_index *index, const struct json_index_entry *key,
                            json_index_order *order);

/* Frees the index; the items are not touched. */
void json_index_release(struct json_index *index);

#endif
