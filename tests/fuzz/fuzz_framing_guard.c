/*
 * The framing guard on heads that were taken apart as libmicrohttpd 0.9 does it, leniently, and
 * as 1.0 does it. What it accepts is what a strict reading of the same bytes accepts, line by line
 * (RFC 9112 §2), and that one finds the same fields in them. Not so where a NUL stands next to a
 * line's end, which the lenient reading overwrites.
 *
 * Covers: service/http/head_validator.c service/http/target.c
 */
#include "service/http/target.h"
#include "tests/fuzz/expect.h"
#include "tests/unit/support/lenient_head.h"
#include "tests/unit/support/strict_head.h"

#include <stdint.h>
#include <strings.h>

#define MAX_BYTES 2048

/* A reading of the bytes as they came. */
struct strict {
    struct slice rest;
    struct slice line;
};

/* Takes a line that ends with CR LF. */
static bool next_line(struct strict *strict)
{
    const char *end = memchr(strict->rest.data, '\n', strict->rest.len);

    if (end == NULL || end == strict->rest.data || end[-1] != '\r')
        return false;
    const size_t len = (size_t)(end - strict->rest.data) + 1;
    strict->line = (struct slice){strict->rest.data, len - 2};
    strict->rest = (struct slice){end + 1, strict->rest.len - len};
    return true;
}

static bool is_clean(struct slice text, bool white_space)
{
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c == 0x7f || (c <= ' ' && !(white_space && (c == ' ' || c == '\t'))))
            return false;
    }
    return true;
}

static bool request_line_is_strict(struct slice line, const struct request_head *head)
{
    const size_t parts = head->method.len + head->target.len + head->version.len;

    return line.len == parts + 2 &&
           slice_equal((struct slice){line.data, head->method.len}, head->method) &&
           line.data[head->method.len] == ' ' &&
           slice_equal((struct slice){line.data + head->method.len + 1, head->target.len},
                       head->target) &&
           line.data[line.len - 9] == ' ' &&
           slice_equal((struct slice){line.data + line.len - 8, 8}, head->version) &&
           is_clean(head->target, false);
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t';
}

/* libmicrohttpd 1.0 takes white space off the end of a value, too. */
static bool field_is_strict(struct slice line, const struct head_field *field, bool trims_end)
{
    const char *colon = memchr(line.data, ':', line.len);

    if (colon == NULL)
        return false;
    const struct slice name = {line.data, (size_t)(colon - line.data)};
    struct slice value = {colon + 1, line.len - name.len - 1};
    while (value.len > 0 && is_white(value.data[0]))
        value = (struct slice){value.data + 1, value.len - 1};
    while (trims_end && value.len > 0 && is_white(value.data[value.len - 1]))
        value.len--;
    return name.len > 0 && slice_equal(name, field->name) && slice_equal(value, field->value) &&
           is_clean(name, false) && is_clean(value, true);
}

static bool is_name(const struct head_field *field, const char *name)
{
    return field->name.len == strlen(name) &&
           strncasecmp(field->name.data, name, field->name.len) == 0;
}

static size_t count(const struct request_head *head, const char *name)
{
    size_t found = 0;

    for (size_t i = 0; i < head->field_count; i++)
        found += is_name(&head->fields[i], name);
    return found;
}

static bool is_chunked(const struct request_head *head)
{
    for (size_t i = 0; i < head->field_count; i++) {
        const struct slice value = head->fields[i].value;
        if (is_name(&head->fields[i], "Transfer-Encoding"))
            return value.len == 7 && strncasecmp(value.data, "chunked", 7) == 0;
    }
    return false;
}

/* `text` begins with the request line: empty lines before it are passed over (RFC 9112 §2.2). */
static void check_lines(const struct request_head *head, struct slice text)
{
    struct strict strict = {.rest = text};

    expect(next_line(&strict) && request_line_is_strict(strict.line, head), "the request line",
           text);
    for (size_t i = 0; i < head->field_count; i++) {
        expect(next_line(&strict) && strict.line.len > 0, "a line is lost", text);
        expect(field_is_strict(strict.line, &head->fields[i], head->keeps_lf), "a field", text);
    }
    expect(next_line(&strict) && strict.line.len == 0 && strict.rest.len == 0, "the head's end",
           text);
}

static void check_singles(const struct request_head *head, struct slice text)
{
    const size_t encodings = count(head, "Transfer-Encoding");

    expect(encodings == 0 || (encodings == 1 && count(head, "Content-Length") == 0 &&
                              slice_is(head->version, "HTTP/1.1") && is_chunked(head)),
           "an encoding", text);
    expect(count(head, "Content-Length") <= 1, "two lengths", text);
    expect(count(head, "Host") == 1 || slice_is(head->version, "HTTP/1.0"), "hosts", text);
    expect(count(head, "Host") <= 1, "two hosts", text);
}

/* `bytes` is the copy of the text that was parsed in place. */
static void check(const struct request_head *head, const char *bytes, struct slice text)
{
    const size_t skipped = (size_t)(head->bytes.data - bytes);
    const struct slice sent = {text.data + skipped, head->bytes.len};
    struct error err = {.kind = ERROR_NONE};

    if (!head_validate(head, &err)) {
        expect(err.kind != ERROR_NONE && err.detail[0] != '\0', "a refusal without a word", text);
        return;
    }
    check_singles(head, text);
    if (memchr(sent.data, '\0', sent.len) == NULL)
        check_lines(head, sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = {(const char *)data, size};
    struct lenient_head lenient;
    struct strict_head strict;

    if (size > MAX_BYTES)
        return 0;
    if (lenient_head_read(text, &lenient) && lenient.head.field_count <= HEAD_FIELDS_MAX)
        check(&lenient.head, lenient.bytes, text);
    if (strict_head_read(text, &strict) && strict.head.field_count <= HEAD_FIELDS_MAX)
        check(&strict.head, strict.bytes, text);
    lenient_head_release(&lenient);
    strict_head_release(&strict);
    return 0;
}
