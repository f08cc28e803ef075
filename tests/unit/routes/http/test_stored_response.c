/* The response stored under an Idempotency-Key: what is written is read, anything else is refused.
 */

#include "routes/http/stored_response.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct exchange ex;
static struct buffer stored;

static void release(void)
{
    exchange_release(&ex);
    buffer_release(&stored);
}

TestSuite(stored_response, .fini = release);

/* Reads a copy of exactly that length, so that a read beyond it is seen. */
static bool read_response(struct slice text, struct error *err)
{
    char *copy = malloc(text.len + 1);

    cr_assert_not_null(copy);
    char *exact = realloc(copy, text.len == 0 ? 1 : text.len);
    cr_assert_not_null(exact);
    if (text.len > 0)
        memcpy(exact, text.data, text.len);
    const bool ok = stored_response_read(&ex, (struct slice){exact, text.len}, err);
    free(exact);
    return ok;
}

Test(stored_response, is_read_as_it_was_written)
{
    struct error err;

    ex.status = 201;
    ex.content_type = "application/json";
    exchange_add_header(&ex, "ETag", SLICE_LITERAL("\"1\""));
    exchange_add_header(&ex, "Location", SLICE_LITERAL("/sessions/x"));
    exchange_add_header(&ex, "Vary", SLICE_LITERAL("Accept"));
    buffer_add_text(&ex.response, "{\"a\":1}");
    stored_response_write(&ex, &stored);
    exchange_discard_response(&ex);
    cr_assert(read_response(buffer_slice(&stored), &err), "%s", err.detail);
    cr_expect_eq(ex.status, 201);
    cr_expect_str_eq(ex.content_type, "application/json");
    cr_expect_eq(ex.response_header_count, 2, "Vary is not stored");
    cr_expect_str_eq(ex.response_headers[0].name, "ETag");
    cr_expect_str_eq(exchange_header_value(&ex, 1), "/sessions/x");
    cr_expect(slice_is(buffer_slice(&ex.response), "{\"a\":1}"));
}

Test(stored_response, without_type_headers_and_body)
{
    struct error err;

    ex.status = 204;
    stored_response_write(&ex, &stored);
    cr_assert(read_response(buffer_slice(&stored), &err), "%s", err.detail);
    cr_expect_eq(ex.status, 204);
    cr_expect_null(ex.content_type);
    cr_expect_eq(ex.response.len, 0);
}

#define CORRUPT(text)                                                                              \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

Test(stored_response, a_corrupt_one_is_refused)
{
    static const struct slice corrupt[] = {
        CORRUPT(""),
        CORRUPT("2"),
        CORRUPT("2222222222222222222222222222222222222222"),
        CORRUPT("\0"),
        CORRUPT("0\0\0\0"),
        CORRUPT("199\0\0\0"),
        CORRUPT("600\0\0\0"),
        CORRUPT("-20\0\0\0"),
        CORRUPT("2x0\0\0\0"),
        CORRUPT("99999999999999999999\0\0\0"),
        CORRUPT("200"),
        CORRUPT("200\0"),
        CORRUPT("200\0application/json"),
        CORRUPT("200\0text/html\0\0<p>"),
        CORRUPT("200\0application/json\0"),
        CORRUPT("200\0application/json\0ETag"),
        CORRUPT("200\0application/json\0ETag\0"),
        CORRUPT("200\0application/json\0ETag\0\"1\""),
        CORRUPT("200\0application/json\0ETag\0\"1\"\0"),
        CORRUPT("200\0application/json\0ETag\0\0\0"),
        CORRUPT("200\0application/json\0ETag\0\"1\"\r\nX: y\0\0"),
        CORRUPT("200\0application/json\0ETag\0\xff\0\0"),
        CORRUPT("200\0application/json\0ETag\0a\0ETag\0b\0\0"),
        CORRUPT("200\0application/json\0X-A\0b\0\0{}"),
        CORRUPT("200\0application/json\0Content-Length\0"
                "9\0\0{}"),
        CORRUPT("200\0application/json\0Set-Cookie\0a=b\0\0{}"),
    };
    struct error err;

    for (size_t i = 0; i < sizeof(corrupt) / sizeof(corrupt[0]); i++) {
        cr_expect_not(read_response(corrupt[i], &err), "%zu", i);
        cr_expect_eq(err.kind, ERROR_INTERNAL, "%zu", i);
        cr_expect_eq(ex.status, 0, "%zu", i);
        cr_expect_eq(ex.response_header_count, 0, "%zu", i);
    }
}

/* Every prefix of a response without a body is refused or has no body, and none is read beyond. */
Test(stored_response, a_cut_one_is_refused_or_shorter)
{
    const struct slice whole =
        SLICE_LITERAL("201\0application/json\0ETag\0\"1\"\0Location\0/s\0\0{}");
    struct error err;

    for (size_t len = 0; len < whole.len - 2; len++)
        cr_expect_not(read_response((struct slice){whole.data, len}, &err), "%zu", len);
    cr_expect(read_response((struct slice){whole.data, whole.len - 1}, &err));
    cr_expect(slice_is(buffer_slice(&ex.response), "{"));
}
