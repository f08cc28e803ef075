/* Heads, taken apart as libmicrohttpd does it, and what the guard says of them. */

#include "service/http/target.h"
#include "tests/unit/support/lenient_head.h"
#include "tests/unit/support/strict_head.h"

#include <criterion/criterion.h>

struct head_case {
    struct slice text;
    enum error_kind kind;
    const char *field;
};

#define ACCEPTED ERROR_NONE
#define LINE "GET /healthz HTTP/1.1\r\n"
#define H LINE "Host: h\r\n"
#define HEAD_CASE(text, kind, field)                                                               \
    {                                                                                              \
        {(text), sizeof(text) - 1}, (kind), (field)                                                \
    }
#define MALFORMED(text) HEAD_CASE(text, ERROR_MALFORMED_REQUEST, "")
#define BAD_FIELD(text, field) HEAD_CASE(text, ERROR_INVALID_HEADER, field)
#define GOOD(text) HEAD_CASE(text, ACCEPTED, "")

static const struct head_case cases[] = {
    GOOD(H "\r\n"),
    GOOD("\r\n\r\n" H "\r\n"),
    GOOD("GET /healthz HTTP/1.0\r\n\r\n"),
    GOOD("POST http://h:1/sessions?a=%00 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"),
    GOOD(H "A:\r\nB: \t c \r\nC:d\te\r\nD: \xc3\xa4\r\n\r\n"),
    GOOD(H "Content-Length: 18446744073709551615\r\nContent-Type: a\r\nAuthorization: b\r\n\r\n"),
    GOOD(H "If-Match: \"1\"\r\nIf-Match: \"2\"\r\n\r\n"),
    GOOD(LINE "Host: [::1]:8082 \r\n\r\n"),
    GOOD(LINE "Host:\r\n\r\n"),
    GOOD(H "Transfer-Encoding: chunked\r\n\r\n"),
    GOOD(H "transfer-encoding:\tCHUNKED\r\n\r\n"),
    GOOD(LINE "Host: \t\r\n\r\n"),
    GOOD("OPTIONS /sessions HTTP/1.1\r\nHost: h\r\n\r\n"),
    GOOD("TRACE /sessions HTTP/1.1\r\nHost: h\r\n\r\n"),
    GOOD("QUERY /sessions HTTP/1.1\r\nHost: h\r\n\r\n"),

    HEAD_CASE("get / HTTP/1.1\r\nHost: h\r\n\r\n", ERROR_UNKNOWN_METHOD, ""),
    HEAD_CASE("GETS / HTTP/1.1\r\nHost: h\r\n\r\n", ERROR_UNKNOWN_METHOD, ""),
    HEAD_CASE("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", ERROR_UNKNOWN_METHOD, ""),
    HEAD_CASE("GET / HTTP/1.2\r\nHost: h\r\n\r\n", ERROR_UNKNOWN_VERSION, ""),

    MALFORMED("GET * HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET h:1 HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET http://u@h/a HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET /a\x7f HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET /a%00 HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET /a%2Fb HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET /a%2fb?c HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET  /healthz HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET /healthz  HTTP/1.1\r\nHost: h\r\n\r\n"),
    MALFORMED("GET\0/x /healthz HTTP/1.1\r\nHost: h\r\n\r\n"),

    MALFORMED("GET /healthz HTTP/1.1\nHost: h\r\n\r\n"),
    MALFORMED(LINE "Host: h\nA: b\r\n\r\n"),
    MALFORMED(H "A: b\n\t\n\n"), /* as long as two CR LF */
    MALFORMED(LINE "Host: h\n \nA: b\r\n\r\n"),
    MALFORMED(H "\n"),
    MALFORMED(H "A: b\0c\r\n\r\n"),
    MALFORMED(H "A: \0b\r\n\r\n"),
    MALFORMED(H "A: b\0\r\n\r\n"),
    MALFORMED(H "\0A: b\r\n\r\n"),
    MALFORMED(H "A: b\r\n c\r\n\r\n"),
    MALFORMED(H "A: b\r\n \r\n\r\n"),
    MALFORMED(H "A: b\r\n \r\nC: d\r\n\r\n"),
    MALFORMED(H "A:\r\n\tb\r\n c\r\nC: d\r\n\r\n"),
    MALFORMED(H "Transfer-Encoding:\r\n chunked\r\n\r\n"),

    BAD_FIELD(LINE "\r\n", "Host"),
    BAD_FIELD(LINE "A: b\r\n\r\n", "Host"),
    BAD_FIELD(LINE "Host: h\r\nhOST: h\r\n\r\n", "hOST"),
    BAD_FIELD("GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n", "Host"),
    BAD_FIELD(LINE "Host: a, b\r\n\r\n", "Host"),
    BAD_FIELD(H ": b\r\n\r\n", ""),
    BAD_FIELD(H "A : b\r\n\r\n", "A "),
    BAD_FIELD(H "A\x01: b\r\n\r\n", "A?"),
    BAD_FIELD(H "\xc3\xa4: b\r\n\r\n", "??"),
    BAD_FIELD(LINE " A: b\r\nHost: h\r\n\r\n", " A"),
    BAD_FIELD(H "A: b\rc\r\n\r\n", "A"),
    BAD_FIELD(H "A: b\r\r\n\r\n", "A"),
    BAD_FIELD(H "A: \x1b\r\n\r\n", "A"),
    BAD_FIELD(H "A: \x7f\r\n\r\n", "A"),
    BAD_FIELD(H "Content-Length:\r\n\r\n", "Content-Length"),
    BAD_FIELD(H "Content-Length: +1\r\n\r\n", "Content-Length"),
    BAD_FIELD(H "Content-Length: -1\r\n\r\n", "Content-Length"),
    BAD_FIELD(H "Content-Length: 0x1\r\n\r\n", "Content-Length"),
    BAD_FIELD(H "Content-Length: 1, 1\r\n\r\n", "Content-Length"),
    BAD_FIELD(H "Content-Length: 18446744073709551616\r\n\r\n", "Content-Length"),
    BAD_FIELD(H "Content-Length: 99999999999999999999\r\n\r\n", "Content-Length"),
    BAD_FIELD(H "Content-Length: 1\r\ncontent-length: 1\r\n\r\n", "content-length"),
    BAD_FIELD(H "Content-Type: a\r\nContent-Type: a\r\n\r\n", "Content-Type"),
    BAD_FIELD(H "Authorization: a\r\nAuthorization: b\r\n\r\n", "Authorization"),

    HEAD_CASE(H "Transfer-Encoding: xchunked\r\n\r\n", ERROR_LENGTH_REQUIRED, ""),
    HEAD_CASE(H "Transfer-Encoding: gzip, chunked\r\n\r\n", ERROR_LENGTH_REQUIRED, ""),
    HEAD_CASE(H "Transfer-Encoding: chunked, chunked\r\n\r\n", ERROR_LENGTH_REQUIRED, ""),
    HEAD_CASE(H "transfer-encoding:\r\n\r\n", ERROR_LENGTH_REQUIRED, ""),
    HEAD_CASE(H "Content-Length: 1\r\nTransfer-Encoding: x\r\n\r\n", ERROR_LENGTH_REQUIRED, ""),
    HEAD_CASE(H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", ERROR_LENGTH_REQUIRED,
              ""),
    HEAD_CASE(H "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", ERROR_LENGTH_REQUIRED,
              ""),
    HEAD_CASE("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", ERROR_LENGTH_REQUIRED, ""),
    BAD_FIELD(H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
              "Transfer-Encoding"),
};

Test(head_validate, heads)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct head_case *it = &cases[i];
        struct lenient_head lenient;
        struct error err = {.kind = ERROR_NONE};

        cr_assert(lenient_head_read(it->text, &lenient), "the library refuses %s", it->text.data);
        const bool accepted = head_validate(&lenient.head, &err);
        cr_expect_eq(accepted, it->kind == ACCEPTED, "%s", it->text.data);
        cr_expect_eq(err.kind, it->kind, "%s: %s", it->text.data, err.detail);
        cr_expect_str_eq(err.field, it->field, "%s", it->text.data);
        cr_expect(accepted || strlen(err.detail) > 10, "%s", it->text.data);
        lenient_head_release(&lenient);
    }
}

/* libmicrohttpd 1.0 refuses most of them by itself. What it takes, the guard decides as before. */
Test(head_validate, heads_parsed_by_libmicrohttpd_1_0)
{
    size_t accepted = 0;
    size_t refused = 0;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct head_case *it = &cases[i];
        struct strict_head strict;
        struct error err = {.kind = ERROR_NONE};

        if (strict_head_read(it->text, &strict)) {
            const bool passes = head_validate(&strict.head, &err);
            cr_expect_eq(err.kind, it->kind, "%s: %s", it->text.data, err.detail);
            accepted += passes;
            refused += !passes;
        }
        strict_head_release(&strict);
    }
    cr_expect_geq(accepted, 10, "of the good heads it took %zu", accepted);
    cr_expect_geq(refused, 25, "of the bad heads it got %zu", refused);
}

/* It takes white space off the end of a value. */
Test(head_validate, white_space_ends_a_value_parsed_by_libmicrohttpd_1_0)
{
    struct strict_head strict;
    struct error err;

    cr_assert(strict_head_read(SLICE_LITERAL(H "Content-Length: 1 \t \r\nA: \t\r\n\r\n"), &strict));
    cr_expect(head_validate(&strict.head, &err), "%s", err.detail);
    cr_expect(slice_is(strict.head.fields[1].value, "1"));
    strict_head_release(&strict);
}

/* As it would be handed out at a lower strictness level: bytes between the parts that are no line's
 * end, or an end that is a bare LF. */
Test(head_validate, line_ends_of_libmicrohttpd_1_0_are_whole)
{
    static const struct {
        size_t at;
        char byte;
    } damages[] = {{22, 'x'}, {21, '\r'}, {30, '\r'}, {31, ' '}, {32, '\n'}, {33, '\0'}};

    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        struct strict_head strict;
        struct error err = {.kind = ERROR_NONE};

        cr_assert(strict_head_read(SLICE_LITERAL(H "\r\n"), &strict));
        strict.bytes[damages[i].at] = damages[i].byte;
        cr_expect_not(head_validate(&strict.head, &err), "byte %zu", damages[i].at);
        cr_expect_eq(err.kind, ERROR_MALFORMED_REQUEST, "byte %zu: %s", damages[i].at, err.detail);
        strict_head_release(&strict);
    }
}

/* What libmicrohttpd writes over a line's end is the same for CR LF and for NUL LF: this one cannot
 * be told, and ends where a recipient that takes LF for a line's end ends it, too. */
Test(head_validate, a_nul_for_a_cr_is_not_seen)
{
    struct lenient_head lenient;
    struct error err;

    cr_assert(lenient_head_read(SLICE_LITERAL(H "A: b\0\nC: d\r\n\r\n"), &lenient));
    cr_expect(head_validate(&lenient.head, &err));
    cr_expect(slice_is(lenient.head.fields[2].name, "C"));
    lenient_head_release(&lenient);
}

/* libmicrohttpd 0.9 does not take it off, and would not see the length or the coding. */
Test(head_validate, white_space_behind_a_length_or_coding_is_refused)
{
    static const char *const heads[] = {H "Content-Length: 1 \r\n\r\n",
                                        H "Transfer-Encoding: chunked \r\n\r\n"};
    static const enum error_kind kinds[] = {ERROR_INVALID_HEADER, ERROR_LENGTH_REQUIRED};

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct lenient_head lenient;
        struct error err = {.kind = ERROR_NONE};

        cr_assert(lenient_head_read(slice_from(heads[i]), &lenient));
        cr_expect_not(head_validate(&lenient.head, &err));
        cr_expect_eq(err.kind, kinds[i], "%s", heads[i]);
        lenient_head_release(&lenient);
    }
}

Test(head_validate, only_so_many_fields_are_kept)
{
    struct request_head head = {.field_count = HEAD_FIELDS_MAX - 1};

    request_head_add(&head, SLICE_LITERAL("A"), SLICE_LITERAL("b"));
    request_head_add(&head, SLICE_LITERAL("C"), SLICE_LITERAL("d"));
    cr_expect_eq(head.field_count, HEAD_FIELDS_MAX + 1);
    cr_expect(slice_is(head.fields[HEAD_FIELDS_MAX - 1].name, "A"));
}

Test(head_validate, authorities)
{
    static const char *const good[] = {"h",          "h:",        "h:0",   "h:65535",
                                       "1.2.3.4:80", "my_host.a", "[::1]", "[::1]:8",
                                       "[::]:",      "a%2fb",     "a-b~c", "[1:2:3::4]:1"};
    static const char *const bad[] = {
        "",          ":",          ":80",
        "h:x",       "h:65536",    "h:-1",
        "h:1:2",     "h h",        "h/",
        "u@h",       "a%2",        "a%zz",
        "[",         "[]",         "[::1",
        "::1",       "[g]",        "[::1]x",
        "[::1]80",   "h]",         "h\x80",
        "[1.2.3.4]", "[::1%25lo]", "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]"};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        cr_expect(authority_is_valid(slice_from(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(authority_is_valid(slice_from(bad[i])), "%s", bad[i]);
    cr_expect_not(authority_is_valid((struct slice){0}));
}
