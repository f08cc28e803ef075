/*
 * Member names, compared by what they stand for and not by how they are
 * spelt: "a" and "\u0061" are one name.
 *
 * Pure, any thread.
 */
#ifndef SESSIOND_ROUTES_JSON_MEMBER_NAME_H
#define SESSIOND_ROUTES_JSON_MEMBER_NAME_H

#include "db/base/slice.h"

#include <stdint.h>

struct json_name {
    struct slice raw; /* borrowed */
    uint64_t hash;    /* of the decoded text; anyone can make names collide */
};

/* `escaped`: whether there is a backslash in `raw`. */
struct json_name json_name_make(struct slice raw, bool escaped);

bool json_name_equal(const struct json_name *a, const struct json_name *b);

/* The names of the objects that are open, innermost last: a stack. {0} is empty. */
struct json_names {
    struct json_name *items;
    size_t len;
    size_t capacity;
};

void json_names_push(struct json_names *names, struct json_name name);

/*
 * Drops the names from index `from` on, those of one object. Returns the raw
 * text of the first of them that an earlier one equals, or {NULL, 0}.
 * Linear in their number, n log n if all hashes are the same.
 */
struct slice json_names_pop(struct json_names *names, size_t from);

void json_names_release(struct json_names *names);

#endif
