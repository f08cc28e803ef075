/* Lines of a file, none longer than the limit. */
#include "service/cli/claude/reader.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX 8
#define MARK "\xef\xbb\xbf"

static char path[] = "/tmp/sessiond-reader-XXXXXX";

static void make_file(const char *text, size_t len)
{
    const int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, len), (ssize_t)len);
    close(fd);
}

/* Each line in brackets; a line that is too long as its number. */
static void expect_lines(struct slice text, bool is_whole, const char *wanted)
{
    struct claude_reader reader;
    struct buffer seen = {0};
    enum claude_read read;

    make_file(text.data, text.len);
    cr_assert(claude_reader_open(&reader, path, MAX, is_whole));
    while ((read = claude_reader_next(&reader)) != CLAUDE_READ_END) {
        cr_assert_neq(read, CLAUDE_READ_FAILED);
        if (read == CLAUDE_READ_TOO_LONG)
            buffer_printf(&seen, "%d", (int)reader.number);
        else
            buffer_printf(&seen, "[%.*s]", (int)reader.line.len, reader.line.data);
    }
    cr_expect(slice_is(buffer_slice(&seen), wanted), "%.*s, not %s", (int)seen.len, seen.data,
              wanted);
    claude_reader_close(&reader);
    buffer_release(&seen);
    unlink(path);
    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
}

Test(claude_reader, lines_end_with_lf_or_crlf_or_the_file)
{
    expect_lines(SLICE_LITERAL(""), false, "");
    expect_lines(SLICE_LITERAL("\n"), false, "[]");
    expect_lines(SLICE_LITERAL("a\r\n\r\nb\rc"), false, "[a][][b\rc]");
    expect_lines(SLICE_LITERAL("a\nb\n"), false, "[a][b]");
    expect_lines(SLICE_LITERAL("a\nb\n"), true, "[a\nb\n]");
}

Test(claude_reader, byte_order_mark_is_skipped_at_the_start_of_the_file)
{
    expect_lines(SLICE_LITERAL(MARK "a\n" MARK "b"), false, "[a][" MARK "b]");
    expect_lines(SLICE_LITERAL(MARK), false, "[]");
    expect_lines(SLICE_LITERAL("\xef\xbb"), false, "[\xef\xbb]");
}

Test(claude_reader, line_over_the_limit_is_skipped_and_numbered)
{
    expect_lines(SLICE_LITERAL("12345678\n123456789\n12345678\r\n123456789\r\n1234567"), false,
                 "[12345678]2[12345678]4[1234567]");
    expect_lines(SLICE_LITERAL(MARK "12345678\r\n"), false, "[12345678]");
    expect_lines(SLICE_LITERAL("123456789"), true, "1");
}

Test(claude_reader, long_line_takes_no_memory)
{
    struct claude_reader reader;
    const size_t size = 8 << 20;
    char *text = malloc(size);

    memset(text, 'x', size);
    text[size - 2] = '\n';
    make_file(text, size);
    free(text);
    cr_assert(claude_reader_open(&reader, path, MAX, false));
    cr_expect_eq(claude_reader_next(&reader), CLAUDE_READ_TOO_LONG);
    cr_expect_leq(reader.line.capacity, CLAUDE_READER_BYTES);
    cr_expect_eq(claude_reader_next(&reader), CLAUDE_READ_LINE);
    cr_expect(slice_is(buffer_slice(&reader.line), "x"));
    cr_expect_eq(claude_reader_next(&reader), CLAUDE_READ_END);
    claude_reader_close(&reader);
    unlink(path);
}

Test(claude_reader, file_that_cannot_be_read_fails)
{
    struct claude_reader reader;

    cr_expect_not(claude_reader_open(&reader, "/nonexistent/file", MAX, false));
    cr_assert(claude_reader_open(&reader, "/tmp", MAX, false));
    cr_expect_eq(claude_reader_next(&reader), CLAUDE_READ_FAILED);
    claude_reader_close(&reader);
}
