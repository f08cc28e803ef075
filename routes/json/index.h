/*
 * An index by hash that no choice of keys makes slow: entries are sorted, and
 * a directory over the first bits of the hash says where to look. With hashes
 * that spread, building is linear and finding takes one or two steps; if all
 * hashes are the same it is a sort and a binary search.
 *
 * Constant once built; then any thread may search it.
 */
#ifndef SESSIOND_ROUTES_JSON_INDEX_H
#define SESSIOND_ROUTES_JSON_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct json_index_entry {
    uint64_t hash;
    const void *item; /* borrowed */
};

/* Compares two entries, as for qsort(): by hash first. */
typedef int json_index_order(const void *a, const void *b);

struct json_index {
    struct json_index_entry *entries; /* in order */
    size_t count;
    size_t *starts; /* for each value of hash >> shift, and one more: the first entry from it on */
    unsigned shift;
};

/* Sorts `count` entries into a new index. `unsorted` is the caller's, to free when this returns. */
void json_index_init(struct json_index *index, const struct json_index_entry *unsorted,
                     size_t count, json_index_order *order);

/* The item of the entry that is equal to `key`, or NULL. */
const void *json_index_find(const struct json_index *index, const struct json_index_entry *key,
                            json_index_order *order);

void json_index_release(struct json_index *index);

#endif
