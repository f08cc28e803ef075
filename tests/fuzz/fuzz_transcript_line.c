/*
 * A line of a transcript: what is taken is one object in its shortest form, and a line that begins
 * with several objects is split where the first one ends.
 *
 * Covers: service/cli/claude/line.c
 */
#include "routes/json/scan.h"
#include "service/cli/claude/line.h"
#include "tests/fuzz/expect.h"

#include <stdint.h>

#define MAX_DEPTH 10000

static bool is_object(struct slice text)
{
    struct json_outline outline;
    struct error ignored;

    return json_scan(text, MAX_DEPTH, &outline, &ignored) && outline.type == JSON_OBJECT;
}

static void check_taken(const struct claude_line *line, struct slice input)
{
    struct buffer text = {0};
    struct error why;

    if (line->text.len == 0)
        return;
    expect(is_object(line->text), "what is taken is an object", input);
    expect(memchr(line->text.data, '\n', line->text.len) == NULL, "it is one line", input);
    expect(line->uuid.len <= 128, "a uuid has at most 128 bytes", input);
    if (claude_line_text(line->text, "cwd", &text))
        expect(text.len > 0, "a text is not empty", input);
    text.len = 0;
    if (claude_line_add_metadata(line->text, &text, &why))
        expect(is_object(buffer_slice(&text)), "metadata is an object", input);
    buffer_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice input = {(const char *)data, size};
    struct buffer copy = {0};
    struct claude_line line;
    struct error why;

    if (size == 0)
        return 0;
    buffer_add(&copy, input);
    const size_t first = claude_line_split(input);
    expect(first < size || first == 0, "something is behind the first object", input);
    if (memchr(data, '\n', size) == NULL && claude_line_parse(copy.data, size, &line, &why)) {
        expect(first == 0, "one object is not split", input);
        check_taken(&line, input);
        claude_line_release(&line);
    }
    buffer_release(&copy);
    return 0;
}
