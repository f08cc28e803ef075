/*
 * RFC 7396 §2 as it reads, quadratic and recursive. Texts are valid JSON.
 */
#ifndef SESSIOND_TESTS_FUZZ_NAIVE_MERGE_H
#define SESSIOND_TESTS_FUZZ_NAIVE_MERGE_H

#include "routes/core/buffer.h"
#include "routes/json/string.h"

struct naive_member {
    struct slice name, value; /* the name raw */
};

static inline bool naive_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline struct slice naive_trim(struct slice text)
{
    for (; text.len > 0 && naive_is_space(text.data[0]); text.len--)
        text.data++;
    while (text.len > 0 && naive_is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* The member at *at, which moves behind the comma or the brace that ends it. */
static inline bool naive_next(struct slice object, size_t *at, struct naive_member *out)
{
    size_t depth = 0;
    size_t start = *at;
    size_t colon = 0;
    bool in_string = false;

    for (size_t i = start; i < object.len; i++) {
        char c = object.data[i];

        if (in_string) {
            in_string = c != '"';
            i += c == '\\';
        } else if (c == '"') {
            in_string = true;
        } else if (c == ':' && depth == 0 && colon == 0) {
            colon = i;
        } else if (depth == 0 && (c == ',' || c == '}')) {
            *at = i + 1;
            out->name =
                naive_trim((struct slice){object.data + start, colon == 0 ? 0 : colon - start});
            out->value = naive_trim((struct slice){object.data + colon + 1, i - colon - 1});
            out->name = (struct slice){out->name.data + 1, out->name.len - 2};
            return colon != 0;
        } else {
            depth += (c == '[' || c == '{');
            depth -= (c == ']' || c == '}');
        }
    }
    return false;
}

static inline bool naive_find(struct slice object, struct slice name, struct slice *value)
{
    struct buffer want = {0};
    struct buffer have = {0};
    struct naive_member member;
    bool found = false;

    json_string_decode(name, &want);
    for (size_t at = 1; !found && object.data[0] == '{' && naive_next(object, &at, &member);) {
        have.len = 0;
        json_string_decode(member.name, &have);
        found = slice_equal(buffer_slice(&want), buffer_slice(&have));
        if (found)
            *value = member.value;
    }
    buffer_release(&want);
    buffer_release(&have);
    return found;
}

static inline void naive_add_name(struct buffer *out, struct slice name)
{
    if (out->data[out->len - 1] != '{')
        buffer_add_char(out, ',');
    buffer_add_char(out, '"');
    buffer_add(out, name);
    buffer_add_text(out, "\":");
}

static inline void naive_merge(struct slice target, struct slice patch, struct buffer *out)
{
    struct naive_member member;
    struct slice other;

    if (patch.data[0] != '{') {
        buffer_add(out, patch);
        return;
    }
    buffer_add_char(out, '{');
    for (size_t at = 1; target.data[0] == '{' && naive_next(target, &at, &member);) {
        bool patched = naive_find(patch, member.name, &other);

        if (patched && slice_is(other, "null"))
            continue;
        naive_add_name(out, member.name);
        if (patched)
            naive_merge(member.value, other, out);
        else
            buffer_add(out, member.value);
    }
    for (size_t at = 1; naive_next(patch, &at, &member);) {
        if (slice_is(member.value, "null") || naive_find(target, member.name, &other))
            continue;
        naive_add_name(out, member.name);
        naive_merge(SLICE_LITERAL("null"), member.value, out);
    }
    buffer_add_char(out, '}');
}

#endif
