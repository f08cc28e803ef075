#include "routes/json/merge.h"

#include "routes/json/patch.h"
#include "routes/json/skip.h"

#include <stdlib.h>

struct merge {
    const struct json_patch *patch;
    bool *met;       /* for each member of the patch: whether the target has it */
    size_t depth;    /* nesting of the current object of the target */
    uint32_t object; /* the patch's object that merges with it */
    const char *at;  /* position in the target; NULL: the target is not JSON */
    const char *end;
    struct buffer *out;
};

static void add_member(struct merge *m, struct slice name, struct slice value)
{
    json_patch_add_name(m->out, name);
    buffer_add(m->out, value);
}

/* Copies a member that the patch does not name, byte for byte. */
static void copy_member(struct merge *m, struct slice name)
{
    struct slice member = {name.data - 1, 0};

    m->at = json_skip_value(m->at, m->end);
    if (m->at == NULL)
        return;
    member.len = (size_t)(m->at - member.data);
    if (m->out->data[m->out->len - 1] != '{')
        buffer_add_char(m->out, ',');
    buffer_add(m->out, member);
}

static void enter_object(struct merge *m, uint32_t object)
{
    m->depth++;
    m->object = object;
    m->at++;
    buffer_add_char(m->out, '{');
}

static void merge_member(struct merge *m, const struct json_name *name)
{
    uint32_t index = json_patch_find(m->patch, m->object, name);
    enum patch_action action = m->patch->members[index].action;

    if (index == 0) {
        copy_member(m, name->raw);
        return;
    }
    m->met[index] = true;
    if (action == PATCH_MERGE && *m->at == '{') {
        json_patch_add_name(m->out, name->raw);
        enter_object(m, index);
        return;
    }
    m->at = json_skip_value(m->at, m->end);
    if (action != PATCH_DELETE)
        add_member(m, name->raw, json_patch_text(m->patch, index));
}

/* Appends the members that only the patch has, and closes the object. */
static void leave_object(struct merge *m)
{
    const struct patch_member *members = m->patch->members;

    for (uint32_t i = members[m->object].first_child; i != 0; i = members[i].next) {
        if (!m->met[i] && members[i].action != PATCH_DELETE)
            add_member(m, members[i].name.raw, json_patch_text(m->patch, i));
    }
    buffer_add_char(m->out, '}');
    m->depth--;
    m->object = members[m->object].parent;
}

/* Returns false when the target is not JSON. */
static bool merge_objects(struct merge *m)
{
    struct json_name name;

    enter_object(m, 0);
    while (m->depth > 0 && m->at != NULL) {
        if (json_skip_to_member(&m->at, m->end, &name))
            merge_member(m, &name);
        else if (m->at != NULL)
            leave_object(m);
    }
    return m->at != NULL && json_skip_space(m->at, m->end) == m->end;
}

/* Returns false when the target is not JSON. */
static bool apply_merge(struct merge *m, size_t target_len)
{
    const struct json_patch *patch = m->patch;

    if (m->at == m->end)
        return false;
    if (patch->members[0].action != PATCH_MERGE || *m->at != '{') {
        buffer_add(m->out, json_patch_text(patch, 0));
        return true;
    }
    m->met = calloc(patch->member_count, sizeof(*m->met));
    if (m->met == NULL)
        abort();
    buffer_reserve(m->out, target_len + patch->text.len);
    const bool merged = merge_objects(m);
    free(m->met);
    return merged;
}

bool json_patch_apply(const struct json_patch *patch, struct slice target, size_t max_bytes,
                      struct buffer *out, struct error *err)
{
    size_t before = out->len;
    struct merge m = {.patch = patch, .end = target.data + target.len, .out = out};

    m.at = json_skip_space(target.data, m.end);
    if (!apply_merge(&m, target.len)) {
        out->len = before;
        return error_set(err, ERROR_INTERNAL, NULL,
                         "the stored context is not valid JSON; replace it with a PATCH of type "
                         "application/json");
    }
    if (out->len - before <= max_bytes)
        return true;
    out->len = before;
    return error_set(err, ERROR_TOO_LARGE, NULL,
                     "the merged context would have more than %zu bytes, which is the limit",
                     max_bytes);
}
