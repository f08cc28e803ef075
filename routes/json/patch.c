#include "routes/json/patch.h"

#include "routes/json/skip.h"
#include "routes/json/string.h"

#include <stdlib.h>

static uint32_t add_member(struct json_patch *patch, uint32_t parent, struct json_name name)
{
    uint32_t index = patch->member_count++;

    if (index == patch->member_capacity) {
        if (index > UINT32_MAX / 2)
            abort();
        patch->member_capacity = index == 0 ? 8 : 2 * index;
        patch->members =
            reallocarray(patch->members, patch->member_capacity, sizeof(*patch->members));
        if (patch->members == NULL)
            abort();
    }
    patch->members[index] = (struct patch_member){.name = name, .parent = parent};
    return index;
}

static void link_child(struct patch_member *members, uint32_t parent, uint32_t child)
{
    if (members[parent].first_child == 0)
        members[parent].first_child = child;
    else
        members[members[parent].last_child].next = child;
    members[parent].last_child = child;
}

void json_patch_add_name(struct buffer *out, struct slice raw)
{
    if (out->data[out->len - 1] != '{')
        buffer_add_char(out, ',');
    buffer_add_char(out, '"');
    buffer_add(out, raw);
    buffer_add(out, SLICE_LITERAL("\":"));
}

static void begin_object(struct json_patch *patch, uint32_t index)
{
    patch->members[index].action = PATCH_MERGE;
    patch->members[index].text_start = patch->text.len;
    buffer_add_char(&patch->text, '{');
}

static void end_object(struct json_patch *patch, uint32_t index)
{
    struct patch_member *member = &patch->members[index];

    buffer_add_char(&patch->text, '}');
    member->text_len = patch->text.len - member->text_start;
}

static void replace_with(struct json_patch *patch, uint32_t index, struct slice value)
{
    struct patch_member *member = &patch->members[index];

    member->action = PATCH_REPLACE;
    member->text_start = patch->text.len;
    member->text_len = value.len;
    buffer_add(&patch->text, value);
}

/* Adds the member `name` of `object`, whose value begins at *at. Moves *at past the value, or past
 * the opening brace of an object. Returns the object that is open at the new *at. */
static uint32_t index_member(struct json_patch *patch, uint32_t object, struct json_name name,
                             const char **at, const char *end)
{
    uint32_t index = add_member(patch, object, name);
    const char *start = *at;

    link_child(patch->members, object, index);
    if (*start == '{') {
        json_patch_add_name(&patch->text, name.raw);
        begin_object(patch, index);
        ++*at;
        return index;
    }
    *at = json_skip_value(start, end);
    if (*start != 'n') {
        json_patch_add_name(&patch->text, name.raw);
        replace_with(patch, index, (struct slice){start, (size_t)(*at - start)});
    }
    return object;
}

/* `at` is the byte after the opening brace of the patch. */
static void index_objects(struct json_patch *patch, const char *at, const char *end)
{
    uint32_t object = 0;
    struct json_name name;

    for (;;) {
        if (json_skip_to_member(&at, end, &name)) {
            object = index_member(patch, object, name, &at, end);
            continue;
        }
        end_object(patch, object);
        if (object == 0)
            return;
        object = patch->members[object].parent;
    }
}

static uint64_t hash_member(const struct patch_member *member)
{
    return member->name.hash ^ member->parent * UINT64_C(0x9e3779b97f4a7c15);
}

static int compare_members(const void *left, const void *right)
{
    const struct json_index_entry *a = left;
    const struct json_index_entry *b = right;
    const struct patch_member *a_member = a->item;
    const struct patch_member *b_member = b->item;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a_member->parent != b_member->parent)
        return a_member->parent < b_member->parent ? -1 : 1;
    return json_string_compare(a_member->name.raw, b_member->name.raw);
}

static void build_index(struct json_patch *patch)
{
    size_t count = patch->member_count - 1;
    struct json_index_entry *entries = calloc(count + 1, sizeof(*entries));

    if (entries == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        const struct patch_member *member = &patch->members[i + 1];

        entries[i] = (struct json_index_entry){hash_member(member), member};
    }
    json_index_init(&patch->index, entries, count, compare_members);
    free(entries);
}

uint32_t json_patch_find(const struct json_patch *patch, uint32_t parent,
                         const struct json_name *name)
{
    const struct patch_member wanted = {.name = *name, .parent = parent};
    const struct json_index_entry key = {hash_member(&wanted), &wanted};
    const struct patch_member *found = json_index_find(&patch->index, &key, compare_members);

    return found == NULL ? 0 : (uint32_t)(found - patch->members);
}

struct slice json_patch_text(const struct json_patch *patch, uint32_t member)
{
    const struct patch_member *it = &patch->members[member];

    return (struct slice){patch->text.data + it->text_start, it->text_len};
}

struct json_patch *json_patch_new(struct slice text)
{
    struct json_patch *patch = calloc(1, sizeof(*patch));
    const char *end = text.data + text.len;
    const char *at = json_skip_space(text.data, end);

    if (patch == NULL)
        abort();
    buffer_reserve(&patch->text, text.len);
    add_member(patch, 0, (struct json_name){0});
    if (*at != '{') {
        replace_with(patch, 0, (struct slice){at, (size_t)(json_skip_value(at, end) - at)});
        return patch;
    }
    begin_object(patch, 0);
    index_objects(patch, at + 1, end);
    build_index(patch);
    return patch;
}

void json_patch_free(struct json_patch *patch)
{
    if (patch == NULL)
        return;
    buffer_release(&patch->text);
    free(patch->members);
    json_index_release(&patch->index);
    free(patch);
}
