/*
 * A parsed merge patch (RFC 7396) with an index of its members for merge.c.
 *
 * Threads: constant once built; any number of threads may read it. Errors: when memory runs out,
 * the process aborts.
 */
#ifndef SESSIOND_ROUTES_JSON_PATCH_H
#define SESSIOND_ROUTES_JSON_PATCH_H

#include "routes/core/buffer.h"
#include "routes/json/index.h"
#include "routes/json/member_name.h"

enum patch_action {
    PATCH_DELETE,  /* the value is null */
    PATCH_REPLACE, /* the value is neither null nor an object */
    PATCH_MERGE    /* the value is an object: merge into an object, replace any other value */
};

/* Members refer to each other by index. Index 0 is the patch itself, and no member when it is a
 * reference.
 */
struct patch_member {
    struct json_name name;
    uint32_t parent;
    uint32_t first_child;
    uint32_t last_child;
    uint32_t next;     /* sibling, in the patch's order */
    size_t text_start; /* offset of the value in json_patch.text */
    size_t text_len;
    enum patch_action action;
};

struct json_patch {
    /* Owned: the patch without its null members. The text of a nested object is part of the text of
     * the enclosing object, so that the buffer is no longer than the patch. */
    struct buffer text;
    struct patch_member *members; /* owned; [0] is the patch itself */
    uint32_t member_count;
    uint32_t member_capacity;
    struct json_index index; /* of all members but [0], by parent and name */
};

/* Parses and indexes a patch. json_scan() must have accepted `text`, a value of any type, which is
 * borrowed and must outlive the patch. Never returns NULL; the caller frees the patch. */
struct json_patch *json_patch_new(struct slice text);

/* Does nothing when `patch` is NULL. */
void json_patch_free(struct json_patch *patch);

/* The index of the member `name` of the patch's object `parent`; 0 when it has no such member. */
uint32_t json_patch_find(const struct json_patch *patch, uint32_t parent,
                         const struct json_name *name);

/* The value that the patch gives to a member that the target lacks; valid until json_patch_free().
 */
struct slice json_patch_text(const struct json_patch *patch, uint32_t member);

/* Appends a member name and a colon, and before them a comma unless an object was just opened. */
void json_patch_add_name(struct buffer *out, struct slice raw);

#endif
