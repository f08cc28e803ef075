/*
 * Member names, compared after decoding their escapes: "a" and "\u0061" are the same name.
 *
 * Threads: any; a stack of names has one user at a time. Errors: when memory runs out, the process
 * aborts.
 */
#ifndef SESSIOND_ROUTES_JSON_MEMBER_NAME_H
#define SESSIOND_ROUTES_JSON_MEMBER_NAME_H

#include "db/base/slice.h"

#include <stdint.h>

struct json_name {
    struct slice raw; /* borrowed: the text between the quotes */
    uint64_t hash;    /* of the decoded text; a client can make names collide on purpose */
};

/* Makes a name, hashing its decoded text. `raw` is borrowed; `escaped`: it has a backslash. */
struct json_name json_name_make(struct slice raw, bool escaped);

/* Whether the decoded names are equal. */
bool json_name_equal(const struct json_name *a, const struct json_name *b);

/* A stack of the member names of all open objects, the innermost object's last. {0} is empty. */
struct json_names {
    struct json_name *items;
    size_t len;
    size_t capacity;
};

/* Adds a name at the top of the stack. */
void json_names_push(struct json_names *names, struct json_name name);

/* Removes the names from index `from` on: those of one object. Returns the raw text of the first
 * duplicate among them, or {NULL, 0}. Takes linear time, or n log n if all hashes are equal. */
struct slice json_names_pop(struct json_names *names, size_t from);

/* Frees the stack and makes it empty. */
void json_names_release(struct json_names *names);

#endif
