/*
 * The index of a merge patch, in which merge.c looks names up. Built once and constant from then
 * on: any number of threads may read it.
 */
#ifndef SESSIOND_ROUTES_JSON_PATCH_H
#define SESSIOND_ROUTES_JSON_PATCH_H

#include "routes/core/buffer.h"
#include "routes/json/index.h"
#include "routes/json/member_name.h"

enum patch_action {
    PATCH_DELETE,  /* the patch says null */
    PATCH_REPLACE, /* it says anything else that is no object */
    PATCH_MERGE    /* it says an object: merge into an object, replace what is none */
};

/* Members refer to each other by index; 0, the patch itself, means none. */
struct patch_member {
    struct json_name name;
    uint32_t parent;
    uint32_t first_child;
    uint32_t last_child;
    uint32_t next; /* of the same parent, in the patch's order */
    size_t text_start;
    size_t text_len;
    enum patch_action action;
};

struct json_patch {
    /* The patch without its null members. The text of a nested object is a part of the text of the
     * one around it, so that all of them together need no more room than the patch. */
    struct buffer text;
    struct patch_member *members; /* [0] is the patch itself */
    uint32_t member_count;
    uint32_t member_capacity;
    struct json_index index; /* of all members but [0], by parent and name */
};

/* Indexes a patch. json_scan() has accepted `text`, whatever its type; it is
 * borrowed and must outlive the patch. Never NULL. */
struct json_patch *json_patch_new(struct slice text);

/* NULL is fine. */
void json_patch_free(struct json_patch *patch);

/* The index of the member that the patch's object `parent` has under `name`, or 0. */
uint32_t json_patch_find(const struct json_patch *patch, uint32_t parent,
                         const struct json_name *name);

/* What the patch gives a member that the target lacks. */
struct slice json_patch_text(const struct json_patch *patch, uint32_t member);

/* Adds a comma, unless an object was just opened, the name and a colon. */
void json_patch_add_name(struct buffer *out, struct slice raw);

#endif
