/*
 * Token files: the input is one. Each line that says something is a token, or the file is refused
 * and the line named. What the input holds can also be presented: nobody is let in by a digest.
 *
 * Covers: service/auth/tokens.c
 */
#include "service/auth/tokens.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void expect(bool holds, const char *what, struct slice text)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %.*s\n", what, (int)text.len, text.data);
    abort();
}

/* The lines that hold tokens, by a reading of their own. */
static size_t count_lines(struct slice text)
{
    size_t count = 0;

    while (text.len > 0) {
        const char *end = memchr(text.data, '\n', text.len);
        const size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        size_t blank = 0;
        while (blank < len && (text.data[blank] == ' ' || text.data[blank] == '\t'))
            blank++;
        if (blank < len && text.data[0] != '#')
            count++;
        const size_t step = len + (end == NULL ? 0 : 1);
        text = (struct slice){text.data + step, text.len - step};
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = {(const char *)data, size};
    struct tokens *tokens = tokens_new();
    struct error err = {0};

    if (tokens_parse(tokens, text, &err)) {
        expect(tokens_count(tokens) > 0 && tokens_count(tokens) == count_lines(text), "the count",
               text);
        expect(tokens_find(tokens, text) == NULL, "let in by the file itself", text);
    } else {
        expect(err.kind == ERROR_INVALID_PAYLOAD, "the kind of the error", text);
        expect(strncmp(err.detail, "line ", 5) == 0 || count_lines(text) == 0, err.detail, text);
    }
    tokens_free(tokens);
    return 0;
}
