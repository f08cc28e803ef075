/*
 * Merge patches: the input is a target, a NUL byte and a patch. The result is
 * that of the plain reference but for white space, is JSON, and does not
 * change when the same patch is applied again.
 *
 * Covers: routes/json/merge.c routes/json/patch.c routes/json/index.c routes/json/member_name.c
 */
#include "routes/json/merge.h"
#include "routes/json/patch.h"
#include "routes/json/scan.h"
#include "tests/fuzz/naive_merge.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_DEPTH 32

static void expect(bool holds, const char *what, struct slice target, struct slice patch)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %.*s + %.*s\n", what, (int)target.len, target.data, (int)patch.len,
            patch.data);
    abort();
}

/* `text` without the white space between its tokens. */
static struct buffer squeeze(struct slice text)
{
    struct buffer out = {0};
    bool in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!in_string && naive_is_space(c))
            continue;
        buffer_add_char(&out, c);
        if (in_string && c == '\\')
            buffer_add_char(&out, text.data[++i]);
        else if (c == '"')
            in_string = !in_string;
    }
    return out;
}

static bool equal_squeezed(struct slice a, struct slice b)
{
    struct buffer left = squeeze(a);
    struct buffer right = squeeze(b);
    bool equal = slice_equal(buffer_slice(&left), buffer_slice(&right));

    buffer_release(&left);
    buffer_release(&right);
    return equal;
}

static void check_limit(const struct json_patch *patch, struct slice target, size_t len)
{
    struct buffer out = {0};
    struct error err;

    buffer_add_char(&out, '!');
    if (json_patch_apply(patch, target, len - 1, &out, &err) || err.kind != ERROR_TOO_LARGE ||
        out.len != 1 || !json_patch_apply(patch, target, len, &out, &err))
        abort();
    buffer_release(&out);
}

static void check_merge(struct slice target, struct slice text)
{
    struct json_patch *patch = json_patch_new(text);
    struct buffer once = {0};
    struct buffer twice = {0};
    struct buffer want = {0};
    struct error err;
    bool ok = json_patch_apply(patch, target, SIZE_MAX, &once, &err);

    expect(ok && json_scan(buffer_slice(&once), MAX_DEPTH, NULL, &err), "no JSON", target, text);
    naive_merge(naive_trim(target), naive_trim(text), &want);
    expect(equal_squeezed(buffer_slice(&once), buffer_slice(&want)), "not as RFC 7396 says", target,
           text);
    ok = json_patch_apply(patch, buffer_slice(&once), SIZE_MAX, &twice, &err);
    expect(ok && slice_equal(buffer_slice(&once), buffer_slice(&twice)), "not the same twice",
           target, text);
    check_limit(patch, target, once.len);
    json_patch_free(patch);
    buffer_release(&once);
    buffer_release(&twice);
    buffer_release(&want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size == 0 ? NULL : memchr(data, 0, size);
    struct slice target;
    struct slice patch;
    struct error err;

    if (nul == NULL)
        return 0;
    target = (struct slice){(const char *)data, (size_t)(nul - data)};
    patch = (struct slice){(const char *)nul + 1, size - target.len - 1};
    if (!json_scan(target, MAX_DEPTH, NULL, &err) || !json_scan(patch, MAX_DEPTH, NULL, &err))
        return 0;
    check_merge(target, patch);
    return 0;
}
